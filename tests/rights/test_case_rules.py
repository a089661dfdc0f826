"""Cases as folds: every order of events, every pair of people, what is left of a record."""

import datetime as dt
import itertools
import sqlite3
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.ledger.fold import body_bytes
from api.ledger.kinds import STREAM_WORDS
from api.ledger.protocol import Event
from api.rights.case import (
    CASE_KINDS,
    OUTCOMES,
    Case,
    DecidedBody,
    OpenedBody,
    ProposedBody,
    ReturnedBody,
    folded_cases,
)
from api.rights.deciding import Staff, confirmation_step, decision_step
from api.rights.record_states import record_state, record_states
from api.rights.refusal import CaseRefused
from api.rights.statistics import figures_of
from scoring.policy.cases import CaseType

DUE = dt.date(2026, 11, 22)
TODAY = dt.date(2026, 12, 1)
DAY_MS = 86_400_000
PEOPLE = [Staff(id="a", is_reviewer=False), Staff(id="b", is_reviewer=True)]
WHO = "citizen-0000000000000a"


class Log:
    """Events numbered as the ledger would."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def add(self, kind: str, case_id: str, body: object, subject: str = WHO, day: int = 0) -> None:
        stream = f"{kind.partition('_')[0]}:{case_id}"
        self.events.append(
            Event(
                seq=len(self.events) + 1,
                kind=kind,
                stream=stream,
                subject=subject,
                at_ms=(20_000 + day) * DAY_MS,
                body=body_bytes(body),  # type: ignore[arg-type]
            )
        )

    def case(
        self,
        kind: CaseType,
        case_id: str,
        outcome: str | None,
        *,
        record: str = "r",
        subject: str = WHO,
        days: int = 1,
    ) -> None:
        opened = OpenedBody(due_on=DUE, policy_version="1", record_id=record)
        self.add(f"{kind}_opened", case_id, opened, subject)
        if outcome is not None:
            decided = DecidedBody(outcome=outcome, reason_digest="d", by="a", confirmed_by="b")
            self.add(f"{kind}_decided", case_id, decided, subject, days)


def only(log: Log) -> Case:
    (case,) = folded_cases(log.events).values()
    return case


def test_every_kind_of_a_case_stands_in_a_stream_of_its_own_word() -> None:
    assert all(STREAM_WORDS[kind] == kind.partition("_")[0] for kind in CASE_KINDS)
    assert set(CASE_KINDS) == {
        kind for kind, word in STREAM_WORDS.items() if word in ("dispute", "review", "repair")
    }


def test_a_proposal_sent_back_leaves_the_case_open() -> None:
    log = Log()
    log.case("dispute", "1", None)
    log.add("dispute_proposed", "1", ProposedBody(outcome="upheld", reason_digest="p", by="a"))
    assert only(log).status == "proposed"
    log.add("dispute_returned", "1", ReturnedBody(reason_digest="q", by="b"))
    case = only(log)
    assert (case.status, case.proposal, case.returned_digest) == ("open", None, "q")


@pytest.mark.parametrize("case_type", OUTCOMES)
def test_exactly_the_outcomes_that_change_a_record_wait_for_a_second_person(
    case_type: CaseType,
) -> None:
    log = Log()
    log.case(case_type, "1", None)
    for outcome, changes_record in OUTCOMES[case_type].items():
        kind, _ = decision_step(only(log), outcome, "d", PEOPLE[0])
        assert kind == f"{case_type}_{'proposed' if changes_record else 'decided'}"


def test_of_all_pairs_only_two_different_people_decide_together() -> None:
    people = [Staff(id=name, is_reviewer=r) for name in "ab" for r in (True, False)]
    agreed = []
    for first, second in itertools.product(people, people):
        log = Log()
        log.case("repair", "1", None)
        kind, body = decision_step(only(log), "granted", "d", first)
        log.add(kind, "1", body)
        answer = "agreed"
        try:
            confirmation_step(only(log), second)
        except CaseRefused as refused:
            answer = refused.code
        agreed.append((answer, first.id == second.id, second.is_reviewer))
    assert set(agreed) == {
        ("agreed", False, True),
        ("reviewer_needed", False, False),
        ("four_eyes", True, True),
        ("four_eyes", True, False),
    }


def test_nobody_decides_her_own_case() -> None:
    log = Log()
    log.case("dispute", "1", None)
    with pytest.raises(CaseRefused) as refused:
        decision_step(only(log), "rejected", "d", Staff(id=WHO, is_reviewer=True))
    assert refused.value.code == "own_case"


@pytest.mark.parametrize(
    ("cases", "state"),
    [
        ([("dispute", None)], "disputed"),
        ([("dispute", "rejected")], None),
        ([("dispute", "undecided")], "disputed"),
        ([("dispute", "upheld")], "removed"),
        ([("repair", None)], None),
        ([("repair", "refused")], None),
        ([("repair", "granted")], "repaired"),
        ([("repair", "granted"), ("dispute", None)], "repaired"),
        ([("repair", "granted"), ("dispute", "rejected")], "repaired"),
        ([("repair", "granted"), ("dispute", "upheld")], "removed"),
        ([("dispute", "rejected"), ("dispute", None)], "disputed"),
    ],
)
def test_what_her_cases_make_of_a_record(
    cases: list[tuple[CaseType, str | None]], state: str | None
) -> None:
    for order in itertools.permutations(cases):
        log = Log()
        for number, (case_type, outcome) in enumerate(order):
            log.case(case_type, str(number), outcome)
        assert record_state(folded_cases(log.events).values()) == state


def test_states_come_by_subject_then_record_and_never_from_reviews() -> None:
    log = Log()
    log.case("dispute", "1", None, record="r2", subject="b" * 22)
    log.case("repair", "2", "granted", record="r1", subject="b" * 22)
    log.case("dispute", "3", "upheld", record="r3", subject="a" * 22)
    log.case("review", "4", "corrected", record="r4", subject="a" * 22)
    assert record_states(log.events) == [
        ("r3", "a" * 22, "removed"),
        ("r1", "b" * 22, "repaired"),
        ("r2", "b" * 22, "disputed"),
    ]


_CASES = st.lists(
    st.tuples(
        st.sampled_from(["upheld", "rejected", "undecided", None]),
        st.integers(0, 30),  # citizen
        st.integers(0, 40),  # days taken
    ),
    max_size=80,
)


@given(_CASES)
def test_the_figures_equal_a_recount_in_sql_and_hide_small_groups(
    cases: list[tuple[str | None, int, int]],
) -> None:
    log = Log()
    for number, (outcome, person, days) in enumerate(cases):
        log.case("dispute", str(number), outcome, subject=f"{person:022}", days=days)
    figures = figures_of(list(folded_cases(log.events).values()), "dispute", TODAY, 10)
    counted = recount(log.events)
    assert figures.received == told(counted["all"])
    assert figures.decided == told(counted["decided"])
    is_split_told = min(people(counted["upheld"]), people(counted["rest"])) >= 10
    assert figures.given == (len(counted["upheld"]) if is_split_told else None)
    if figures.share_given is not None:
        share = len(counted["upheld"]) / len(counted["decided"])
        assert figures.share_given == pytest.approx(share, abs=1e-4)
    if figures.median_days is not None:
        assert figures.median_days == median(days for _, days in counted["decided"])


def people(rows: list[tuple[str, int]]) -> int:
    return len({subject for subject, _ in rows})


def told(rows: list[tuple[str, int]]) -> int | None:
    return len(rows) if people(rows) >= 10 else None


def recount(events: list[Event]) -> dict[str, list[tuple[str, int]]]:
    """From the raw rows, by a database that knows nothing of cases."""
    base = sqlite3.connect(":memory:")
    base.execute("CREATE TABLE e (kind, stream, subject, at_ms, body)")
    rows = [(e.kind, e.stream, e.subject, e.at_ms, e.body.decode()) for e in events]
    base.executemany("INSERT INTO e VALUES (?, ?, ?, ?, ?)", rows)
    decided = """SELECT o.subject, (d.at_ms - o.at_ms) / 86400000 FROM e o JOIN e d USING (stream)
      WHERE o.kind = 'dispute_opened' AND d.kind = 'dispute_decided'"""
    upheld = "d.body ->> 'outcome' = 'upheld'"
    found = {
        "all": base.execute("SELECT subject, 0 FROM e WHERE kind = 'dispute_opened'").fetchall(),
        "decided": base.execute(decided).fetchall(),
        "upheld": base.execute(f"{decided} AND {upheld}").fetchall(),
        "rest": base.execute(f"{decided} AND NOT {upheld}").fetchall(),
    }
    base.close()
    return found
