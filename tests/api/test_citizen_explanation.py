"""Why a score is what it is; and that nothing is shown where the sum does not hold."""

import pytest

from tests.api.service import Service


def explanation(service: Service, name: str, **headers: str):
    return service.get("/v1/me/score/explanation", service.signer.token(name), **headers)


@pytest.mark.parametrize("name", ["rich", "late", "plain"])
def test_base_and_points_add_up_to_the_score(service: Service, name: str) -> None:
    parts = explanation(service, name).json()
    score = service.get("/v1/me/score", service.signer.token(name)).json()
    assert parts["base"] + sum(item["points"] for item in parts["items"]) == parts["score"]
    for member in ("score", "snapshot", "rules_version", "as_of"):
        assert parts[member] == score[member]


def test_a_record_tells_rule_basis_source_days_and_what_can_be_done(service: Service) -> None:
    first = explanation(service, "rich").json()["items"][0]
    assert first == {
        "record_id": "kept1",
        "kind": "commitment",
        "outcome": "kept",
        "rule_id": "commitment_kept",
        "rule_version": "1",
        "points": 12,
        "counted": True,
        "status": "counted",
        "legal_basis": "示范条款",
        "source": "市图书馆",
        "happened_on": "2025-11-08",
        "expires_on": "2027-11-08",
        "measure": 0,
        "note": "履行承诺。计入信用分。可以提出异议。",
        "pending": None,
        "statement": None,
    }


def test_a_record_no_rule_counts_names_no_rule_and_never_expires(service: Service) -> None:
    month = explanation(service, "late").json()["items"][2]
    assert (month["rule_id"], month["rule_version"], month["legal_basis"]) == (None, None, None)
    assert (month["status"], month["counted"], month["points"]) == ("no_rule", False, 0)
    assert month["expires_on"] is None


def test_reasons_are_the_largest_effects_first(service: Service) -> None:
    assert explanation(service, "rich").json()["reasons"] == [
        {"code": "honour", "text": "荣誉：1 条记录，共加 40 分", "points": 40},
        {"code": "commitment_kept", "text": "履行承诺：1 条记录，共加 12 分", "points": 12},
    ]
    assert explanation(service, "late").json()["reasons"] == [
        {"code": "contract_late", "text": "逾期履约：2 条记录，共减 28 分", "points": -28}
    ]
    assert explanation(service, "plain").json()["reasons"] == []


def test_the_words_come_in_english_where_asked(service: Service) -> None:
    parts = explanation(service, "late", accept_language="en").json()
    assert parts["reasons"][0]["text"] == "contract_late: 2 record(s) take 28 points"
    assert parts["items"][0]["note"] == "late. Counts towards the score. Dispute it"


@pytest.mark.parametrize("name", ["unsound", "lost", "nonsense", "outside"])
def test_a_record_that_does_not_hold_is_not_shown(service: Service, name: str) -> None:
    reply = explanation(service, name)
    assert (reply.status, reply.code) == (503, "record_corrupt")


@pytest.mark.parametrize("name", ["nonsense", "outside"])
def test_a_score_outside_its_band_or_no_number_is_not_shown(service: Service, name: str) -> None:
    for _ in range(2):  # nor at the second time, when answers may be remembered
        reply = service.get("/v1/me/score", service.signer.token(name))
        assert (reply.status, reply.code) == (503, "record_corrupt")


def test_another_citizens_record_under_my_key_is_never_answered(fresh: Service) -> None:
    city = fresh.city
    names = list(city.hot)
    mine, other = names[0], names[1]
    assert fresh.get("/v1/me/score", fresh.signer.token("late")).status == 200
    city.hot[mine], city.hot[other] = city.hot[other], city.hot[mine]
    city.explanations[mine], city.explanations[other] = (
        city.explanations[other],
        city.explanations[mine],
    )
    for name in ("rich", "late"):
        for path in ("/v1/me/score", "/v1/me/score/explanation"):
            reply = fresh.get(path, fresh.signer.token(name))
            assert (reply.status, reply.code) == (503, "record_corrupt")


def test_a_score_without_explanation_is_not_explained(fresh: Service) -> None:
    fresh.city.explanations.clear()
    assert explanation(fresh, "rich").code == "record_corrupt"
