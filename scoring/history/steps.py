"""Changes in the order of their days, each with the points it moved the score by.

A rule's cap stands between its records and the score: what a change gives is the cut sum after it
less the cut sum before it, so that a rule's changes add up to what its part of the score moved by.
"""

import polars as pl

from scoring.build.caps import cut
from scoring.history.changes import CHANGES

RULE = ["snapshot_subject", "rule"]
# The law's step comes first on its day: what happens on that day happens under the new rule.
_IN_ORDER = [*RULE, "at", "is_other", "record_id"]


def steps(
    changed: pl.LazyFrame,
    sums: pl.LazyFrame,
    *,
    old_caps: dict[int, int],
    new_caps: dict[int, int],
) -> pl.LazyFrame:
    """In: CHANGES, and `snapshot_subject`, `rule`, `sum_points`: rules' sums before caps in the old
    snapshot. Out: CHANGES with `change_points` instead of `points`, in order, zeros left out."""
    before = pl.col("sum_before")
    after = before + pl.col("points")
    return (
        _with_law_as_one(changed)
        .join(sums, on=RULE, how="left")
        .with_columns(is_other=pl.col("cause") != "rule_change")
        .sort(_IN_ORDER, nulls_last=False)
        .with_columns(
            sum_before=pl.col("sum_points").fill_null(0)
            + pl.col("points").cum_sum().over(RULE)
            - pl.col("points"),
            is_new_law=(~pl.col("is_other")).cast(pl.Int8).cum_max().over(RULE) == 1,
            was_new_law=(~pl.col("is_other")).cast(pl.Int8).cum_max().shift(fill_value=0).over(RULE)
            == 1,
            has_law=(~pl.col("is_other")).any().over(RULE),
        )
        .with_columns(
            cap_before=_cap("was_new_law", old_caps, new_caps),
            cap_after=_cap("is_new_law", old_caps, new_caps),
        )
        .with_columns(
            change_points=(
                cut(after, pl.col("cap_after")) - cut(before, pl.col("cap_before"))
            ).cast(pl.Int32)
        )
        .filter(pl.col("change_points") != 0)
        .select(*(name for name in CHANGES if name != "points"), "change_points")
    )


def changed_caps(
    sums: pl.LazyFrame,
    people: pl.LazyFrame,
    law_days: pl.Expr,
    old_caps: dict[int, int],
    new_caps: dict[int, int],
) -> pl.LazyFrame:
    """CHANGES of 0 points, by cause of the law, for everyone who has records under a rule whose
    cap is another one now."""
    moved = [rule for rule, cap in old_caps.items() if new_caps.get(rule, cap) != cap]
    return (
        sums.filter(pl.col("rule").is_in(moved))
        .join(people, on="snapshot_subject")
        .select(
            *RULE,
            record_id=pl.lit(None, pl.String()),
            at=pl.coalesce(law_days, "changed_on"),
            cause=pl.lit("rule_change"),
            points=pl.lit(0, pl.Int64()),
        )
        .select(*CHANGES)
    )


def _with_law_as_one(changed: pl.LazyFrame) -> pl.LazyFrame:
    """A changed rule is one change, however many records it weighs anew."""
    is_law = pl.col("cause") == "rule_change"
    law = (
        changed.filter(is_law)
        .group_by(*RULE, "at", "cause")
        .agg(pl.col("points").sum())
        .with_columns(record_id=pl.lit(None, pl.String()))
        .select(*CHANGES)
    )
    return pl.concat([changed.filter(~is_law), law])


def _cap(is_new: str, old_caps: dict[int, int], new_caps: dict[int, int]) -> pl.Expr:
    old, new = _of_rule(old_caps), _of_rule(new_caps)
    return (
        pl.when(pl.col("has_law") & ~pl.col(is_new))
        .then(pl.coalesce(old, new))
        .otherwise(pl.coalesce(new, old))
    )


def _of_rule(caps: dict[int, int]) -> pl.Expr:
    return pl.col("rule").replace_strict(
        list(caps), list(caps.values()), default=None, return_dtype=pl.Int64
    )
