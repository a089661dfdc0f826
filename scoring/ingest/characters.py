"""Seventh stage: characters that no cell may hold, whatever its column.

A search over whole lines finds the few that need a closer look.
"""

import polars as pl

from scoring.catalogue.kinds import SourceKind
from scoring.ingest.rejects import REJECTS, Rejects, no_rejects

_CONTROL = r"[\p{Cc}\p{Cf}\x{2028}\x{2029}]"
_REPLACEMENT = r"\x{FFFD}"
_SPACE_AROUND = r"\A\s|\s\z"
# What a spreadsheet runs when the reject list or an export is opened in one (CSV injection).
_FORMULA = r"\A(?:[=@]|[+\-][0-9A-Za-z(=@])"

_SUSPECT_LINE = r'[\p{Cc}\p{Cf}\x{2028}\x{2029}\x{FFFD}]|(?:\A|,)"?[\s=@+\-]|\s"?(?:,|\z)'

_RULES = (
    (_CONTROL, "control_character", "holds a control or invisible character"),
    (_REPLACEMENT, "replacement_character", "was damaged by a wrong conversion (U+FFFD)"),
    (_SPACE_AROUND, "space_around", "begins or ends with a space"),
    (_FORMULA, "formula", "begins like a spreadsheet formula"),
)


def character_rejects(lines: pl.DataFrame, rows: pl.DataFrame, kind: SourceKind) -> Rejects:
    """In: `lines` with `line`, `text`; `rows` as split from them. The first rule each cell breaks."""
    suspect = lines.filter(pl.col("text").str.contains(_SUSPECT_LINE)).select("line")
    if suspect.is_empty():
        return no_rejects()
    cells = (
        rows.join(suspect, on="line", how="semi")
        .select("line", *kind.header())
        .unpivot(index="line", variable_name="column", value_name="cell")
    )
    return (
        cells.with_columns(rule=_broken(1), message=_broken(2))
        .drop_nulls("rule")
        .select("line", "column", "rule", "message")
        .cast(REJECTS)
        .sort("line", maintain_order=True)
    )


def _broken(member: int) -> pl.Expr:
    return pl.coalesce(
        pl.when(pl.col("cell").str.contains(rule[0])).then(pl.lit(rule[member])) for rule in _RULES
    )
