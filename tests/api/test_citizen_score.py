"""What a citizen sees of her score."""

from tests.api.service import Service


def test_a_citizen_sees_her_score_with_band_day_snapshot_and_rules(service: Service) -> None:
    reply = service.get("/v1/me/score", service.signer.token("rich"))
    assert reply.status == 200
    assert reply.json() == {
        "score": 652,
        "band": {"code": "band3", "name": "第3档", "name_en": "Band 3"},
        "as_of": "2026-11-20",
        "snapshot": "20261120-0001",
        "rules_version": "2026-01-01",
        "stale": False,
    }
