"""Days and months as numbers, and as the text of the national lists (`YYYY/MM/DD`, `YYYY-MM`).

Text comes from tables: formatting a date takes thirty times as long as looking it up.
"""

import datetime as dt

import polars as pl

from scoring.city.mixing import lookup

_EPOCH = dt.date(1970, 1, 1)
_FIRST = dt.date(1930, 1, 1)
_LAST = dt.date(2059, 12, 31)
_DAYS = pl.date_range(_FIRST, _LAST, "1d", eager=True)
_SLASHED = _DAYS.dt.strftime("%Y/%m/%d")
_COMPACT = _DAYS.dt.strftime("%Y%m%d")
_YEARS = _DAYS.dt.strftime("%Y")
_MONTHS = _DAYS.dt.strftime("%Y-%m")
_MONTH_STARTS = pl.date_range(_FIRST, _LAST, "1mo", eager=True).to_physical()


def day_number(day: dt.date) -> int:
    """Days since 1970-01-01."""
    return (day - _EPOCH).days


def month_number(day: dt.date) -> int:
    """Months since January of the year 0."""
    return day.year * 12 + day.month - 1


def month_start(month: pl.Expr) -> pl.Expr:
    """Int32 day number of the first day of a month number."""
    return lookup(_MONTH_STARTS, month - month_number(_FIRST))


def slashed(day: pl.Expr) -> pl.Expr:
    """`2026/11/22` of a day number; null stays null and becomes an empty cell."""
    return lookup(_SLASHED, _place(day))


def compact(day: pl.Expr) -> pl.Expr:
    """`20261122`."""
    return lookup(_COMPACT, _place(day))


def year(day: pl.Expr) -> pl.Expr:
    """`2026`."""
    return lookup(_YEARS, _place(day))


def month(day: pl.Expr) -> pl.Expr:
    """`2026-11`."""
    return lookup(_MONTHS, _place(day))


def _place(day: pl.Expr) -> pl.Expr:
    return day - day_number(_FIRST)
