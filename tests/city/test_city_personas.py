"""Ten people whose scores were designed: held against the law as published and the real door."""

import datetime as dt

import polars as pl
import pytest

from scoring.benefits.document import benefits_document
from scoring.benefits.load import load_benefits
from scoring.city.personas import DesignedRecord, designs
from scoring.contract.documents import PublishedRule
from scoring.contract.pseudonyms import subject_of
from scoring.rulebook import load_rulebook, published_document
from tests.city.conftest import AS_OF, LAKE_KEY, FilledLake, GeneratedCity

RULES = published_document(load_rulebook(), AS_OF)


def _records(code: str) -> list[DesignedRecord]:
    return next(design.records for design in designs() if design.code == code)


def _days_ago(record: DesignedRecord, after_days: int) -> list[int]:
    return [record.days_ago + after_days + n * record.every_days for n in range(record.count)]


def _points(rule: PublishedRule, measure: int) -> int:
    if isinstance(rule.points, int):
        return rule.points
    return [0, *(step.points for step in rule.points if step.at_least <= measure)][-1]


def _uncut(rule: PublishedRule, code: str, after_days: int) -> int:
    return sum(
        _points(rule, record.measure)
        for record in _records(code)
        for days_ago in _days_ago(record, after_days)
        if (record.kind, record.outcome) == (rule.kind, rule.outcome)
        and days_ago < rule.validity_days
    )


def _score(code: str, after_days: int = 0) -> int:
    """As GET /v1/rules says it: every rule's points, cut to its cap, on top of the base."""
    total = RULES.base
    for rule in RULES.rules:
        uncut = _uncut(rule, code, after_days)
        total += max(uncut, rule.cap) if rule.cap < 0 else min(uncut, rule.cap)
    return total


@pytest.mark.parametrize(("code", "score"), [("under", 648), ("over", 652)])
def test_under_and_over_stand_two_points_from_650(code: str, score: int) -> None:
    assert _score(code) == score


def test_a_live_benefit_opens_between_under_and_over() -> None:
    thresholds = {
        benefit.threshold
        for benefit in benefits_document(load_benefits(), AS_OF).items
        if benefit.status == "live"
    }
    assert any(_score("under") < threshold <= _score("over") for threshold in thresholds)


def test_expiring_has_a_record_that_is_gone_the_day_after() -> None:
    assert _score("expiring", after_days=1) < _score("expiring")


@pytest.mark.parametrize("code", ["disputed", "repaired"])
def test_a_penalty_weighs_on_disputed_and_repaired(code: str) -> None:
    penalty = next(rule for rule in RULES.rules if rule.id == "penalty_general")
    assert _uncut(penalty, code, 0) < 0


def test_rich_has_records_that_are_capped_and_records_that_have_expired() -> None:
    assert any(abs(_uncut(rule, "rich", 0)) > abs(rule.cap) for rule in RULES.rules)
    oldest = max(max(_days_ago(record, 0)) for record in _records("rich"))
    assert oldest > max(rule.validity_days for rule in RULES.rules if "commitment" in rule.id)


def test_the_lake_holds_the_personas_records_as_designed(
    city: GeneratedCity, lake: FilledLake
) -> None:
    facts = pl.scan_parquet(lake.folder / "facts", hive_partitioning=True)
    columns = ["kind", "outcome", "measure", "happened_on"]
    for design in designs():
        subject = subject_of(LAKE_KEY, city.summary.personas[design.code].id_number)
        arrived = facts.filter(pl.col("subject") == subject).select(columns).collect()
        wanted = [
            (record.kind, record.outcome, record.measure, AS_OF - dt.timedelta(days_ago))
            for record in design.records
            for days_ago in _days_ago(record, 0)
        ]
        assert sorted(arrived.rows()) == sorted(wanted), design.code
