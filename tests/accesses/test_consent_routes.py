"""Consents over HTTP: granted, listed, changed; other people's look like none at all."""

import datetime as dt
import xml.etree.ElementTree as ET
from functools import partial
from typing import Any

import pytest

from api.consents.codec import ConsentCodec
from api.consents.handles import HandleKeys
from api.consents.projection import LiveConsents
from scoring.contract.pseudonyms import snapshot_subject_of
from tests.api.city import SNAPSHOT_KEY
from tests.api.service import Reply, Service

TERMS = {"partner": "bus_partner", "policy": "bus", "purpose": "优惠"}
ADDRESS = "/v1/me/consents"


def expiry(days: float = 30) -> str:
    return (dt.datetime.now(dt.UTC) + dt.timedelta(days=days)).isoformat()


def live_consents(service: Service) -> LiveConsents:
    """As another worker reads them."""
    codec = ConsentCodec(HandleKeys(SNAPSHOT_KEY), partial(snapshot_subject_of, SNAPSHOT_KEY))
    return LiveConsents(service.ledger, service.reader, codec)


def enrol(service: Service, name: str) -> str:
    token = service.signer.token(name)
    version = service.get("/v1/notice").json()["version"]
    reply = service.post("/v1/me/enrolment", {"notice_version": version}, token)
    assert reply.status in (201, 409), reply.body
    return token


def grant(service: Service, token: str, key: str | None = None, **terms: Any) -> Reply:
    body = {**TERMS, "expires_at": expiry(), "max_uses_per_day": 3, **terms}
    headers = {} if key is None else {"idempotency_key": key}
    return service.post(ADDRESS, body, token, **headers)


def change(service: Service, token: str, consent_id: str, status: str) -> Reply:
    json_type = {"content-type": "application/json"}
    body = [b'{"status":"%s"}' % status.encode()]
    return service.ask("PATCH", f"{ADDRESS}/{consent_id}", token, json_type, body)


def test_a_consent_is_granted_shown_listed_and_revoked(fresh: Service) -> None:
    token = enrol(fresh, "new")
    granted = grant(fresh, token)
    assert granted.status == 201
    consent = granted.json()
    assert consent | TERMS == consent
    assert (consent["status"], len(consent["handle"]), consent["uses"]) == ("active", 22, 0)
    own = f"{ADDRESS}/{consent['id']}"
    assert granted.headers["location"] == own
    assert fresh.get(own, token).json() == consent
    assert fresh.get(ADDRESS, token).json() == {"items": [consent], "next_cursor": None}
    assert fresh.ask("DELETE", own, token).status == 204
    assert fresh.ask("DELETE", own, token).status == 204  # asked again, confirmed again
    assert fresh.get(own, token).json()["status"] == "revoked"
    live = fresh.run(live_consents(fresh).live(consent["handle"]))
    assert live.status == "revoked"


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"partner": "nobody"}, "unknown_partner"),
        ({"policy": "water"}, "unknown_policy"),
        ({"policy": "book"}, "policy_of_another_partner"),
        ({"purpose": "marketing"}, "purpose_not_registered"),
        ({"purpose": ""}, "purpose_missing"),
        ({"expires_at": expiry(-1)}, "expiry_in_the_past"),
        ({"expires_at": expiry(367)}, "expiry_too_late"),
        ({"not_before": expiry(40)}, "start_after_expiry"),
        ({"max_uses_per_day": 0}, "uses_out_of_range"),
        ({"max_uses_per_day": 101}, "uses_out_of_range"),
        ({"data_life_days": 2}, "data_life_out_of_range"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_terms_beyond_the_register_are_422_with_the_reason(
    service: Service, terms: dict[str, Any], code: str
) -> None:
    reply = grant(service, enrol(service, "new"), **terms)
    assert (reply.status, reply.code) == (422, code)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {**TERMS},
        {**TERMS, "expires_at": "tomorrow"},
        {**TERMS, "expires_at": "2027-01-01T00:00:00"},
        {**TERMS, "expires_at": expiry(), "scope": "all"},
        {**TERMS, "expires_at": expiry(), "status": "revoked"},
        [],
    ],
    ids=str,
)
def test_what_is_no_grant_is_400(service: Service, body: Any) -> None:
    reply = service.post(ADDRESS, body, enrol(service, "new"))
    assert (reply.status, reply.code) == (400, "invalid_body")


def test_a_missing_purpose_is_told_as_such(service: Service) -> None:
    body = {"partner": "bus_partner", "policy": "bus", "expires_at": expiry()}
    reply = service.post(ADDRESS, body, enrol(service, "new"))
    assert (reply.status, reply.code) == (422, "purpose_missing")


def test_who_is_not_enrolled_cannot_consent(service: Service) -> None:
    reply = grant(service, service.signer.token("nobody"))
    assert (reply.status, reply.code) == (404, "not_enrolled")


def test_the_same_key_gives_the_same_consent_and_another_request_under_it_is_refused(
    fresh: Service,
) -> None:
    token = enrol(fresh, "new")
    terms = {"expires_at": expiry()}
    first, again = (grant(fresh, token, "k1", **terms) for _ in range(2))
    assert (first.status, again.status) == (201, 201)
    assert first.body == again.body
    assert len(fresh.get(ADDRESS, token).json()["items"]) == 1
    other = grant(fresh, token, "k1", **terms, max_uses_per_day=1)  # max differs
    assert (other.status, other.code) == (422, "idempotency_conflict")


def test_someone_elses_id_and_an_unknown_one_are_refused_in_the_same_words(fresh: Service) -> None:
    hers, his = enrol(fresh, "new"), enrol(fresh, "other")
    consent_id = grant(fresh, hers).json()["id"]
    answers = set()
    for name in (consent_id, "c" + "0" * 32, "x", "c%20"):
        for method, tail, pieces in (
            ("GET", "", [b""]),
            ("GET", "/qr.svg", [b""]),
            ("DELETE", "", [b""]),
            ("PATCH", "", [b'{"status":"paused"}']),
        ):
            reply = fresh.ask(
                method,
                f"{ADDRESS}/{name}{tail}",
                his,
                {"content-type": "application/json"},
                pieces,
            )
            shown = reply.json()
            del shown["trace_id"]
            answers.add((reply.status, str(shown)))
    assert len(answers) == 1
    assert next(iter(answers))[0] == 404
    assert fresh.get(f"{ADDRESS}/{consent_id}", hers).json()["status"] == "active"


def test_steps_follow_the_state_machine(fresh: Service) -> None:
    token = enrol(fresh, "new")
    consent_id = grant(fresh, token, status="awaiting").json()["id"]
    steps = [
        ("paused", 409),
        ("active", 200),
        ("active", 200),
        ("rejected", 409),
        ("paused", 200),
        ("active", 200),
        ("revoked", 200),
        ("revoked", 200),
        ("active", 409),
        ("paused", 409),
    ]
    for target, status in steps:
        reply = change(fresh, token, consent_id, target)
        assert reply.status == status, (target, reply.body)
        if status == 409:
            assert reply.code == "illegal_step"
            assert reply.json()["state"] in ("awaiting", "active", "revoked")
    other = grant(fresh, token, status="awaiting").json()["id"]
    assert change(fresh, token, other, "rejected").json()["status"] == "rejected"
    assert fresh.ask("DELETE", f"{ADDRESS}/{other}", token).code == "illegal_step"


def test_the_qr_code_is_an_image_of_the_handle_without_script(fresh: Service) -> None:
    token = enrol(fresh, "new")
    consent = grant(fresh, token).json()
    reply = fresh.get(f"{ADDRESS}/{consent['id']}/qr.svg", token)
    assert (reply.status, reply.headers["content-type"]) == (200, "image/svg+xml")
    root = ET.fromstring(reply.body)  # noqa: S314 our own answer
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert {element.tag.rpartition("}")[2] for element in root.iter()} <= {
        "svg",
        "g",
        "path",
        "title",
    }
    assert b"href" not in reply.body


def test_lists_are_paged_newest_first_without_loss(fresh: Service) -> None:
    token = enrol(fresh, "new")
    ids = [grant(fresh, token).json()["id"] for _ in range(7)]
    found, path = [], f"{ADDRESS}?limit=3"
    while path:
        page = fresh.get(path, token).json()
        found += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        path = f"{ADDRESS}?limit=3&cursor={cursor}" if cursor else ""
    assert found == ids[::-1]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "limit=+5", "cursor=none"])
def test_a_page_that_cannot_be_is_400(service: Service, query: str) -> None:
    for path in (ADDRESS, "/v1/me/accesses", "/v1/me/events"):
        reply = service.get(f"{path}?{query}", enrol(service, "new"))
        assert (reply.status, reply.code) == (400, "invalid_parameter"), path


def test_leaving_the_score_ends_all_consents_at_once(fresh: Service) -> None:
    token = enrol(fresh, "new")
    consents = [grant(fresh, token).json() for _ in range(2)]
    assert fresh.ask("DELETE", "/v1/me/enrolment", token).status == 204
    for consent in consents:
        assert fresh.run(live_consents(fresh).live(consent["handle"])).status == "revoked"
        shown = fresh.get(f"{ADDRESS}/{consent['id']}", token).json()
        assert (shown["status"], shown["changed_by"]) == ("revoked", "withdrawal")
        assert change(fresh, token, consent["id"], "active").code == "illegal_step"


def test_more_consents_than_there_are_benefits_many_times_over_are_refused(
    fresh: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.consents.service.MOST_OPEN", 2)
    token = enrol(fresh, "new")
    assert [grant(fresh, token).status for _ in range(3)] == [201, 201, 409]


def test_with_the_ledger_gone_nothing_is_granted_or_shown(fresh: Service) -> None:
    token = enrol(fresh, "new")
    fresh.run(fresh.ledger.close())
    for reply in (
        grant(fresh, token),
        fresh.get(ADDRESS, token),
        fresh.get("/v1/me/events", token),
    ):
        assert (reply.status, reply.code) == (503, "ledger_unavailable")
        assert reply.headers["retry-after"]


def test_the_receipt_is_downloaded_as_it_was_given(fresh: Service) -> None:
    from api.receipts.signing import verified_receipt

    token = fresh.signer.token("new")
    assert fresh.get("/v1/me/enrolment/receipt", token).code == "not_enrolled"
    version = fresh.get("/v1/notice").json()["version"]
    given = fresh.post("/v1/me/enrolment", {"notice_version": version}, token)
    kept = fresh.get("/v1/me/enrolment/receipt", token)
    assert (kept.status, kept.body) == (200, given.body)
    assert verified_receipt(kept.body).notice_version == version
