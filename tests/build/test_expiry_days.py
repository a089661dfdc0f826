"""Every rule's records, on the day before they expire and on the day itself."""

import datetime as dt

import polars as pl
import pytest

from scoring.build.gather import RECORDS
from scoring.build.part import STATES, items_of
from scoring.build.plan import PlannedFact, PlannedRule
from scoring.contract.snapshot import ITEM_STATUSES
from scoring.recompute import RawRecord, recompute
from scoring.rulebook import load_rulebook, published_document
from tests.support.lake import plan_on

AS_OF = dt.date(2026, 6, 30)
RULEBOOK = load_rulebook()
PLAN = plan_on(AS_OF, RULEBOOK)
RULES = published_document(RULEBOOK, AS_OF)


def _by_the_engine(fact: PlannedFact, rule: PlannedRule, day: dt.date) -> tuple[str, int]:
    row = (0, "r0000000000000", fact.index, rule.steps[0].at_least, day, 0)
    records = pl.LazyFrame([row], schema=RECORDS, orient="row")
    item = items_of(records, pl.LazyFrame(schema=STATES), PLAN).collect().row(0, named=True)
    return ITEM_STATUSES[item["status_index"]], item["points"]


def _by_the_second_opinion(fact: PlannedFact, rule: PlannedRule, day: dt.date) -> tuple[str, int]:
    record = RawRecord(
        kind=fact.kind,
        subject="",
        record_id="r",
        outcome=fact.outcome,
        measure=rule.steps[0].at_least,
        happened_on=day,
        department="",
        sequence=1,
        line=2,
    )
    item = recompute(RULES, [record], {}, AS_OF).items[0]
    return item.status, item.points


@pytest.mark.parametrize(
    ("fact", "rule"), PLAN.ruled_facts, ids=[fact.outcome for fact, _ in PLAN.ruled_facts]
)
def test_a_record_counts_on_the_day_before_it_expires_and_not_on_the_day_itself(
    fact: PlannedFact, rule: PlannedRule
) -> None:
    last_day = AS_OF - dt.timedelta(rule.validity_days - 1)
    points = rule.steps[0].points
    for evaluate in (_by_the_engine, _by_the_second_opinion):
        assert evaluate(fact, rule, last_day) == ("counted", points)
        assert evaluate(fact, rule, last_day - dt.timedelta(1)) == ("expired", 0)
