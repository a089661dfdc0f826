"""What people in a hurry, rivals and clocks do to cases. On both ledgers."""

import asyncio
import datetime as dt
import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.api.city import City, subject
from tests.api.service import Reply, Service, exchange, service_of
from tests.rights.town import (
    REASON,
    Town,
    citizen,
    decide,
    join,
    make_town,
    officer,
    opened,
    put,
    record,
    reviewer,
    staff_token,
)

DAY_SECONDS = 86_400


def at_once(service: Service, asked: list[tuple[str, str, Any, str]]) -> list[Reply]:
    """(token, path, body, key) all together."""

    async def ask() -> list[Reply]:
        return await asyncio.gather(
            *(
                exchange(
                    service.app,
                    "POST",
                    path,
                    [
                        (b"authorization", f"Bearer {token}".encode()),
                        (b"content-type", b"application/json"),
                        *([(b"idempotency-key", key.encode())] if key else []),
                    ],
                    [json.dumps(body).encode()],
                )
                for token, path, body, key in asked
            )
        )

    replies: list[Reply] = service.run(ask())
    return replies


def test_of_many_officers_who_decide_one_case_at_once_one_does(town: Service) -> None:
    case = opened(town, "ann", "pen1")
    path = f"/v1/staff/disputes/{case}/decision"
    outcomes = ["rejected", "upheld", "undecided"] * 3
    asked = [
        (staff_token(town, f"officer-{n}"), path, {"outcome": each, "reason": REASON}, "")
        for n, each in enumerate(outcomes)
    ]
    replies = at_once(town, asked)
    done = [reply for reply in replies if reply.status == 200]
    assert len(done) == 1
    refused = {(r.status, r.code) for r in replies if r.status != 200}
    assert refused <= {(409, "case_decided"), (409, "case_proposed")}
    shown = officer(town, f"/v1/staff/disputes/{case}").json()
    told = done[0].json()
    assert (shown["status"], shown["outcome"]) == (told["status"], told["outcome"])
    words = town.run(town.ledger.standing_texts(0, limit=10))
    assert len(words) == 1  # nobody else's reason was left behind


def test_of_two_reviewers_who_confirm_at_once_one_does(town: Service) -> None:
    case = opened(town, "ann", "pen1")
    path = f"/v1/staff/disputes/{case}"
    officer(town, f"{path}/decision", {"outcome": "upheld", "reason": REASON})
    asked = [
        (staff_token(town, f"reviewer-{n}", "staff:reviewer"), f"{path}/confirmation", body, "")
        for n, body in enumerate([{"agrees": True}, {"agrees": False, "reason": REASON}] * 2)
    ]
    replies = at_once(town, asked)
    assert [reply.status for reply in replies].count(200) == 1
    assert {r.code for r in replies if r.status != 200} <= {"case_decided", "nothing_proposed"}


def test_the_same_decision_sent_twice_at_once_is_one_with_one_answer(town: Service) -> None:
    path = f"/v1/staff/disputes/{opened(town, 'ann', 'pen1')}/decision"
    asked = [(staff_token(town), path, {"outcome": "rejected", "reason": REASON}, "k")] * 6
    replies = at_once(town, asked)
    assert {(reply.status, reply.body) for reply in replies} == {(200, replies[0].body)}


@pytest.mark.parametrize("kind", ["disputes", "repairs"])
def test_nobody_decides_her_own_case(town: Service, kind: str) -> None:
    path = f"/v1/staff/{kind}/{opened(town, 'ann', 'pen1', kind)}"
    herself = staff_token(town, subject("ann"), "staff:officer staff:reviewer")
    outcome = "upheld" if kind == "disputes" else "granted"
    asked = {"outcome": outcome, "reason": REASON}
    reply = town.post(f"{path}/decision", asked, herself)
    assert (reply.status, reply.code) == (403, "own_case")
    officer(town, f"{path}/decision", asked)
    reply = town.post(f"{path}/confirmation", {"agrees": True}, herself)
    assert (reply.status, reply.code) == (403, "own_case")


def later_token(service: Service, now: float, who: str, **claims: Any) -> str:
    return service.signer.token(who, iat=int(now), exp=int(now) + 600, **claims)


def test_a_case_past_its_day_is_shown_as_late_and_is_still_decided(
    tmp_path: Path, ledger_place: str
) -> None:
    opened_at = time.time()
    moment = [opened_at]
    with service_of(make_town(), tmp_path, clock=lambda: moment[0], ledger_url=ledger_place) as run:
        join(run, "ann")
        case = opened(run, "ann", "pen1")
        due = dt.date.fromisoformat(officer(run, f"/v1/staff/disputes/{case}").json()["due_on"])
        for days, is_late in ((20, False), (21, True)):
            moment[0] = opened_at + days * DAY_SECONDS
            token = later_token(
                run, moment[0], "officer", sub="officer-1", scope="staff staff:officer"
            )
            (line,) = run.get("/v1/staff/disputes", token).json()["items"]
            assert (line["id"], line["is_overdue"]) == (case, is_late)
            assert line["due_on"] == due.isoformat()
        decided = run.post(
            f"/v1/staff/disputes/{case}/decision", {"outcome": "rejected", "reason": REASON}, token
        )
        assert decided.status == 200
        mine = run.get("/v1/me/disputes", later_token(run, moment[0], "ann")).json()["items"]
        assert mine[0]["outcome"] == "rejected"


def town_with_penalties(*decided_on: dt.date) -> City:
    town = Town()
    real_today = dt.date.today()
    town.add(
        "ann",
        [
            record(f"pen{n}", "penalty general", -10, days_ago=(real_today - day).days)
            for n, day in enumerate(decided_on)
        ],
    )
    return town


def test_too_early_names_the_day_of_the_policy_that_governs_the_decision(
    tmp_path: Path, ledger_place: str
) -> None:
    """Decided on either side of 2026-04-01, asked on either side of its first day."""
    decided = (dt.date(2026, 3, 31), dt.date(2026, 4, 1))
    firsts = (dt.date(2026, 6, 30), dt.date(2026, 7, 1))
    moment = [0.0]
    city = town_with_penalties(*decided)
    with service_of(city, tmp_path, clock=lambda: moment[0], ledger_url=ledger_place) as run:

        def ask(day: dt.date, path: str, body: Any) -> Reply:
            noon = dt.datetime.combine(day, dt.time(4), dt.UTC)
            moment[0] = noon.timestamp()
            return run.post(path, body, later_token(run, moment[0], "ann"))

        version = {"notice_version": "2026-01"}
        assert ask(firsts[0], "/v1/me/enrolment", version).status == 201
        for n, (first, policy) in enumerate(zip(firsts, ("58", "2026-04"), strict=True)):
            asked = {"record_id": f"pen{n}"}
            early = ask(first - dt.timedelta(days=1), "/v1/me/repairs", asked)
            assert (early.status, early.code) == (409, "too_early")
            assert early.json()["earliest_on"] == first.isoformat()
            assert ask(first, "/v1/me/repairs", asked).status == 201
            newest = run.get("/v1/me/repairs", later_token(run, moment[0], "ann")).json()["items"]
            assert newest[0]["repair_policy"] == policy


STATEMENTS = [
    ("说" * 200, 200),
    ("说" * 201, 422),
    ("😀" * 200, 200),
    ("😀" * 201, 422),
    ("第一行\n第二行\t完", 200),
    ("مۇھەممەت\u200f ئەلى", 200),  # Uyghur, with a mark of direction
    ("\u202etxet siht daer", 400),
    ("\u2066x\u2069", 400),
    ("a\x00b", 400),
    ("a\x1bb", 400),
    ("a\x85b", 400),
    ("行尾\r\n", 400),
    ("'; DROP TABLE text; --", 200),
    ("<script>alert(1)</script>", 200),
    ("%s %(x)s {0} \\", 200),
]


@pytest.mark.parametrize(("text", "status"), STATEMENTS, ids=lambda v: ascii(v)[:24])
def test_a_statement_comes_back_as_it_was_written_or_is_refused(
    town: Service, text: str, status: int
) -> None:
    reply = put(town, "ann", "/v1/me/records/pen1/statement", {"text": text})
    assert reply.status == status, reply.body
    items = citizen(town, "ann", "/v1/me/score/explanation").json()["items"]
    said = next(item for item in items if item["record_id"] == "pen1")["statement"]
    assert said == (text if status == 200 else None)
    exported = citizen(town, "ann", "/v1/me/export").json()["statements"]
    assert [each["text"] for each in exported] == ([text] if status == 200 else [])


@pytest.mark.parametrize("half", [b'"\\ud83d"', b'"\\udc00x"', b'"\xed\xa0\x80"'])
def test_half_a_character_is_no_text(town: Service, half: bytes) -> None:
    body = [b'{"text":' + half + b"}"]
    token = town.signer.token("ann")
    path = "/v1/me/records/pen1/statement"
    reply = town.ask("PUT", path, token, {"content-type": "application/json"}, body)
    assert reply.status == 400, reply.body


def test_open_cases_of_who_has_left_are_decided_all_the_same(town: Service) -> None:
    case = opened(town, "ann", "pen1")
    assert town.ask("DELETE", "/v1/me/enrolment", town.signer.token("ann")).status == 204
    seen = officer(town, f"/v1/staff/disputes/{case}")
    assert (seen.status, seen.json()["status"]) == (200, "open")
    decide(town, "disputes", case, "upheld")
    (told,) = citizen(town, "ann", "/v1/me/disputes").json()["items"]
    assert (told["outcome"], told["decision_reason"]) == ("upheld", REASON)
    again = citizen(town, "ann", "/v1/me/disputes", {"record_id": "pen1"})
    assert again.status in (404, 409)


def test_every_post_is_answered_the_same_again_after_a_restart(
    tmp_path: Path, ledger_place: str
) -> None:
    """And another body under its key is refused, then as before."""
    with service_of(make_town(), tmp_path, ledger_url=ledger_place) as run:
        version = run.get("/v1/notice").json()["version"]
        mine: list[tuple[str, Any, Any]] = [
            ("/v1/me/enrolment", {"notice_version": version}, {"notice_version": "2020-01"}),
            ("/v1/me/disputes", {"record_id": "pen1", "reason": "x"}, {"record_id": "pen1"}),
            ("/v1/me/repairs", {"record_id": "pen1"}, {"record_id": "kept1"}),
            ("/v1/me/reviews", {"reason": "一"}, {"reason": "二"}),
        ]
        signer = run.signer
        first = [
            run.post(path, body, signer.token("ann"), idempotency_key=f"{n}")
            for n, (path, body, _) in enumerate(mine)
        ]
        assert [reply.status for reply in first] == [201] * len(mine)
        case = first[1].json()["id"]
        staff = f"/v1/staff/disputes/{case}"
        upheld = {"outcome": "upheld", "reason": REASON}
        desk = [
            officer(run, f"{staff}/decision", upheld, idempotency_key="d"),
            reviewer(run, f"{staff}/confirmation", {"agrees": True}, idempotency_key="c"),
        ]
        assert [reply.status for reply in desk] == [200, 200]
    with service_of(make_town(), tmp_path, ledger_url=ledger_place) as run:
        for n, (path, body, other) in enumerate(mine):
            token = run.signer.token("ann")
            again = run.post(path, body, token, idempotency_key=f"{n}")
            assert (again.status, again.body) == (201, first[n].body)
            reply = run.post(path, other, token, idempotency_key=f"{n}")
            assert (reply.status, reply.code) == (422, "idempotency_conflict"), path
        again = officer(run, f"{staff}/decision", upheld, idempotency_key="d")
        assert (again.status, again.body) == (200, desk[0].body)
        again = reviewer(run, f"{staff}/confirmation", {"agrees": True}, idempotency_key='"c"')
        assert (again.status, again.body) == (200, desk[1].body)
        other_reason = {"outcome": "upheld", "reason": REASON + "补充。"}
        reply = officer(run, f"{staff}/decision", other_reason, idempotency_key="d")
        assert (reply.status, reply.code) == (422, "idempotency_conflict")
