"""首页: the city's figures, none of them about fewer than ten people."""

from html import escape

from builder import charts
from builder.markup import number, table, time_of
from scoring.contract.documents import BandFigure, FiguresDocument, RulesDocument

HIDDEN = "不显示"


def figures(figures_document: FiguresDocument, rules: RulesDocument) -> str:
    """`rules` gives the bands' limits; the figures give the people."""
    limits = {band.code: f"{band.from_}–{band.to} 分" for band in rules.bands}
    words = "；".join(f"{band.name} {_people(band)}" for band in figures_document.bands)
    drawn = charts.bars(
        "figures",
        "各分段人数",
        f"{words}。",
        [
            charts.Bar(f"{b.name}　{limits.get(b.code, '')}", b.citizens, _people(b))
            for b in figures_document.bands
        ],
    )
    rows = [(escape(b.name), limits.get(b.code, ""), _people(b)) for b in figures_document.bands]
    drawn_again = table("各分段人数", ("分段", "范围", "人数"), rows, frozenset({2}))
    shown = f'<details class="fields"><summary>以表格查看</summary>{drawn_again}</details>'
    # Blank lines: each block stands by itself inside the Markdown section around it.
    return "\n\n".join([*_tiles(figures_document), drawn, shown])


def _people(band: BandFigure) -> str:
    return HIDDEN if band.citizens is None else f"{number(band.citizens)} 人"


def _tiles(document: FiguresDocument) -> tuple[str, str]:
    tiles = (
        ("自愿加入的市民", f"{number(document.enrolled)}<small>人</small>"),
        ("参与计算的记录", f"{number(document.records)}<small>条</small>"),
        ("数据截至", f"<span data-freshness>{time_of(document.as_of)}</span>"),
    )
    cells = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in tiles)
    note = (
        f'<p class="note">快照 <code>{escape(document.snapshot)}</code>，'
        f"规则 <code>{escape(document.rules_version)}</code>。未加入的市民没有分数，也不在统计之内。</p>"
    )
    return f'<dl class="tiles">{cells}</dl>', note
