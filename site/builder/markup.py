"""Small pieces of HTML and Chinese wording that several pages share."""

import datetime as dt
from collections.abc import Iterable, Sequence
from html import escape

from scoring.contract.documents import PublishedRule, Step

DAYS_PER_YEAR = 365
PROPER_MINUS = "−"  # a hyphen before a figure reads as a dash


def signed(points: int) -> str:
    return f"+{points}" if points > 0 else f"{PROPER_MINUS}{-points}" if points < 0 else "0"


def number(value: int) -> str:
    return f"{value:,}"


def time_of(day: dt.date) -> str:
    return f'<time datetime="{day.isoformat()}">{day.isoformat()}</time>'


def days_in_words(days: int) -> str:
    years = days // DAYS_PER_YEAR
    return f"{days} 天（{years} 年）" if years and days % DAYS_PER_YEAR == 0 else f"{days} 天"


def days_in_english(days: int) -> str:
    years = days // DAYS_PER_YEAR
    plural = "s" if years > 1 else ""
    return (
        f"{days} days ({years} year{plural})"
        if years and days % DAYS_PER_YEAR == 0
        else f"{days} days"
    )


def sum_table(rows: Iterable[tuple[str, str]], total: tuple[str, str], caption: str) -> str:
    """A bill: what, how many points, and the total below the line."""
    body = "".join(
        f'<tr><th scope="row">{escape(what)}</th><td>{escape(points)}</td></tr>'
        for what, points in rows
    )
    return (
        f'<table class="sum"><caption>{escape(caption)}</caption><tbody>{body}</tbody>'
        f'<tfoot><tr><th scope="row">{escape(total[0])}</th><td>{escape(total[1])}</td></tr></tfoot></table>'
    )


def table(
    caption: str, columns: Sequence[str], rows: Iterable[Sequence[str]], numeric: frozenset[int]
) -> str:
    """Cells are HTML already; columns in `numeric` are set flush right in tabular figures.

    The wrapper can be reached by keyboard, so that a table wider than a phone can be scrolled.
    """

    def css(index: int) -> str:
        return ' class="num"' if index in numeric else ""

    head = "".join(
        f'<th scope="col"{css(i)}>{escape(column)}</th>' for i, column in enumerate(columns)
    )
    body = "".join(
        "<tr>" + "".join(f"<td{css(i)}>{cell}</td>" for i, cell in enumerate(row)) + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll" role="region" aria-label="{escape(caption)}" tabindex="0">'
        f'<table class="data"><caption>{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def definitions(items: Iterable[tuple[str, str]]) -> str:
    """Terms are text, definitions are HTML."""
    rows = "".join(f"<div><dt>{escape(term)}</dt><dd>{text}</dd></div>" for term, text in items)
    return f'<dl class="facts">{rows}</dl>'


def step_ranges(steps: Sequence[Step]) -> list[tuple[int, int | None, int]]:
    """(from, to inclusive or None for open end, points) in rising order."""
    ordered = sorted(steps, key=lambda step: step.at_least)
    ends: list[int | None] = [step.at_least - 1 for step in ordered[1:]]
    return [
        (step.at_least, end, step.points) for step, end in zip(ordered, [*ends, None], strict=True)
    ]


def points_of(rule: PublishedRule, measure: int) -> int:
    """Points one record with this measure has under the rule, before the cap."""
    if isinstance(rule.points, int):
        return rule.points
    reached = [step for step in rule.points if step.at_least <= measure]
    return max(reached, key=lambda step: step.at_least).points if reached else 0
