"""Fifth stage: lines to columns, and no row longer, shorter or otherwise shaped than the header.

Cells follow RFC 4180: a cell is bare, or wholly in quotes with quotes inside doubled. A line break
inside a cell is not allowed, so every line stands for itself.
"""

import csv

import polars as pl

from scoring.ingest.rejects import REJECTS, Rejects, no_rejects

_CELL = r'(?:[^",]*|"(?:[^"]|"")*")'
_WELL_QUOTED = rf"\A{_CELL}(?:,{_CELL})*\z"


def split_rows(lines: pl.DataFrame, columns: list[str]) -> tuple[pl.DataFrame, Rejects]:
    """`line` and one String column per named code, empty cells null; and the rows of other shape.

    In: `line`, `text`. A column whose code is "" is dropped.
    """
    is_quoted = pl.col("text").str.contains('"', literal=True)
    bare = lines.filter(~is_quoted)
    quoted = lines.filter(is_quoted) if bare.height < lines.height else lines.clear()
    bare_rows, bare_rejects = _split_bare(bare, columns)
    if quoted.is_empty():
        return bare_rows, bare_rejects
    rows, rejects = _split_quoted(quoted, columns)
    return pl.concat([bare_rows, rows]).sort("line"), pl.concat([bare_rejects, rejects])


def _split_bare(lines: pl.DataFrame, columns: list[str]) -> tuple[pl.DataFrame, Rejects]:
    commas = pl.col("text").str.count_matches(",", literal=True)
    rejects = _shape_rejects(lines.select("line", "text", cells=commas + 1), len(columns))
    if not rejects.is_empty():
        lines = lines.filter(commas == len(columns) - 1)
    named = [f"field_{place}" for place in range(len(columns))]
    rows = lines.lazy().select("line", pl.col("text").str.split_exact(",", len(columns) - 1))
    rows = rows.unnest("text").rename(dict(zip(named, _slots(columns), strict=True)))
    return _named(rows, columns).collect(), rejects


def _split_quoted(lines: pl.DataFrame, columns: list[str]) -> tuple[pl.DataFrame, Rejects]:
    well = pl.col("text").str.contains(_WELL_QUOTED) & (
        pl.col("text").str.len_bytes() <= csv.field_size_limit()
    )
    broken = lines.filter(~well).select(
        "line",
        column=pl.lit(""),
        rule=pl.lit("quotes"),
        message=pl.lit("quotes do not enclose a whole cell of this line, or enclose too much"),
    )
    lines = lines.filter(well)
    # The grammar above is what csv.reader reads the same way; one line is one row.
    cells = list(csv.reader(lines.get_column("text").to_list(), strict=True))
    counted = lines.with_columns(cells=pl.Series([len(row) for row in cells], dtype=pl.UInt32))
    shape = _shape_rejects(counted, len(columns))
    slots = _slots(columns)
    fitting = [row for row in cells if len(row) == len(columns)]
    table = {
        slot: pl.Series([row[place] for row in fitting], dtype=pl.String)
        for place, slot in enumerate(slots)
    }
    good = counted.filter(pl.col("cells") == len(columns)).select("line")
    rows = good.with_columns(**table).lazy()
    return _named(rows, columns).collect(), pl.concat([broken.cast(REJECTS), shape])


def _slots(columns: list[str]) -> list[str]:
    return [code or f" dropped {place}" for place, code in enumerate(columns)]


def _named(rows: pl.LazyFrame, columns: list[str]) -> pl.LazyFrame:
    codes = [code for code in columns if code]
    empty_to_null = (
        pl.when(pl.col(code).str.len_bytes() > 0).then(pl.col(code)).alias(code) for code in codes
    )
    return rows.select("line", *empty_to_null)


def _shape_rejects(counted: pl.DataFrame, wanted: int) -> Rejects:
    found = pl.col("cells")
    bad = counted.filter(found != wanted)
    if bad.is_empty():
        return no_rejects()
    blank = pl.col("text").str.len_bytes() == 0
    shape = (
        pl.when(blank)
        .then(pl.lit("blank_line"))
        .when(found < wanted)
        .then(pl.lit("short_row"))
        .otherwise(pl.lit("long_row"))
    )
    message = pl.concat_str(found.cast(pl.String), pl.lit(f" cells instead of {wanted}"))
    return bad.select("line", column=pl.lit(""), rule=shape, message=message).cast(REJECTS)
