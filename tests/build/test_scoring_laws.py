"""Laws that hold for every set of records: order, monotony, caps, floor; and a second opinion."""

import datetime as dt
import os
from collections.abc import Sequence

import msgspec
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.build.gather import RECORDS
from scoring.build.part import STATES, items_of
from scoring.build.totals import scores
from scoring.contract.snapshot import ITEM_STATUSES
from scoring.lake.tables import MEASURES
from scoring.recompute import RawRecord, recompute
from scoring.rulebook import load_rulebook, published_document
from tests.support.lake import DEPARTMENTS, plan_on

AS_OF = dt.date(2026, 6, 30)
RULEBOOK = load_rulebook()
PLAN = plan_on(AS_OF, RULEBOOK)
RULES = published_document(RULEBOOK, AS_OF)
CASES = int(os.environ.get("CHENGXIN_LAW_CASES", "60"))  # 10,000 before a release
LAWS = settings(max_examples=CASES, deadline=None)


class Draft(msgspec.Struct, frozen=True):
    fact_index: int
    measure: int
    age_days: int
    state: str | None


def _measures(fact_index: int) -> st.SearchStrategy[int]:
    fact = PLAN.facts[fact_index]
    measure = MEASURES.get((fact.kind, fact.outcome))
    if measure is None:
        return st.just(0)
    return st.integers(1, 3) if measure == "honour_level" else st.sampled_from([1, 29, 30, 89, 90])


AGES = st.sampled_from([-1, 0, 1, 364, 365, 729, 730, 1094, 1095, 1824, 1825]) | st.integers(
    0, 2000
)
DRAFTS = st.integers(0, len(PLAN.facts) - 1).flatmap(
    lambda fact: st.builds(
        Draft,
        st.just(fact),
        _measures(fact),
        AGES,
        st.sampled_from([None, None, None, None, "disputed", "repaired", "removed"]),
    )
)
LIVES = st.lists(DRAFTS, max_size=40)


def _frames(life: Sequence[Draft]) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    rows = [
        (0, f"r{number:013d}", d.fact_index, d.measure, AS_OF - dt.timedelta(d.age_days), 0)
        for number, d in enumerate(life)
    ]
    states = [(0, f"r{n:013d}", d.state) for n, d in enumerate(life) if d.state]
    return (
        pl.LazyFrame(rows, schema=RECORDS, orient="row"),
        pl.LazyFrame(states, schema=STATES, orient="row"),
    )


def _scored(records: pl.LazyFrame, states: pl.LazyFrame) -> tuple[int, pl.DataFrame]:
    items = items_of(records, states, PLAN).collect(engine="in-memory")
    citizen = pl.LazyFrame({"citizen": [0]}, schema={"citizen": pl.UInt32()})
    return scores(citizen, items.lazy(), PLAN).collect().item(0, "score_points"), items


def _score(life: Sequence[Draft]) -> int:
    return _scored(*_frames(life))[0]


def _fact(kind: str, outcome: str) -> int:
    return next(f.index for f in PLAN.facts if (f.kind, f.outcome) == (kind, outcome))


@LAWS
@given(LIVES)
def test_base_and_points_are_the_score_and_stay_in_range(life: list[Draft]) -> None:
    score, items = _scored(*_frames(life))
    assert score == PLAN.base + items["points"].sum()
    assert PLAN.minimum <= score <= PLAN.maximum


@LAWS
@given(LIVES, st.randoms(use_true_random=False))
def test_the_order_of_records_changes_nothing(life: list[Draft], draw: object) -> None:
    records, states = _frames(life)
    shuffled = records.collect().sample(fraction=1.0, shuffle=True, seed=draw.randint(0, 999))  # type: ignore[attr-defined]
    score, items = _scored(records, states)
    again, items_again = _scored(shuffled.lazy(), states)
    assert again == score
    assert items_again.equals(items)


@LAWS
@given(LIVES, st.integers(0, 800))
def test_one_more_kept_commitment_never_lowers(life: list[Draft], age: int) -> None:
    more = [*life, Draft(_fact("commitment", "kept"), 0, age, None)]
    assert _score(more) >= _score(life)


@LAWS
@given(LIVES, st.integers(0, 2000), st.sampled_from(["broken", "partly_kept"]))
def test_one_more_breach_never_raises(life: list[Draft], age: int, outcome: str) -> None:
    more = [*life, Draft(_fact("commitment", outcome), 0, age, None)]
    assert _score(more) <= _score(life)


@LAWS
@given(LIVES)
def test_no_rule_ever_grants_more_than_its_cap(life: list[Draft]) -> None:
    _, items = _scored(*_frames(life))
    sums = dict(items.group_by("rule_index").agg(pl.col("points").sum()).iter_rows())
    for _, rule in PLAN.ruled_facts:
        assert abs(sums.get(rule.index, 0)) <= abs(rule.cap)


@LAWS
@given(LIVES)
def test_minor_fulfilled_disputed_and_repaired_records_give_nothing(life: list[Draft]) -> None:
    _, items = _scored(*_frames(life))
    without = ["capped", "expired", "minor", "fulfilled", "no_rule", "disputed", "repaired"]
    silent = items.filter(pl.col("status_index").is_in([ITEM_STATUSES.index(s) for s in without]))  # type: ignore[arg-type]
    assert (silent["points"] == 0).all()


@LAWS
@given(LIVES)
def test_the_plain_recomputation_agrees_record_by_record(life: list[Draft]) -> None:
    records, states = _frames(life)
    score, items = _scored(records, states)
    raw = [
        RawRecord(
            kind=PLAN.facts[row["fact_index"]].kind,
            subject="",
            record_id=row["record_id"],
            outcome=PLAN.facts[row["fact_index"]].outcome,
            measure=row["measure"],
            happened_on=row["happened_on"],
            department=DEPARTMENTS[0],
            sequence=1,
            line=2,
        )
        for row in records.collect().iter_rows(named=True)
    ]
    named = dict(states.select("record_id", "state").collect().iter_rows())
    again = recompute(RULES, raw, named, AS_OF)
    assert again.score == score
    assert [(i.record_id, i.points, i.status, i.expires_on) for i in again.items] == [
        (row["record_id"], row["points"], ITEM_STATUSES[row["status_index"]], row["expires_on"])
        for row in items.iter_rows(named=True)
    ]
