"""A question with an Idempotency-Key: one decision, one line, one use, however often it comes."""

import asyncio
import json
import shutil
import sqlite3
from typing import Any

import pytest

from api.accesses.events import access_body
from scoring.store.embedded import EmbeddedStore
from tests.api.service import Reply, exchange
from tests.partner.town import BUS, Town, question, subject_of, town_in


@pytest.fixture(scope="module")
def token(town: Town) -> str:
    return town.token()


def ask(town: Town, token: str, body: Any, key: str, path: str = "/v1/eligibility") -> Reply:
    headers = {"content-type": "application/json", "idempotency-key": key}
    return town.service.ask("POST", path, token, headers, [json.dumps(body).encode()])


def decisions(town: Town, subject: str) -> list[str | None]:
    events = town.service.run(
        town.service.ledger.subject_events(subject, kinds=["accessed"], limit=1_000)
    )
    return [access_body(event.body).decision_id for event in events]


@pytest.mark.parametrize("kind", ["over", "under", "nobody"])
def test_a_repeated_question_gets_the_same_bytes_and_leaves_one_line(
    town: Town, token: str, kind: str
) -> None:
    subject = subject_of(kind, 31)
    (handle,) = town.consents([subject], max_uses_per_day=2)
    replies = [ask(town, token, question(handle), f"again-{kind}") for _ in range(5)]
    assert {reply.status for reply in replies} == {200}
    assert len({reply.body for reply in replies}) == 1
    assert replies[0].json()["eligible"] is (kind == "over")
    assert decisions(town, subject) == [replies[0].json()["decision_id"]]
    # One use was counted: one is left.
    assert [town.ask(handle, token).status for _ in range(2)] == [200, 429]


def test_without_a_key_a_repetition_is_a_question_of_its_own(town: Town, token: str) -> None:
    (handle,) = town.consents([subject_of("over", 32)])
    first, second = (town.ask(handle, token).json() for _ in range(2))
    assert first["decision_id"] != second["decision_id"]
    assert len(decisions(town, subject_of("over", 32))) == 2


def test_a_key_is_for_one_question(town: Town, token: str) -> None:
    first, other = town.consents([subject_of("over", 33), subject_of("over", 34)])
    assert ask(town, token, question(first), "one").status == 200
    refused = ask(town, token, question(other), "one")
    assert (refused.status, refused.code) == (422, "idempotency_conflict")
    assert decisions(town, subject_of("over", 34)) == []


def test_the_order_of_members_does_not_make_another_question(town: Town, token: str) -> None:
    (handle,) = town.consents([subject_of("over", 35)])
    asked = question(handle)
    turned = dict(reversed(asked.items()))
    assert ask(town, token, asked, "turned").body == ask(town, token, turned, "turned").body


def test_partners_do_not_share_keys(town: Town, token: str) -> None:
    (library,) = town.consents([subject_of("over", 36)])
    (bus,) = town.consents([subject_of("over", 36)], BUS)
    first = ask(town, token, question(library), "shared")
    second = ask(town, town.token(BUS), question(bus, BUS), "shared")
    assert (first.status, second.status) == (200, 200)
    assert first.json()["decision_id"] != second.json()["decision_id"]


def test_fifty_copies_at_once_are_one_decision(town: Town, token: str) -> None:
    subject = subject_of("over", 37)
    (handle,) = town.consents([subject], max_uses_per_day=1)
    service = town.service
    body = json.dumps(question(handle)).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"idempotency-key", b"copies"),
        (b"authorization", f"Bearer {token}".encode()),
    ]

    async def all_at_once() -> list[Reply]:
        copies = (
            exchange(service.app, "POST", "/v1/eligibility", headers, [body]) for _ in range(50)
        )
        return list(await asyncio.gather(*copies))

    replies = service.run(all_at_once())
    # 503: a busy machine; no copy waits longer than an answer may take.
    assert {reply.status for reply in replies} <= {200, 409, 503}
    answered = {reply.body for reply in replies if reply.status == 200}
    assert len(answered) == 1
    assert len(decisions(town, subject)) == 1


def test_what_was_answered_once_is_answered_again_after_the_consent_has_ended(
    town: Town, token: str
) -> None:
    (handle,) = town.consents([subject_of("over", 38)])
    first = ask(town, token, question(handle), "ended")
    assert town.service.ask("DELETE", f"/v1/partner/consents/{handle}", token).status == 204
    assert ask(town, token, question(handle), "ended").body == first.body
    assert ask(town, token, question(handle), "another").code == "consent_revoked"


def test_a_refusal_is_not_kept(town: Town, token: str) -> None:
    refused = ask(town, token, question("A" * 22), "refused")
    assert refused.code == "consent_revoked"
    (handle,) = town.consents([subject_of("over", 39)])
    assert ask(town, token, question(handle), "refused").status == 200


def test_a_key_that_is_none_is_refused(town: Town, token: str) -> None:
    (handle,) = town.consents([subject_of("over", 39)])
    reply = ask(town, token, question(handle), "x" * 600)
    assert (reply.status, reply.code) == (400, "invalid_idempotency_key")


def test_the_ledger_keeps_no_word_of_the_answer(town: Town, token: str) -> None:
    (handle,) = town.consents([subject_of("over", 39)])
    ask(town, token, question(handle), "kept")
    with sqlite3.connect(next(town.folder.rglob("ledger.sqlite"))) as ledger:
        kept = [row[0] for row in ledger.execute("SELECT body FROM idempotency")]
    assert any(b"digest" in body for body in kept)
    assert not [body for body in kept if b"eligible" in body or b"true" in body]


def test_a_batch_is_answered_once_and_so_is_each_of_its_questions(town: Town, token: str) -> None:
    subjects = [subject_of("over", n) for n in (21, 22)] + [subject_of("under", 23)]
    handles = town.consents(subjects, max_uses_per_day=1)
    items = [question(handle) for handle in handles] + [question("A" * 22)]
    path = "/v1/eligibility/batch"
    replies = [ask(town, token, {"items": items}, "many", path) for _ in range(3)]
    assert {reply.status for reply in replies} == {200}
    assert len({reply.body for reply in replies}) == 1
    answers = replies[0].json()["items"]
    assert [answer.get("eligible") for answer in answers] == [True, True, False, None]
    assert answers[3] == {"code": "consent_revoked", "status": 403}
    for subject, answer in zip(subjects, answers, strict=False):
        assert decisions(town, subject) == [answer["decision_id"]]
    other = ask(town, token, {"items": items[:1]}, "many", path)
    assert (other.status, other.code) == (422, "idempotency_conflict")


def test_a_batch_cut_short_is_taken_up_where_it_was(
    town: Town, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last line is refused once, when all others are stored."""
    from api.accesses.log import LedgerAccessLog
    from api.ledger.protocol import LedgerUnavailable

    subjects = [subject_of("over", n) for n in (24, 25, 26)]
    handles = town.consents(subjects, max_uses_per_day=2)
    items = [question(handle) for handle in handles]
    real = LedgerAccessLog.record_once

    async def refuses_whole_batches(log: Any, access: Any, claim: Any, **more: Any) -> Any:
        if claim.scope == "eligibility batch city_library":
            raise LedgerUnavailable("full")
        return await real(log, access, claim, **more)

    path = "/v1/eligibility/batch"
    with monkeypatch.context() as patched:
        patched.setattr(LedgerAccessLog, "record_once", refuses_whole_batches)
        reply = ask(town, token, {"items": items}, "cut", path)
        assert (reply.status, reply.code) == (503, "ledger_unavailable")
    written = [decisions(town, subject) for subject in subjects]
    assert [len(lines) for lines in written] == [1, 1, 0]
    again = ask(town, token, {"items": items}, "cut", path)
    assert again.status == 200
    told = [answer["decision_id"] for answer in again.json()["items"]]
    assert [decisions(town, subject) for subject in subjects] == [[one] for one in told]
    assert told[:2] == [lines[0] for lines in written[:2]]


def test_an_answer_outlives_service_and_store(tmp_path: Any) -> None:
    (tmp_path / "town").mkdir()
    with EmbeddedStore(tmp_path / "store") as store, town_in(tmp_path / "town", store) as town:
        (handle,) = town.consents([subject_of("over")])
        keys = town.keys
        first = ask(town, town.token(), question(handle), "restart")
        assert first.status == 200
    shutil.rmtree(
        tmp_path / "town" / "snapshots"
    )  # published anew, into a store that knows nothing
    with (
        EmbeddedStore(tmp_path / "other") as store,
        town_in(tmp_path / "town", store, keys=keys) as town,
    ):
        second = ask(town, town.token(), question(handle), "restart")
        assert second.body == first.body
        assert len(decisions(town, subject_of("over"))) == 1
