"""How a cell of a sender's file is read: the one place for days, amounts and joined values."""

import polars as pl

from scoring.catalogue.kinds import Field, SourceKind

DAY_PATTERN = r"\A(?:19|20)[0-9]{2}(?:/[0-9]{2}/|-[0-9]{2}-)[0-9]{2}\z"
INTEGER_PATTERN = r"\A-?[0-9]{1,9}\z"
DECIMAL_PATTERN = r"\A-?[0-9]{1,12}(?:\.[0-9]{1,6})?\z"  # decimal(18,6) of the national lists


def day(code: str) -> pl.Expr:
    """Date of a cell `2026/03/31` or `2026-03-31`; null for anything else."""
    cell = pl.col(code)
    iso = cell.str.replace_all("/", "-", literal=True).str.to_date("%Y-%m-%d", strict=False)
    return pl.when(cell.str.contains(DAY_PATTERN)).then(iso)


def number(code: str) -> pl.Expr:
    """Float64; exact for every decimal(18,6) a rule compares, null where it is none."""
    return pl.col(code).cast(pl.Float64, strict=False)


def names_any(field: Field, values: list[str]) -> pl.Expr:
    """Whether the cell is one of `values`, or holds one where cells are joined by a separator."""
    cell = pl.col(field.code)
    if field.separator is None:
        return cell.is_in(values)
    wrapped = pl.concat_str(pl.lit(field.separator), cell, pl.lit(field.separator))
    return pl.any_horizontal(
        wrapped.str.contains(field.separator + value + field.separator, literal=True)
        for value in values
    )


def happened_on(kind: SourceKind) -> pl.Expr:
    return pl.coalesce(day(code) for code in kind.happened_on)


def record_key(kind: SourceKind) -> pl.Expr:
    """The document's name within kind and department; null where a part is missing."""
    return pl.concat_str([pl.col(code) for code in kind.record_key], separator="\x1f")
