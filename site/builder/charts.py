"""Charts as SVG without a viewBox: widths are percentages and type keeps its size, so that a chart
reads the same on a phone and on a desk. Colours come from the style sheet by class."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

ROW_PX = 46
LABEL_PX = 15  # baseline of the label above its bar
BAR_PX = 14


@dataclass(frozen=True)
class Bar:
    """`value` None = not shown (fewer than ten people, or hidden so that none can be subtracted)."""

    label: str
    value: int | None
    words: str


def bars(chart_id: str, title: str, description: str, rows: Sequence[Bar]) -> str:
    top = max((row.value or 0 for row in rows), default=0) or 1
    drawn = "".join(_row(index, row, top) for index, row in enumerate(rows))
    return (
        f'<figure class="chart"><svg role="img" width="100%" height="{ROW_PX * len(rows)}"'
        f' aria-labelledby="{chart_id}-title {chart_id}-desc">'
        f'<title id="{chart_id}-title">{escape(title)}</title>'
        f'<desc id="{chart_id}-desc">{escape(description)}</desc>{drawn}</svg></figure>'
    )


def _row(index: int, row: Bar, top: int) -> str:
    y = index * ROW_PX
    width = 0 if row.value is None else round(100 * row.value / top, 2)
    return (
        f'<text class="chart__label" x="0" y="{y + LABEL_PX}">{escape(row.label)}</text>'
        f'<text class="chart__value" x="100%" y="{y + LABEL_PX}" text-anchor="end">{escape(row.words)}</text>'
        f'<rect class="chart__track" x="0" y="{y + 23}" width="100%" height="{BAR_PX}" rx="2"/>'
        f'<rect class="chart__bar" x="0" y="{y + 23}" width="{width}%" height="{BAR_PX}" rx="2"/>'
    )


def steps(
    chart_id: str, title: str, description: str, bands: Sequence[tuple[str, int, int]]
) -> str:
    """Bands side by side, all as wide: the scale is an order, not a length. (name, from, to)"""
    width = 100 / len(bands)
    drawn = "".join(
        _band(index, name, index * width, width, f"{start}–{end}")
        for index, (name, start, end) in enumerate(bands)
    )
    return (
        f'<figure class="chart"><svg role="img" width="100%" height="74"'
        f' aria-labelledby="{chart_id}-title {chart_id}-desc">'
        f'<title id="{chart_id}-title">{escape(title)}</title>'
        f'<desc id="{chart_id}-desc">{escape(description)}</desc>{drawn}</svg></figure>'
    )


def _band(index: int, name: str, left: float, width: float, range_words: str) -> str:
    return (
        f'<text class="chart__label" x="{left:.2f}%" y="15">{escape(name)}</text>'
        f'<rect class="chart__band chart__band--{index}" x="{left:.2f}%" y="25" width="{width - 0.6:.2f}%" height="14" rx="2"/>'
        f'<text class="chart__tick" x="{left:.2f}%" y="60">{range_words}</text>'
    )
