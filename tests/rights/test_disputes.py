"""Disputes from both sides of the desk."""

import asyncio
import datetime as dt
import json
from typing import Any

import pytest

from tests.api.service import Service, exchange
from tests.rights.town import (
    OFFICER,
    REASON,
    REVIEWER,
    citizen,
    decide,
    officer,
    opened,
    reviewer,
    staff_token,
)


def record_of(town: Service, name: str, record_id: str) -> dict[str, object]:
    items = citizen(town, name, "/v1/me/score/explanation").json()["items"]
    return next(item for item in items if item["record_id"] == record_id)


def test_a_dispute_is_due_in_twenty_days_and_listed_at_once(town: Service) -> None:
    reply = citizen(town, "ann", "/v1/me/disputes", {"record_id": "pen1", "reason": "不是我"})
    assert reply.status == 201
    receipt = reply.json()
    city_today = (dt.datetime.now(dt.UTC) + dt.timedelta(hours=8)).date()
    assert receipt["due_on"] == (city_today + dt.timedelta(days=20)).isoformat()
    (listed,) = citizen(town, "ann", "/v1/me/disputes").json()["items"]
    assert (listed["id"], listed["status"], listed["reason"]) == (receipt["id"], "open", "不是我")
    assert listed["outcome"] is None


def test_the_explanation_tells_of_it_before_any_rebuild(town: Service) -> None:
    assert record_of(town, "ann", "pen1")["pending"] is None
    opened(town, "ann", "pen1")
    assert "异议已经受理" in str(record_of(town, "ann", "pen1")["pending"])
    assert record_of(town, "ann", "kept1")["pending"] is None


@pytest.mark.parametrize("record_id", ["pen2", "no-such-record"])
def test_somebody_elses_record_is_the_same_404_as_none(town: Service, record_id: str) -> None:
    reply = citizen(town, "ann", "/v1/me/disputes", {"record_id": record_id})
    assert (reply.status, reply.code) == (404, "record_not_found")
    body = {k: v for k, v in reply.json().items() if k != "trace_id"}
    other = citizen(town, "ann", "/v1/me/disputes", {"record_id": "zzz"}).json()
    assert body == {k: v for k, v in other.items() if k != "trace_id"}


def test_a_record_is_disputed_once_at_a_time(town: Service) -> None:
    opened(town, "ann", "pen1")
    again = citizen(town, "ann", "/v1/me/disputes", {"record_id": "pen1"})
    assert (again.status, again.code) == (409, "already_disputed")
    assert "due_on" in again.json()


def test_the_same_key_gives_the_same_receipt_and_one_case(town: Service) -> None:
    body = {"record_id": "pen1", "reason": "不是我"}
    first = citizen(town, "ann", "/v1/me/disputes", body, idempotency_key="k1")
    second = citizen(town, "ann", "/v1/me/disputes", body, idempotency_key="k1")
    assert (first.status, first.body) == (second.status, second.body)
    assert len(citizen(town, "ann", "/v1/me/disputes").json()["items"]) == 1
    other = citizen(town, "ann", "/v1/me/disputes", {"record_id": "kept1"}, idempotency_key="k1")
    assert (other.status, other.code) == (422, "idempotency_conflict")


def test_upholding_needs_a_second_person_and_both_are_kept(town: Service) -> None:
    case = opened(town, "ann", "pen1")
    path = f"/v1/staff/disputes/{case}"
    proposed = officer(town, f"{path}/decision", {"outcome": "upheld", "reason": REASON})
    assert (proposed.status, proposed.json()["status"]) == (200, "proposed")
    assert citizen(town, "ann", "/v1/me/disputes").json()["items"][0]["outcome"] is None

    both_roles = staff_token(town, OFFICER, "staff:officer staff:reviewer")
    same = town.post(f"{path}/confirmation", {"agrees": True}, both_roles)
    assert (same.status, same.code) == (403, "four_eyes")
    colleague = staff_token(town, "officer-2", "staff:officer")
    assert town.post(f"{path}/confirmation", {}, colleague).code == "reviewer_needed"

    done = reviewer(town, f"{path}/confirmation", {"agrees": True})
    assert done.status == 200
    assert (done.json()["decided_by"], done.json()["confirmed_by"]) == (OFFICER, REVIEWER)
    told = citizen(town, "ann", "/v1/me/disputes").json()["items"][0]
    assert (told["status"], told["outcome"], told["decision_reason"]) == (
        "decided",
        "upheld",
        REASON,
    )
    assert "即将移除" in str(record_of(town, "ann", "pen1")["pending"])


def test_the_second_person_can_send_it_back_with_a_reason(town: Service) -> None:
    path = f"/v1/staff/disputes/{opened(town, 'ann', 'pen1')}"
    officer(town, f"{path}/decision", {"outcome": "upheld", "reason": REASON})
    refused = reviewer(town, f"{path}/confirmation", {"agrees": False})
    assert (refused.status, refused.code) == (422, "reason_needed")
    back = reviewer(
        town, f"{path}/confirmation", {"agrees": False, "reason": "请补充来源单位的回函。"}
    )
    assert (back.status, back.json()["status"]) == (200, "open")
    assert officer(town, path).json()["returned_reason"] == "请补充来源单位的回函。"


@pytest.mark.parametrize("answer", [{"agrees": True}, {"agrees": False, "reason": REASON}])
def test_the_second_person_acts_on_the_proposal_she_has_read_and_no_other(
    town: Service, answer: dict[str, Any]
) -> None:
    path = f"/v1/staff/disputes/{opened(town, 'ann', 'pen1')}"
    wish = {"outcome": "upheld", "reason": REASON}
    read = officer(town, f"{path}/decision", wish).json()["proposal_id"]
    reviewer(town, f"{path}/confirmation", {"agrees": False, "reason": REASON})
    now = officer(town, f"{path}/decision", wish).json()["proposal_id"]
    late = reviewer(town, f"{path}/confirmation", {**answer, "proposal_id": read})
    assert (late.status, late.code) == (409, "proposal_changed")
    shown = officer(town, path).json()
    assert (shown["status"], shown["proposal_id"]) == ("proposed", now)
    assert reviewer(town, f"{path}/confirmation", {**answer, "proposal_id": now}).status == 200


@pytest.mark.parametrize("reason", ["", "太短", " " * 40])
def test_a_decision_without_a_reason_is_refused(town: Service, reason: str) -> None:
    path = f"/v1/staff/disputes/{opened(town, 'ann', 'pen1')}/decision"
    reply = officer(town, path, {"outcome": "rejected", "reason": reason})
    assert (reply.status, reply.code) == (422, "reason_needed")
    assert officer(town, path, {"outcome": "rejected"}).code == "reason_needed"


def test_undecided_keeps_both_views(town: Service) -> None:
    citizen(town, "ann", "/v1/me/disputes", {"record_id": "pen1", "reason": "回单在此"})
    (case,) = citizen(town, "ann", "/v1/me/disputes").json()["items"]
    decide(town, "disputes", case["id"], "undecided")
    (told,) = citizen(town, "ann", "/v1/me/disputes").json()["items"]
    assert (told["reason"], told["decision_reason"]) == ("回单在此", REASON)
    assert "双方意见均已记载" in str(record_of(town, "ann", "pen1")["pending"])


def test_a_rejected_dispute_opens_again_only_after_its_time(town: Service) -> None:
    decide(town, "disputes", opened(town, "ann", "pen1"), "rejected")
    again = citizen(town, "ann", "/v1/me/disputes", {"record_id": "pen1"})
    assert (again.status, again.code) == (409, "dispute_decided_already")
    assert again.json()["again_on"] > dt.date.today().isoformat()


def test_what_is_decided_stays_decided(town: Service) -> None:
    case = opened(town, "ann", "pen1")
    decide(town, "disputes", case, "rejected")
    path = f"/v1/staff/disputes/{case}"
    again = officer(town, f"{path}/decision", {"outcome": "upheld", "reason": REASON})
    assert (again.status, again.code) == (409, "case_decided")
    assert reviewer(town, f"{path}/confirmation", {}).code == "case_decided"


def test_a_program_cannot_decide(town: Service) -> None:
    path = f"/v1/staff/disputes/{opened(town, 'ann', 'pen1')}/decision"
    for name in ("system", "system:batch", "robot-7"):
        token = staff_token(town, name)
        reply = town.post(path, {"outcome": "rejected", "reason": REASON}, token)
        assert (reply.status, reply.code) == (422, "human_reviewer_needed")


def test_an_unknown_outcome_and_an_unknown_case_are_told_apart(town: Service) -> None:
    case = opened(town, "ann", "pen1")
    reply = officer(
        town, f"/v1/staff/disputes/{case}/decision", {"outcome": "granted", "reason": REASON}
    )
    assert (reply.status, reply.code) == (422, "outcome_unknown")
    missing = officer(
        town, "/v1/staff/disputes/nobody/decision", {"outcome": "rejected", "reason": REASON}
    )
    assert (missing.status, missing.code) == (404, "case_not_found")


def test_every_look_of_the_staff_is_a_line_the_citizen_sees(town: Service) -> None:
    case = opened(town, "ann", "pen1")
    officer(town, "/v1/staff/disputes")
    officer(town, f"/v1/staff/disputes/{case}")
    decide(town, "disputes", case, "rejected")
    lines = citizen(town, "ann", "/v1/me/accesses").json()["items"]
    assert len(lines) == 3
    assert {line["initiator"] for line in lines} == {OFFICER}
    assert all(line["purpose_code"] == "decide_dispute" for line in lines)
    assert citizen(town, "bob", "/v1/me/accesses").json()["items"] == []


def test_the_queue_pages_by_due_day_and_hides_who_wrote_what(town: Service) -> None:
    for name, record_id in (("ann", "pen1"), ("bob", "pen2"), ("dan", "late1")):
        opened(town, name, record_id)
    first = officer(town, "/v1/staff/disputes?limit=2").json()
    rest = officer(town, f"/v1/staff/disputes?limit=2&cursor={first['next_cursor']}").json()
    assert [item["record_id"] for item in first["items"] + rest["items"]] == [
        "pen1",
        "pen2",
        "late1",
    ]
    assert rest["next_cursor"] is None
    assert not {"reason", "subject"} & set(first["items"][0])
    assert officer(town, "/v1/staff/disputes?status=decided").json()["items"] == []
    assert officer(town, "/v1/staff/disputes?cursor=x").code == "invalid_parameter"


def test_a_repeated_decision_is_answered_once_more(town: Service) -> None:
    path = f"/v1/staff/disputes/{opened(town, 'ann', 'pen1')}/decision"
    body = {"outcome": "rejected", "reason": REASON}
    first = officer(town, path, body, idempotency_key="d1")
    second = officer(town, path, body, idempotency_key="d1")
    assert (first.status, first.body) == (second.status, second.body) == (200, first.body)


def test_with_the_ledger_closed_nothing_is_acknowledged(town: Service) -> None:
    town.run(town.ledger.close())
    reply = citizen(town, "ann", "/v1/me/disputes", {"record_id": "pen1"})
    assert (reply.status, reply.code) == (503, "ledger_unavailable")
    assert int(reply.headers["retry-after"]) > 0
    assert citizen(town, "ann", "/v1/me/score/explanation").status == 200


def test_of_many_requests_at_once_one_opens_the_dispute(town: Service) -> None:
    token = town.signer.token("ann")
    headers = [
        (b"authorization", f"Bearer {token}".encode()),
        (b"content-type", b"application/json"),
    ]

    async def race() -> list[int]:
        body = [b'{"record_id":"pen1"}']
        asked = [exchange(town.app, "POST", "/v1/me/disputes", headers, body) for _ in range(12)]
        return sorted(reply.status for reply in await asyncio.gather(*asked))

    assert town.run(race()) == [201, *[409] * 11]
    assert len(citizen(town, "ann", "/v1/me/disputes").json()["items"]) == 1


def test_of_two_who_decide_at_once_one_is_stored(town: Service) -> None:
    path = f"/v1/staff/disputes/{opened(town, 'ann', 'pen1')}/decision"
    body = [json.dumps({"outcome": "rejected", "reason": REASON}).encode()]

    async def race() -> list[int]:
        asked = []
        for who in ("officer-1", "officer-2", "officer-3"):
            token = staff_token(town, who)
            headers = [
                (b"authorization", f"Bearer {token}".encode()),
                (b"content-type", b"application/json"),
            ]
            asked.append(exchange(town.app, "POST", path, headers, body))
        return sorted(reply.status for reply in await asyncio.gather(*asked))

    assert town.run(race()) == [200, 409, 409]
