"""The reject list: which row, which column, which rule; never what stood there.

A value may be somebody's number or name, so messages speak of the rule alone.
"""

import io
from collections.abc import Iterable

import polars as pl

# Columns of a reject list; `column` is empty where the row as a whole is wrong.
REJECTS = pl.Schema(
    {
        "line": pl.Int32(),
        "column": pl.String(),
        "rule": pl.String(),
        "message": pl.String(),
    }
)
Rejects = pl.DataFrame


def no_rejects() -> Rejects:
    return pl.DataFrame(schema=REJECTS)


def merged(parts: Iterable[Rejects]) -> Rejects:
    """All of them by line; of several about one cell the first."""
    together = pl.concat([no_rejects(), *parts])
    return together.unique(["line", "column"], keep="first", maintain_order=True).sort(
        "line", maintain_order=True
    )


def as_csv(rejects: Rejects, file_name: str) -> bytes:
    """`file,line,column,rule,message`, by line."""
    buffer = io.BytesIO()
    rejects.select(pl.lit(file_name).alias("file"), *REJECTS).write_csv(buffer)
    return buffer.getvalue()


def counts_by_rule(rejects: Rejects) -> dict[str, int]:
    """Cells per rule, most frequent first."""
    counted = rejects.group_by("rule").len().sort(["len", "rule"], descending=[True, False])
    return dict(counted.iter_rows())


def first_reject(rejects: Rejects) -> str:
    """`:line:column rule (message)` of the first one."""
    line, column, rule, message = rejects.row(0)
    return f":{line}:{column or '*'} {rule} ({message})"
