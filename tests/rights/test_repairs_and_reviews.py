"""Repairs by the dated table, reviews by people, statements beside records."""

import datetime as dt
from pathlib import Path

import pytest

from api.accesses.events import access_draft
from api.accesses.protocol import AccessEvent
from scoring.policy.repair import months_after
from tests.api.city import subject
from tests.api.service import Service
from tests.rights.town import (
    OFFICER,
    REASON,
    citizen,
    decide,
    officer,
    opened,
    put,
    reviewer,
    staff_token,
)
from tests.support.waiting import eventually

TODAY = (dt.datetime.now(dt.UTC) + dt.timedelta(hours=8)).date()


def test_a_repair_before_its_day_is_refused_with_the_day(town: Service) -> None:
    reply = citizen(town, "bob", "/v1/me/repairs", {"record_id": "pen2"})
    assert (reply.status, reply.code) == (409, "too_early")
    decided = dt.date.today() - dt.timedelta(days=30)
    assert reply.json()["earliest_on"] == months_after(decided, 3).isoformat()
    assert citizen(town, "bob", "/v1/me/repairs").json()["items"] == []


def test_a_repair_past_its_shortest_period_is_received(town: Service) -> None:
    reply = citizen(town, "ann", "/v1/me/repairs", {"record_id": "pen1", "reason": "已缴清"})
    assert reply.status == 201
    (listed,) = citizen(town, "ann", "/v1/me/repairs").json()["items"]
    assert (listed["repair_class"], listed["reason"]) == ("general", "已缴清")
    assert dt.date.fromisoformat(listed["due_on"]) > TODAY
    again = citizen(town, "ann", "/v1/me/repairs", {"record_id": "pen1"})
    assert (again.status, again.code) == (409, "already_requested")


def test_a_minor_penalty_can_be_repaired_at_once(town: Service) -> None:
    assert citizen(town, "cat", "/v1/me/repairs", {"record_id": "minor1"}).status == 201


def test_what_takes_no_points_needs_no_repair(town: Service) -> None:
    reply = citizen(town, "ann", "/v1/me/repairs", {"record_id": "kept1"})
    assert (reply.status, reply.code) == (422, "not_repairable")


def test_a_repair_of_somebody_elses_record_does_not_exist(town: Service) -> None:
    reply = citizen(town, "ann", "/v1/me/repairs", {"record_id": "pen2"})
    assert (reply.status, reply.code) == (404, "record_not_found")


def test_a_granted_repair_is_told_before_the_rebuild_and_not_granted_twice(town: Service) -> None:
    decide(town, "repairs", opened(town, "ann", "pen1", "repairs"), "granted")
    (told,) = citizen(town, "ann", "/v1/me/repairs").json()["items"]
    assert (told["outcome"], told["decision_reason"]) == ("granted", REASON)
    items = citizen(town, "ann", "/v1/me/score/explanation").json()["items"]
    assert "修复已经批准" in next(i for i in items if i["record_id"] == "pen1")["pending"]
    again = citizen(town, "ann", "/v1/me/repairs", {"record_id": "pen1"})
    assert (again.status, again.code) == (409, "already_repaired")


def test_a_refused_repair_is_one_persons_decision_and_can_be_asked_again(town: Service) -> None:
    decide(town, "repairs", opened(town, "ann", "pen1", "repairs"), "refused")
    assert citizen(town, "ann", "/v1/me/repairs").json()["items"][0]["outcome"] == "refused"
    assert citizen(town, "ann", "/v1/me/repairs", {"record_id": "pen1"}).status == 201


def test_granting_needs_a_second_person(town: Service) -> None:
    case = opened(town, "ann", "pen1", "repairs")
    path = f"/v1/staff/repairs/{case}"
    assert reviewer(town, f"{path}/confirmation", {}).code == "nothing_proposed"
    officer(town, f"{path}/decision", {"outcome": "granted", "reason": REASON})
    twice = officer(town, f"{path}/decision", {"outcome": "granted", "reason": REASON})
    assert (twice.status, twice.code) == (409, "case_proposed")
    both = staff_token(town, OFFICER, "staff:officer staff:reviewer")
    assert town.post(f"{path}/confirmation", {}, both).status == 403
    assert reviewer(town, f"{path}/confirmation", {}).status == 200


def test_a_review_of_the_score_is_decided_by_a_person_with_a_reason(town: Service) -> None:
    reply = citizen(town, "ann", "/v1/me/reviews", {"about": "score", "reason": "请核对"})
    assert reply.status == 201
    path = f"/v1/staff/reviews/{reply.json()['id']}/decision"
    assert officer(town, path, {"outcome": "confirmed"}).code == "reason_needed"
    system = town.post(
        path, {"outcome": "confirmed", "reason": REASON}, staff_token(town, "system")
    )
    assert (system.status, system.code) == (422, "human_reviewer_needed")
    assert officer(town, path, {"outcome": "confirmed", "reason": REASON}).status == 200
    (told,) = citizen(town, "ann", "/v1/me/reviews").json()["items"]
    assert (told["outcome"], told["decision_reason"]) == ("confirmed", REASON)


def test_one_review_of_the_same_thing_at_a_time(town: Service) -> None:
    assert citizen(town, "ann", "/v1/me/reviews", {}).status == 201
    assert citizen(town, "ann", "/v1/me/reviews", {}).code == "already_under_review"


def test_a_decision_that_is_not_hers_cannot_be_reviewed(town: Service) -> None:
    asked = {"about": "decision", "decision_id": "someone-elses"}
    reply = citizen(town, "ann", "/v1/me/reviews", asked)
    assert (reply.status, reply.code) == (404, "decision_not_found")


def statement(town: Service, name: str, record_id: str, text: str):
    return put(town, name, f"/v1/me/records/{record_id}/statement", {"text": text})


def test_a_statement_stands_beside_the_record_until_it_is_taken_away(town: Service) -> None:
    assert statement(town, "ann", "pen1", "当时住院").status == 200

    def shown() -> list[object]:
        items = citizen(town, "ann", "/v1/me/score/explanation").json()["items"]
        return [item["statement"] for item in items]

    assert shown() == ["当时住院", None]
    statement(town, "ann", "pen1", "家人已代缴")
    assert shown() == ["家人已代缴", None]
    assert statement(town, "ann", "pen1", "").json()["text"] is None
    assert shown() == [None, None]


@pytest.mark.parametrize(("chars", "status"), [(200, 200), (201, 422)])
def test_a_statement_has_at_most_two_hundred_characters(
    town: Service, chars: int, status: int
) -> None:
    assert statement(town, "ann", "pen1", "说" * chars).status == status


def test_nobody_states_on_somebody_elses_record(town: Service) -> None:
    reply = statement(town, "ann", "pen2", "不是我的")
    assert (reply.status, reply.code) == (404, "record_not_found")


def words_kept(town: Service) -> list[str]:
    standing = town.run(town.ledger.standing_texts(0, limit=100))
    return list(town.run(town.ledger.texts([text.digest for text in standing])).values())


def files_in(folder: Path) -> str:
    """Of the embedded ledger: the file and its log."""
    stored = (path.read_bytes() for path in folder.iterdir() if path.is_file())
    return b"".join(stored).decode("utf-8", "replace")


def test_a_statement_that_was_replaced_is_nowhere_in_the_files(town: Service, tmp_path) -> None:
    first, second = "第一次写下的话", "第二次写下的话"
    statement(town, "ann", "pen1", first)
    statement(town, "ann", "pen1", second)
    assert words_kept(town) == [second]
    town.run(eventually(lambda: first not in files_in(tmp_path), 10))


def test_who_leaves_leaves_no_statement_behind(town: Service, tmp_path) -> None:
    statement(town, "ann", "pen1", "退出之后不应留下的话")
    left = town.ask("DELETE", "/v1/me/enrolment", town.signer.token("ann"))
    assert left.status == 204
    assert words_kept(town) == []
    town.run(eventually(lambda: "退出之后不应留下的话" not in files_in(tmp_path), 10))
    assert citizen(town, "ann", "/v1/me/export").json()["statements"][0]["text"] is None


def test_an_answer_a_partner_got_about_her_can_be_reviewed(town: Service) -> None:
    line = AccessEvent(
        subject=subject("ann"),
        at_ms=1_790_000_000_000,
        initiator_kind="partner",
        initiator="city_library",
        purpose="xinyiyue_deposit",
        legal_basis="协议",
        decision_id="decision-1",
        response_digest="0" * 64,
    )
    town.run(town.ledger.append(access_draft(line)))
    asked = {"about": "decision", "decision_id": "decision-1"}
    reply = citizen(town, "ann", "/v1/me/reviews", asked)
    assert (reply.status, reply.json()["reference"]) == (201, "decision-1")
    assert citizen(town, "bob", "/v1/me/reviews", asked).code == "decision_not_found"
