"""A record as one snapshot counts it: under which rule, with how many points before the cap."""

import polars as pl

from scoring.build.plan import Plan
from scoring.build.points import points_of_rule
from scoring.contract.snapshot import ITEM_STATUSES

# Numbers both sides share: `rule`, an index of the history document's rules, null where the record
# gives no points; `fact`, an index of the new side's facts, -1 for one it no longer has.
SIDE = (
    "snapshot_subject",
    "record_id",
    "rule",
    "points",
    "status_index",
    "fact",
    "measure",
    "happened_on",
    "expires_on",
)
_COUNTING = [ITEM_STATUSES.index("counted"), ITEM_STATUSES.index("capped")]


def side(
    items: pl.LazyFrame, plan: Plan, rule_numbers: list[int], fact_numbers: list[int]
) -> pl.LazyFrame:
    """`rule_numbers`, `fact_numbers`: the shared number of each of this side's rules and facts."""
    is_counting = pl.col("status_index").is_in(_COUNTING) & points_of_rule(plan).is_not_null()
    return items.with_columns(
        points=pl.when(is_counting).then(points_of_rule(plan)).otherwise(0).cast(pl.Int64),
        rule=pl.when(is_counting).then(_looked_up("rule_index", rule_numbers)),
        fact=_looked_up("fact_index", fact_numbers),
    ).select(SIDE)


def _looked_up(column: str, numbers: list[int]) -> pl.Expr:
    return pl.col(column).replace_strict(
        list(range(len(numbers))), numbers, default=None, return_dtype=pl.Int32
    )
