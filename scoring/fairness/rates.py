"""Benefit rate per group and the lowest ÷ the highest (four-fifths rule, 29 CFR 1607.4 D).

Between groups of at least the size that follows from LEAST_EXPECTED the ratio alone decides. As that
rule has it, it tells nothing where the numbers are so small that chance explains it: groups drawn by
lot fall below it often enough (the control split shows it). So between smaller groups it decides
where chance does not explain it. The ratio's standard error stands beside it in any case.
"""

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import permutations

import msgspec
import polars as pl

from scoring.contract.documents import Benefit

LEAST_RATIO = Fraction(4, 5)
SMALLEST_SHOWN = 10  # k: fewer people than this are never counted out
SMALLEST_JUDGED = 100  # below this the normal approximation says nothing
# The least size for the plain ratio: so many people that this many of them would have the benefit at
# the rate of everybody. Two such groups drawn by lot have a ratio with a standard error of
# sqrt(2 / 400) = 0.07 at most: 0.8 is three of them away. With one in ten that is 4,000 people.
LEAST_EXPECTED = 400
# Standard errors between two rates that chance reaches once in a thousand comparisons; a report
# makes some dozens of them.
CHANCE_REACHES = Fraction(33, 10)

Count = tuple[int, int]  # people, and of them with the benefit


class GroupRate(msgspec.Struct, frozen=True, kw_only=True):
    """`people`, `rate`: None where fewer than ten people, with or without the benefit, would be
    counted out. `is_judged`: large enough to be compared; `is_large`: by the plain ratio."""

    group: str
    people: int | None
    rate: float | None
    is_judged: bool
    is_large: bool


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """`ratio`: lowest ÷ highest rate of the judged groups; None where a rate is not shown or there
    is nothing to compare: fewer than two groups, or nobody has the benefit. `standard_error`: of the
    ratio. `is_fair`: no large group stands below four fifths of another large one, and no judged
    group of another judged one by more than chance explains."""

    benefit: str
    dimension: str
    groups: list[GroupRate]
    ratio: float | None
    standard_error: float | None
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
        least_people = _least_people([(people, n) for _, people, n in counts])
        rates = [_rate(*count, least_people) for count in counts]
        judged = [(people, n) for _, people, n in counts if people >= SMALLEST_JUDGED]
        large = [(people, n) for people, n in judged if people >= least_people]
        ratio = _ratio(judged)
        is_shown = all(rate.rate is not None for rate in rates if rate.is_judged)
        ratio_of_large = _ratio(large)
        is_even = ratio_of_large is None or ratio_of_large >= LEAST_RATIO
        yield Comparison(
            benefit=benefit.id,
            dimension=dimension,
            groups=rates,
            ratio=float(ratio) if ratio is not None and is_shown else None,
            standard_error=_standard_error(judged) if ratio and is_shown else None,
            is_fair=is_even
            and not any(_is_behind(one, other) for one, other in permutations(judged, 2)),
        )


def _least_people(counts: list[Count]) -> float:
    """Of a large group, at the rate of everybody; infinite where nobody has the benefit."""
    people, eligible = map(sum, zip(*counts, strict=True))
    return LEAST_EXPECTED * people / eligible if eligible else math.inf


def _rate(group: str, people: int, eligible: int, least_people: float) -> GroupRate:
    is_shown = min(eligible, people - eligible) >= SMALLEST_SHOWN
    return GroupRate(
        group=group,
        people=people if people >= SMALLEST_SHOWN else None,
        rate=eligible / people if is_shown else None,
        is_judged=people >= SMALLEST_JUDGED,
        is_large=people >= max(SMALLEST_JUDGED, least_people),
    )


def _is_behind(one: Count, other: Count) -> bool:
    """Exact: four fifths are four fifths. Two-proportion test with the pooled rate."""
    (people, eligible), (others, others_eligible) = one, other
    rate, better = Fraction(eligible, people), Fraction(others_eligible, others)
    if rate >= LEAST_RATIO * better:
        return False
    pooled = Fraction(eligible + others_eligible, people + others)
    variance = pooled * (1 - pooled) * (Fraction(1, people) + Fraction(1, others))
    return (better - rate) ** 2 > CHANCE_REACHES**2 * variance


def _ratio(counts: list[Count]) -> Fraction | None:
    rates = [Fraction(eligible, people) for people, eligible in counts]
    if len(rates) < 2 or max(rates) == 0:
        return None
    return min(rates) / max(rates)


def _standard_error(counts: list[Count]) -> float:
    """Of lowest ÷ highest, by the rule for a quotient; no rate may be zero."""
    rates = [(Fraction(eligible, people), eligible) for people, eligible in counts]
    (low, few), (high, many) = min(rates), max(rates)
    relative = (1 - low) / few + (1 - high) / many
    return float(low / high) * math.sqrt(relative)
