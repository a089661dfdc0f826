"""What changed between two snapshots' records, why and when; before caps."""

import datetime as dt

import polars as pl

from scoring.contract.snapshot import ITEM_STATUSES, ItemStatus

CHANGES: dict[str, pl.DataType] = {
    "snapshot_subject": pl.String(),
    "rule": pl.Int32(),
    "record_id": pl.String(),
    "at": pl.Date(),
    "cause": pl.String(),
    "points": pl.Int64(),  # what the rule's sum before the cap goes up or down by
}


def changes(
    old: pl.LazyFrame,
    new: pl.LazyFrame,
    people: pl.LazyFrame,
    *,
    old_day: dt.date,
    new_day: dt.date,
    law_days: dict[int, dt.date],
) -> pl.LazyFrame:
    """CHANGES of people who are in both snapshots. `old`, `new`: sides; `people`:
    `snapshot_subject`, `changed_on` (the day of what has no day of its own); `law_days`: by the
    rule's shared number."""
    both = old.join(
        new, on=["snapshot_subject", "record_id"], how="full", coalesce=True, suffix="_new"
    ).filter(
        pl.col("rule").ne_missing(pl.col("rule_new"))
        | pl.col("points").ne_missing(pl.col("points_new"))
    )
    told = both.join(people, on="snapshot_subject").with_columns(cause=_cause(new_day))
    is_same_rule = pl.col("rule").eq_missing(pl.col("rule_new"))
    left = told.filter(pl.col("rule").is_not_null()).with_columns(
        points=pl.when(is_same_rule).then(pl.col("points_new")).otherwise(0) - pl.col("points")
    )
    entered = told.filter(pl.col("rule_new").is_not_null(), ~is_same_rule).with_columns(
        rule="rule_new", points="points_new"
    )
    return (
        pl.concat([left, entered])
        .filter(pl.col("points") != 0)
        .with_columns(at=_day(old_day, law_days))
        .select(*CHANGES)
    )


def _cause(new_day: dt.date) -> pl.Expr:
    """The first that applies: who decided, what the record says, what time did, what the law did."""
    facts_differ = (
        pl.col("fact").ne_missing(pl.col("fact_new"))
        | (pl.col("measure") != pl.col("measure_new"))
        | (pl.col("happened_on") != pl.col("happened_on_new"))
    )
    return (
        pl.when(pl.col("status_index").is_null())
        .then(pl.lit("new_record"))
        .when(pl.col("status_index_new").is_null())
        .then(pl.lit("correction"))
        .when(_was_or_is("repaired"))
        .then(pl.lit("repair"))
        .when(_was_or_is("disputed"))
        .then(pl.lit("dispute"))
        .when(facts_differ)
        .then(pl.lit("correction"))
        .when((pl.col("expires_on") <= new_day) & _is_now("expired"))
        .then(pl.lit("expiry"))
        .otherwise(pl.lit("rule_change"))
    )


def _day(old_day: dt.date, law_days: dict[int, dt.date]) -> pl.Expr:
    """Expiry and law have days of their own, a new record too unless it came late."""
    law_day = pl.col("rule").replace_strict(
        list(law_days), list(law_days.values()), default=None, return_dtype=pl.Date
    )
    return (
        pl.when(pl.col("cause") == "expiry")
        .then("expires_on")
        .when((pl.col("cause") == "new_record") & (pl.col("happened_on_new") > old_day))
        .then("happened_on_new")
        .when(pl.col("cause") == "rule_change")
        .then(pl.coalesce(law_day, "changed_on"))
        .otherwise("changed_on")
    )


def _was_or_is(status: ItemStatus) -> pl.Expr:
    number = ITEM_STATUSES.index(status)
    return (pl.col("status_index") == number) | (pl.col("status_index_new") == number)


def _is_now(status: ItemStatus) -> pl.Expr:
    return pl.col("status_index_new") == ITEM_STATUSES.index(status)
