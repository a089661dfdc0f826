"""What each record says under the rules of the day, before caps."""

from functools import reduce

import polars as pl

from scoring.build.plan import NO_RULE, Plan, PlannedFact, status_index
from scoring.contract.documents import Step


def with_points(records: pl.LazyFrame, plan: Plan) -> pl.LazyFrame:
    """In: RECORDS and `state` (null, disputed, repaired, removed). Out: the same without `state`,
    and `rule_index`, `expires_on` (null where no rule counts the fact), `status_index`, `points`
    before caps. Removed records and days after `as_of` are gone."""
    live = records.filter(
        pl.col("state").ne_missing("removed"), pl.col("happened_on") <= plan.as_of
    )
    return (
        live.with_columns(points=points_of_rule(plan))
        .with_columns(rule_index=_of_rule(plan, "index"), expires_on=_expiry(plan))
        .with_columns(
            status_index=_status(plan), rule_index=pl.col("rule_index").fill_null(NO_RULE)
        )
        .with_columns(points=pl.when(_is("counted")).then("points").otherwise(0))
        .drop("state")
    )


def points_of_rule(plan: Plan) -> pl.Expr:
    """Points of the highest step reached; null where no rule counts the record."""
    steps = [(fact, step) for fact, rule in plan.ruled_facts for step in rule.steps]

    def later_step_wins(below: pl.Expr, entry: tuple[PlannedFact, Step]) -> pl.Expr:
        fact, step = entry
        is_reached = (pl.col("fact_index") == fact.index) & (pl.col("measure") >= step.at_least)
        return pl.when(is_reached).then(pl.lit(step.points, pl.Int32())).otherwise(below)

    return reduce(later_step_wins, steps, pl.lit(None, pl.Int32()))


def _of_rule(plan: Plan, member: str) -> pl.Expr:
    """A member of the fact's rule, null where no rule counts the record."""
    values = {fact.index: getattr(rule, member) for fact, rule in plan.ruled_facts}
    looked_up = pl.col("fact_index").replace_strict(
        list(values), list(values.values()), default=None, return_dtype=pl.Int32
    )
    return pl.when(pl.col("points").is_not_null()).then(looked_up)


def _expiry(plan: Plan) -> pl.Expr:
    days = pl.duration(days=_of_rule(plan, "validity_days"))
    return (pl.col("happened_on") + days).cast(pl.Date)


def _status(plan: Plan) -> pl.Expr:
    """The first reason that applies: what people decided, what the fact is, what time did."""
    without_rule = pl.col("fact_index").replace_strict(
        [fact.index for fact in plan.facts],
        [fact.status_without_rule for fact in plan.facts],
        return_dtype=pl.UInt8,
    )
    return (
        pl.when(pl.col("state") == "repaired")
        .then(_code("repaired"))
        .when(pl.col("state") == "disputed")
        .then(_code("disputed"))
        .when(pl.col("points").is_null())
        .then(without_rule)
        .when(pl.col("expires_on") <= plan.as_of)
        .then(_code("expired"))
        .otherwise(_code("counted"))
    )


def _code(status: str) -> pl.Expr:
    return pl.lit(status_index(status), pl.UInt8())  # type: ignore[arg-type]


def _is(status: str) -> pl.Expr:
    return pl.col("status_index") == _code(status)
