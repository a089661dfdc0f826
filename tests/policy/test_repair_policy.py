"""Classes and periods of repair: every policy on both sides of its day."""

import datetime as dt

import pytest

from scoring.calendar import load_calendar
from scoring.catalogue.loading import load_catalogue
from scoring.errors import InputRefused
from scoring.policy.cases import load_case_policy
from scoring.policy.repair import load_repair_table, months_after, repair_table_of
from scoring.policy.retention import load_retention
from scoring.rulebook.load import load_rulebook

TABLE = load_repair_table()
DAY = dt.date.fromisoformat

# kind, outcome, decided, policy, earliest, ends
TERMS = [
    ("penalty", "minor", "2026-05-06", "2026-04", "2026-05-06", "2026-08-06"),
    ("penalty", "general", "2026-04-01", "2026-04", "2026-07-01", "2027-04-01"),
    ("penalty", "general", "2026-03-31", "58", "2026-06-30", "2029-03-31"),
    ("penalty", "serious", "2026-04-01", "2026-04", "2027-04-01", "2029-04-01"),
    ("penalty", "serious", "2026-03-31", "58", "2027-03-31", "2029-03-31"),
    ("penalty", "general", "2023-05-01", "58", "2023-08-01", "2026-05-01"),
    ("penalty", "general", "2023-04-30", "527", "2023-07-30", "2024-04-30"),
    ("penalty", "serious", "2023-04-30", "527", "2023-10-30", "2026-04-30"),
    ("penalty", "general", "2026-11-30", "2026-04", "2027-02-28", "2027-11-30"),
    ("commitment", "broken", "2026-05-01", "2026-04", "2026-08-01", "2027-05-01"),
    ("contract_performance", "late", "2026-05-01", "2026-04", "2026-05-01", "2026-08-01"),
]


@pytest.mark.parametrize("case", TERMS, ids=lambda case: " ".join(case[:3]))
def test_a_decision_follows_the_policy_of_its_day(case: tuple[str, ...]) -> None:
    kind, outcome, decided, version, earliest, ends = case
    terms = TABLE.terms(kind, outcome, DAY(decided))
    assert terms is not None
    assert (terms.policy_version, terms.earliest_on, terms.ends_on) == (
        version,
        DAY(earliest),
        DAY(ends),
    )


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [("commitment", "kept"), ("honour", "awarded"), ("court_obligation", "fulfilled")],
)
def test_what_does_not_weigh_against_the_citizen_cannot_be_repaired(
    kind: str, outcome: str
) -> None:
    assert TABLE.terms(kind, outcome, DAY("2026-05-01")) is None


def test_every_rule_that_takes_points_has_a_way_to_repair() -> None:
    day = DAY("2026-11-20")
    taking = [
        (rule.kind, rule.outcome)
        for rule in load_rulebook().rules
        if any(value.cap < 0 for value in rule.value)
    ]
    assert taking
    assert all(TABLE.terms(kind, outcome, day) for kind, outcome in taking)


def test_a_decision_older_than_every_policy_has_no_terms() -> None:
    assert TABLE.terms("penalty", "general", DAY("2018-06-30")) is None


@pytest.mark.parametrize(
    ("day", "months", "end"),
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2024-01-31", 1, "2024-02-29"),
        ("2026-11-30", 3, "2027-02-28"),
        ("2026-12-15", 12, "2027-12-15"),
        ("2026-12-15", 0, "2026-12-15"),
    ],
)
def test_months_end_on_the_same_day_or_the_months_last(day: str, months: int, end: str) -> None:
    assert months_after(DAY(day), months) == DAY(end)


def test_a_table_that_lacks_a_class_is_refused() -> None:
    text = """
[[policy]]
version = "x"
effective_on = 2026-01-01
legal_basis = "y"
class = [{ id = "minor", name = "轻微", minimum_months = 0, maximum_months = 3, certainty = "city" }]
[[repairable]]
kind = "penalty"
outcome = "minor"
class = "minor"
certainty = "city"
"""
    with pytest.raises(InputRefused, match="each class once"):
        repair_table_of(text)


def test_a_dispute_is_due_in_twenty_days_and_the_others_in_working_days() -> None:
    policy, calendar = load_case_policy(), load_calendar()
    opened = DAY("2026-09-24")
    assert policy.dispute.due(opened, calendar).on == DAY("2026-10-14")
    assert policy.repair.due(opened, calendar).on == DAY("2026-10-15")
    assert policy.review.due(opened, calendar).on == DAY("2026-10-22")


def test_the_retention_table_says_what_leaving_does_to_each_class() -> None:
    classes = {entry.id: entry.on_withdrawal for entry in load_retention().classes}
    assert classes["score"] == classes["statements"] == "erased"
    assert classes["accesses"] == "kept"
    assert load_retention().of("cases").days >= 3 * 365  # 《个人信息保护法》第五十六条


def test_only_what_stands_in_the_log_is_sealed_and_the_longest_kind_gives_the_records_days() -> (
    None
):
    sealed = {entry.id for entry in load_retention().classes if entry.at_end == "sealed"}
    assert sealed == {"enrolments", "consents", "accesses", "cases"}
    kinds = [kind for kind in load_catalogue().kinds if kind.subject_class == "person"]
    assert load_retention().of("records").days == max(kind.retention_days for kind in kinds)
