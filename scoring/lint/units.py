"""Units of rules and the measures they count by."""

from collections.abc import Iterator

from scoring.lint.problem import LintProblem
from scoring.lint.toml_source import Place, TomlSource
from scoring.rulebook.model import Rule

FLAT_UNIT = "points_per_record"
UNIT_OF_MEASURE = {
    "overdue_days": "points_by_overdue_days",
    "honour_level": "points_by_honour_level",
}
UNITS = {FLAT_UNIT, *UNIT_OF_MEASURE.values()}


def unit_problems(source: TomlSource, place: Place, rule: Rule) -> Iterator[LintProblem]:
    if rule.unit not in UNITS:
        known = ", ".join(sorted(UNITS))
        yield source.problem((*place, "unit"), "unit_unknown", f"{rule.unit} is none of {known}")
        return
    has_steps = any(value.steps is not None for value in rule.value)
    if has_steps != (rule.measure is not None):
        yield source.problem(
            (*place, "measure"), "measure_missing", "steps need a measure, flat points have none"
        )
    elif rule.unit != UNIT_OF_MEASURE.get(rule.measure or "", FLAT_UNIT):
        yield source.problem(
            (*place, "unit"), "unit_unknown", f"{rule.unit} does not belong to {rule.measure}"
        )
    else:
        yield from _measure_of_fact(source, place, rule)


def _measure_of_fact(source: TomlSource, place: Place, rule: Rule) -> Iterator[LintProblem]:
    from scoring.lake.tables import MEASURES

    held = MEASURES.get((rule.kind, rule.outcome))
    if rule.measure is not None and rule.measure != held:
        yield source.problem(
            (*place, "measure"), "measure_unknown", f"a record of {rule.outcome} holds {held}"
        )
