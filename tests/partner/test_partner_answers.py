"""What a partner is told, and what it can never tell apart."""

import json
import time
from typing import Any

import pytest

from api.ledger.enrolment import enrolled_draft
from api.ledger.notice import load_notices
from api.problems import PROBLEMS
from scoring.contract.pseudonyms import snapshot_subject_of
from tests.api.service import Reply
from tests.partner.town import BANK, BUS, LIBRARY, REGISTER, Town, question, subject_of
from tests.support.snapshots import SNAPSHOT_KEY
from tests.support.waiting import LONG_SECONDS

MEMBERS = {"eligible", "policy", "valid_until", "decision_id", "snapshot"}
QUARTER_KINDS = 25  # of each kind here; the benchmark asks for ten thousand


@pytest.fixture(scope="module")
def token(town: Town) -> str:
    return town.token()


def without_id(reply: Reply) -> bytes:
    body = reply.json()
    return reply.body.replace(body["decision_id"].encode(), b"")


def shape(reply: Reply) -> tuple[int, bytes, tuple[str, ...]]:
    names = tuple(sorted(name.decode() for name, _ in reply.pairs))
    return reply.status, without_id(reply), names


def test_somebody_above_the_threshold_is_eligible(town: Town, token: str) -> None:
    (handle,) = town.consents([subject_of("over")])
    reply = town.ask(handle, token)
    assert (reply.status, reply.json()["eligible"]) == (200, True)


def test_an_answer_holds_the_five_members_and_no_number_band_or_reason(
    town: Town, token: str
) -> None:
    for kind in ("over", "under", "nobody"):
        (handle,) = town.consents([subject_of(kind)])
        body = town.ask(handle, token).json()
        assert set(body) == MEMBERS
        assert not [
            value
            for value in body.values()
            if isinstance(value, int | float) and value not in (True, False)
        ]


def test_unknown_not_enrolled_and_below_are_one_answer(town: Town, token: str) -> None:
    """Nobody the city knows, enrolled without a record yet, withdrawn in the snapshot's mark only,
    and below: all consented."""
    waiting = [subject_of("waiting", n) for n in range(QUARTER_KINDS)]
    town.enrol(*waiting)
    kinds = [
        [subject_of("nobody", n) for n in range(QUARTER_KINDS)],
        waiting,
        [subject_of("under", n) for n in range(QUARTER_KINDS)],
    ]
    handles = town.consents([subject for kind in kinds for subject in kind])
    shapes = {shape(town.ask(handle, token)) for handle in handles}
    assert len(shapes) == 1
    ((status, body, _),) = shapes
    assert status == 200
    assert json.loads(body)["eligible"] is False


def test_whoever_left_is_answered_like_whoever_never_had_a_score(town: Town, token: str) -> None:
    """Her live mark counts before her consents are ended by it."""
    left = subject_of("over", 30)
    handles = town.consents([left, subject_of("nobody", 77)])
    named = snapshot_subject_of(SNAPSHOT_KEY, left)
    town.service.run(town.reader.mark(named, b"w:999999999"))
    assert len({shape(town.ask(handle, token)) for handle in handles}) == 1


def test_under_a_notice_that_no_longer_stands_the_answer_is_any_no(town: Town, token: str) -> None:
    """Her score is above; she agreed to the edition before a material change, and to nothing since."""
    subject = subject_of("over", 31)
    handle, nobody = town.consents([subject, subject_of("nobody", 78)])
    assert town.ask(handle, token).json()["eligible"] is True
    notice = load_notices().document("2025-07")
    draft = enrolled_draft(subject, notice, "cd" * 16, int(time.time() * 1_000))
    town.service.run(town.service.ledger.append(draft))
    deadline = time.monotonic() + LONG_SECONDS
    while (reply := town.ask(handle, token)).json()["eligible"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    other = town.ask(nobody, token)
    assert shape(reply) == shape(other)
    assert len(reply.body) == len(other.body)


def test_without_a_live_consent_there_is_one_answer_whoever_is_meant(
    town: Town, token: str
) -> None:
    foreign = town.consents([subject_of("over")], BUS)
    expired = town.consents([subject_of("over")], expires_at_ms=int(time.time() * 1_000) - 1)
    given_up = town.consents([subject_of("over"), subject_of("under"), subject_of("nobody")])
    for handle in given_up:
        assert town.service.ask("DELETE", f"/v1/partner/consents/{handle}", token).status == 204
    answers = set()
    for handle in (*foreign, *expired, *given_up, "A" * 22, "-", "x" * 100):
        reply = town.ask(handle, token)
        body = reply.json()
        assert len(body.pop("trace_id")) == 32
        answers.add((reply.status, json.dumps(body), reply.headers["content-length"]))
    ((status, text, _),) = answers
    assert (status, json.loads(text)["code"]) == (403, "consent_revoked")


def test_a_yes_is_as_long_as_a_no(town: Town, token: str) -> None:
    handles = town.consents([subject_of("over"), subject_of("under")])
    yes, no = (town.ask(handle, token) for handle in handles)
    assert yes.json()["eligible"] is not no.json()["eligible"]
    assert len(yes.body) == len(no.body)


def test_a_decision_has_an_id_of_its_own_and_names_its_snapshot(town: Town, token: str) -> None:
    (handle,) = town.consents([subject_of("over")])
    first, second = (town.ask(handle, token).json() for _ in range(2))
    assert first["decision_id"] != second["decision_id"]
    assert len(first["decision_id"]) == len(second["decision_id"]) == 22
    assert first["snapshot"] == "20260115-00000001"


def test_the_line_is_in_the_log_when_the_answer_is_there(town: Town, token: str) -> None:
    import hashlib

    from api.accesses.events import access_body

    (handle,) = town.consents([subject_of("over", 7)])
    reply = town.ask(handle, token)
    events = town.service.run(
        town.service.ledger.subject_events(subject_of("over", 7), kinds=["accessed"], limit=1)
    )
    line = access_body(events[0].body)
    assert line.decision_id == reply.json()["decision_id"]
    assert line.response_digest == hashlib.sha256(reply.body).hexdigest()
    assert (line.initiator, line.purpose) == (LIBRARY, "xinyiyue_deposit")
    assert (line.policy, line.snapshot) == ("xinyiyue_deposit_free", "20260115-00000001")


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"policy": "no_such_policy"}, 404, "policy_not_found"),
        ({"policy": "xinyidai_fee_cut"}, 403, "policy_not_yours"),
        ({"purpose": "lending"}, 400, "purpose_unknown"),
        ({"purpose": "xinyidai_fee"}, 403, "purpose_mismatch"),
        ({"purpose": ...}, 400, "invalid_body"),
        ({"purpose": ""}, 400, "invalid_body"),
        ({"consent": ...}, 400, "invalid_body"),
        ({"consent": 7}, 400, "invalid_body"),
        ({"consent": None}, 400, "invalid_body"),
        ({"subject": "x"}, 400, "invalid_body"),
        ({"policy": "x" * 100_000}, 413, "body_too_large"),
    ],
)
def test_a_question_outside_its_bounds_is_refused(
    town: Town, token: str, changes: dict[str, Any], status: int, code: str
) -> None:
    reply = town.ask("A" * 22, token, **changes)
    assert (reply.status, reply.code) == (status, code)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"7",
        b'{"policy":"a","policy":"a","consent":"b","purpose":"c"}',
        b'{"policy":"a","consent":"b","consent":"c"}',
        b'{"policy":"a","p\\u006flicy":"b","consent":"b","purpose":"c"}',
        b'{"policy":"\xff","consent":"b","purpose":"c"}',
        b'{"policy":"a","consent":"b","purpose":"c"',
        b'{"policy":"a","consent":"b","purpose":"c"} x',
        b'{"policy":"\\ud800","consent":"b","purpose":"c"}',
        b"[" * 50_000,
        b'{"policy":' * 5_000,
        '{"policy":"a","consent":"b","purpose":"c"}'.encode("utf-16"),
        b'{"policy":"a","consent":"b","purpose":NaN}',
    ],
)
def test_a_body_that_is_no_question_is_400(town: Town, token: str, body: bytes) -> None:
    for path in ("/v1/eligibility", "/v1/eligibility/batch"):
        reply = town.service.post(path, body, token)
        assert reply.status == 400
        assert reply.code in ("malformed_body", "invalid_body")


def test_a_consent_for_one_policy_is_none_for_another(town: Town) -> None:
    """Terms the register no longer has, as after a change of purpose."""
    (handle,) = town.consents([subject_of("over")], purpose="an_older_purpose")
    assert town.ask(handle, town.token()).code == "consent_mismatch"


def test_a_batch_answers_in_order_and_each_like_the_question_alone(town: Town, token: str) -> None:
    yes, no = town.consents([subject_of("over"), subject_of("under")])
    items = [question(yes), question("A" * 22), question(no), question(yes, purpose="lending")]
    reply = town.service.post("/v1/eligibility/batch", {"items": items}, token)
    assert reply.status == 200
    answers = reply.json()["items"]
    assert [set(answers[n]) for n in (0, 2)] == [MEMBERS, MEMBERS]
    assert [answers[n]["eligible"] for n in (0, 2)] == [True, False]
    assert answers[1] == {"code": "consent_revoked", "status": 403}
    assert answers[3] == {"code": "purpose_unknown", "status": 400}


def test_a_batch_holds_five_hundred_questions_and_not_one_more(town: Town, token: str) -> None:
    items = [question("A" * 22)] * 500
    assert town.service.post("/v1/eligibility/batch", {"items": items}, token).status == 200
    more = town.service.post("/v1/eligibility/batch", {"items": [*items, items[0]]}, token)
    assert (more.status, more.code) == (400, "invalid_body")
    assert town.service.post("/v1/eligibility/batch", {"items": []}, token).status == 400


def test_every_line_of_a_batch_is_stored(town: Town, token: str) -> None:
    handles = town.consents([subject_of("over", n) for n in range(10, 20)])
    items = [question(handle) for handle in handles]
    answers = town.service.post("/v1/eligibility/batch", {"items": items}, token).json()["items"]
    stored = set()
    for n in range(10, 20):
        events = town.service.run(
            town.service.ledger.subject_events(subject_of("over", n), kinds=["accessed"], limit=5)
        )
        stored |= {json.loads(event.body)["decision_id"] for event in events}
    assert {answer["decision_id"] for answer in answers} <= stored


def test_a_partner_sees_what_it_holds_and_nothing_else(town: Town, token: str) -> None:
    (handle,) = town.consents([subject_of("over")], max_uses_per_day=3)
    reply = town.service.get(f"/v1/partner/consents/{handle}", token)
    assert set(reply.json()) == {
        "handle", "status", "policy", "purpose", "not_before", "expires_at", "max_uses_per_day",
    }  # fmt: skip
    assert reply.json()["status"] == "active"
    answers = set()
    for other_handle, other in ((handle, town.token(BUS)), ("A" * 22, token), ("short", token)):
        for method in ("GET", "DELETE"):
            found = town.service.ask(method, f"/v1/partner/consents/{other_handle}", other)
            answers.add((found.status, found.code))
    assert answers == {(404, "handle_not_found")}


def test_giving_a_consent_up_ends_it_and_can_be_repeated(town: Town, token: str) -> None:
    (handle,) = town.consents([subject_of("over")])
    for _ in range(2):
        gone = town.service.ask("DELETE", f"/v1/partner/consents/{handle}", token)
        assert (gone.status, gone.body) == (204, b"")
    assert town.service.get(f"/v1/partner/consents/{handle}", token).json()["status"] == "revoked"
    assert town.ask(handle, token).code == "consent_revoked"


def test_a_consent_that_is_over_is_refused_as_such_although_its_day_is_used_up(
    town: Town, token: str
) -> None:
    (handle,) = town.consents([subject_of("over", 5)], max_uses_per_day=1)
    assert [town.ask(handle, token).status for _ in range(2)] == [200, 429]
    assert town.service.ask("DELETE", f"/v1/partner/consents/{handle}", token).status == 204
    refused = town.ask(handle, token)
    assert (refused.status, refused.code) == (403, "consent_revoked")


def test_the_registry_and_the_register_of_benefits_agree(town: Town) -> None:
    for partner in town.partners.values():
        assert {REGISTER[policy].partner for policy in partner.policies} == {partner.id}
    assert {benefit.partner for benefit in REGISTER.values()} == set(town.partners)
    assert BANK in town.partners


def test_edge_and_framework_give_the_same_answers(town: Town, token: str) -> None:
    (handle,) = town.consents([subject_of("over")])
    route = town.service.app.table.by_template["/v1/eligibility"]
    asked = [question(handle), question("A" * 22), question(handle, purpose="lending"), {}]

    def answers() -> list[tuple[int, set[str]]]:
        found = [town.service.post("/v1/eligibility", one, token) for one in asked]
        return [(reply.status, set(reply.json())) for reply in found]

    by_edge = answers()
    direct, route.direct = route.direct, {}
    try:
        assert answers() == by_edge
    finally:
        route.direct = direct
    assert [status for status, _ in by_edge] == [200, 403, 400, 400]


def test_the_same_question_again_and_again_in_a_batch_is_counted_each_time(
    town: Town, token: str
) -> None:
    (handle,) = town.consents([subject_of("over", 21)], max_uses_per_day=7)
    items = [question(handle)] * 20
    answers = town.service.post("/v1/eligibility/batch", {"items": items}, token).json()["items"]
    answered = [answer for answer in answers if answer.get("eligible")]
    assert len({answer["decision_id"] for answer in answered}) == len(answered) == 7
    refused = [answer for answer in answers if "code" in answer]
    assert refused == [{"code": "frequency_exceeded", "status": 429}] * 13
    events = town.service.run(
        town.service.ledger.subject_events(subject_of("over", 21), kinds=["accessed"], limit=100)
    )
    assert len(events) == 7


def test_five_hundred_questions_of_one_consent_stop_at_its_cap(town: Town, token: str) -> None:
    (handle,) = town.consents([subject_of("under", 22)], max_uses_per_day=100)
    items = [question(handle)] * 500
    reply = town.service.post("/v1/eligibility/batch", {"items": items}, token)
    answers = reply.json()["items"]
    assert [answer.get("eligible") for answer in answers].count(False) == 100
    assert [answer.get("status") for answer in answers].count(429) == 400
    assert town.ask(handle, token).code == "frequency_exceeded"


def test_a_batch_of_all_kinds_answers_each_as_alone(town: Town, token: str) -> None:
    """Duplicates, yes, no, nobody, foreign, unknown, misspelt, another's policy: in their order."""
    yes, no, nobody = town.consents([subject_of(kind, 23) for kind in ("over", "under", "nobody")])
    (foreign,) = town.consents([subject_of("over", 24)], BUS)
    asked = [
        (question(yes), (200, True)),
        (question(no), (200, False)),
        (question(nobody), (200, False)),
        (question(yes), (200, True)),
        (question(foreign), (403, "consent_revoked")),
        (question("A" * 22), (403, "consent_revoked")),
        (question("-"), (403, "consent_revoked")),
        (question(yes, policy="no_such_policy"), (404, "policy_not_found")),
        (question(yes, policy="xinyidai_fee_cut"), (403, "policy_not_yours")),
        (question(yes, purpose="lending"), (PROBLEMS["purpose_unknown"].status, "purpose_unknown")),
        (question(no), (200, False)),
    ]
    items = [one for one, _ in asked]
    reply = town.service.post("/v1/eligibility/batch", {"items": items}, token)
    found = [
        (answer.get("status", 200), answer.get("code", answer.get("eligible")))
        for answer in reply.json()["items"]
    ]
    assert found == [expected for _, expected in asked]
