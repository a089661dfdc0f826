"""The English summary's tables, from the same documents."""

from html import escape

from builder.markup import days_in_english, signed, table
from scoring.contract.documents import RulesDocument


def bands(rules: RulesDocument) -> str:
    rows = [(escape(band.name_en), str(band.from_), str(band.to)) for band in rules.bands]
    return table("Score bands", ("Band", "From", "To"), rows, frozenset({1, 2}))


def rules_table(rules: RulesDocument) -> str:
    rows = [
        (
            escape(rule.name_en),
            _points(rule.points),
            signed(rule.cap),
            days_in_english(rule.validity_days),
        )
        for rule in rules.rules
    ]
    return table(
        "All rules", ("Rule", "Points a record", "At most", "Counts for"), rows, frozenset({1, 2})
    )


def upcoming(rules: RulesDocument) -> str:
    if not rules.upcoming:
        return "<p>No change is announced.</p>"
    rows = [
        (change.from_.isoformat(), escape(change.text_en), change.announced_on.isoformat())
        for change in rules.upcoming
    ]
    return table("Announced changes", ("From", "What changes", "Announced"), rows, frozenset())


def _points(points: object) -> str:
    if isinstance(points, int):
        return signed(points)
    assert isinstance(points, list)  # noqa: S101 the contract's only other form
    return ", ".join(f"{signed(step.points)} (from {step.at_least})" for step in points)
