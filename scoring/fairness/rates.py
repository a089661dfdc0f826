"""Benefit rate per group and the lowest ÷ the highest (four-fifths rule, 29 CFR 1607.4 D)."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

import msgspec
import polars as pl

from scoring.contract.documents import Benefit

LEAST_RATIO = Fraction(4, 5)
SMALLEST_SHOWN = 10  # k: fewer people than this are never counted out
# Below this a difference of a fifth is chance: at a true rate of one half the rates of two groups
# of 100 differ by 0.07 as a matter of course.
SMALLEST_JUDGED = 100


class GroupRate(msgspec.Struct, frozen=True, kw_only=True):
    """`people`, `rate`: None where fewer than ten people, with or without the benefit, would be
    counted out. `is_judged`: large enough to be compared."""

    group: str
    people: int | None
    rate: float | None
    is_judged: bool


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """`ratio`: lowest ÷ highest rate of the judged groups; None where a rate is not shown or there
    is nothing to compare: fewer than two groups, or nobody has the benefit."""

    benefit: str
    dimension: str
    groups: list[GroupRate]
    ratio: float | None
    is_fair: bool


def compare(
    scores: pl.DataFrame, groups: pl.DataFrame, benefits: Sequence[Benefit]
) -> list[Comparison]:
    """`scores`: `subject`, `score_points` of everybody enrolled. By benefit, then dimension."""
    joined = scores.select("subject", "score_points").join(groups, on="subject")
    return [
        comparison
        for benefit in sorted(benefits, key=lambda benefit: benefit.id)
        for comparison in _of_benefit(joined, benefit)
    ]


def _of_benefit(joined: pl.DataFrame, benefit: Benefit) -> Iterator[Comparison]:
    counted = (
        joined.group_by("dimension", "group")
        .agg(people=pl.len(), eligible=(pl.col("score_points") >= benefit.threshold).sum())
        .sort("dimension", "group")
    )
    for (dimension,), rows in counted.partition_by("dimension", as_dict=True).items():
        counts = [(group, people, n) for _, group, people, n in rows.iter_rows()]
        rates = [_rate(*count) for count in counts]
        ratio = _ratio([(people, n) for _, people, n in counts])
        is_shown = all(rate.rate is not None for rate in rates if rate.is_judged)
        yield Comparison(
            benefit=benefit.id,
            dimension=dimension,
            groups=rates,
            ratio=float(ratio) if ratio is not None and is_shown else None,
            is_fair=ratio is None or ratio >= LEAST_RATIO,
        )


def _rate(group: str, people: int, eligible: int) -> GroupRate:
    is_shown = min(eligible, people - eligible) >= SMALLEST_SHOWN
    return GroupRate(
        group=group,
        people=people if people >= SMALLEST_SHOWN else None,
        rate=eligible / people if is_shown else None,
        is_judged=people >= SMALLEST_JUDGED,
    )


def _ratio(counts: list[tuple[int, int]]) -> Fraction | None:
    """Exact: four fifths are four fifths."""
    rates = [Fraction(eligible, people) for people, eligible in counts if people >= SMALLEST_JUDGED]
    if len(rates) < 2 or max(rates) == 0:
        return None
    return min(rates) / max(rates)
