"""Numbers of one rule value: one sign, steps that only grow, a cap that a single record reaches."""

from collections.abc import Iterator
from itertools import pairwise

from scoring.contract.documents import Step
from scoring.lint.bounds import load_bounds
from scoring.lint.problem import LintProblem
from scoring.lint.toml_source import Place, TomlSource
from scoring.rulebook.model import Value


def value_problems(source: TomlSource, place: Place, value: Value) -> Iterator[LintProblem]:
    if (value.points is None) == (value.steps is None):
        yield source.problem(place, "points_or_steps", "either points or steps, not both or none")
        return
    if value.validity_days < 1:
        yield source.problem(
            (*place, "validity_days"), "never_counts", "a record must count for at least a day"
        )
    longest = load_bounds().validity
    if value.validity_days > longest.most_days:
        yield source.problem(
            (*place, "validity_days"),
            "counts_too_long",
            f"{value.validity_days} days; at most {longest.most_days}. {longest.legal_basis}",
        )
    points = [step.points for step in value.steps or []]
    points += [value.points] if value.points is not None else []
    yield from _signs(source, place, points, value.cap)
    yield from _steps(source, (*place, "steps"), value.steps or [])


def _signs(source: TomlSource, place: Place, points: list[int], cap: int) -> Iterator[LintProblem]:
    if not points or 0 in points or cap == 0:
        yield source.problem(place, "no_points", "a rule gives points, and its cap leaves some")
    elif len({value > 0 for value in [*points, cap]}) > 1:
        yield source.problem(
            place, "mixed_signs", f"points {points} and cap {cap} must have one sign"
        )
    elif abs(cap) < max(map(abs, points)):
        yield source.problem(
            (*place, "cap"), "cap_below_step", f"cap {cap} cuts a single record of {points}"
        )


def _steps(source: TomlSource, place: Place, steps: list[Step]) -> Iterator[LintProblem]:
    if steps and steps[0].at_least < 0:
        yield source.problem(place, "steps_below_zero", f"no record measures {steps[0].at_least}")
    for low, high in pairwise(steps):
        if high.at_least <= low.at_least:
            yield source.problem(
                place, "steps_not_ascending", f"{high.at_least} follows {low.at_least}"
            )
        elif abs(high.points) < abs(low.points):
            yield source.problem(
                place,
                "steps_not_monotone",
                f"{high.points} from {high.at_least} is milder than {low.points} before it",
            )
