"""Counts of each period, department and kind: whole numbers, so that they can be added up."""

from typing import Literal, get_args

import polars as pl

from scoring.calendar.working_days import Calendar
from scoring.catalogue.kinds import Catalogue
from scoring.quality.deadlines import Deadlines
from scoring.quality.reading import Deliveries

Period = Literal["day", "week", "month", "quarter", "all"]
PERIODS: tuple[Period, ...] = get_args(Period)
_LENGTHS = {"day": "1d", "week": "1w", "month": "1mo", "quarter": "1q"}
DUPLICATE, REQUIRED = "duplicate", "required"

KEYS = ("period", "department", "kind")
# `timed`: accepted rows of a kind with a term; `late`: of these, sent after its last day.
# `missing_cells`: required and empty. `duplicates`: rows whose key another row of the file has.
COUNTS = (
    "files",
    "submitted",
    "accepted",
    "rejected",
    "timed",
    "late",
    "required_cells",
    "missing_cells",
    "duplicates",
)


def figures(
    deliveries: Deliveries, period: Period, deadlines: Deadlines, calendar: Calendar
) -> pl.DataFrame:
    """KEYS and COUNTS, sorted. `period`: its first day, by the day of sending; null for all time."""
    counted = deliveries.files.with_columns(files=pl.lit(1, pl.Int64))
    for more in (_by_rule(deliveries), _timely(deliveries, deadlines, calendar)):
        counted = counted.join(more, on="sequence", how="left")
    return (
        counted.with_columns(
            period=_first_day(period), rejected=pl.col("submitted") - pl.col("accepted")
        )
        .group_by(KEYS)
        .agg(pl.col(COUNTS).fill_null(0).sum().cast(pl.Int64))
        .sort(KEYS)
    )


def rejects_by_rule(deliveries: Deliveries, period: Period) -> pl.DataFrame:
    """KEYS, `rule` and `cells`, the most frequent first."""
    named = deliveries.rejects.join(
        deliveries.files.with_columns(period=_first_day(period)), on="sequence"
    )
    counted = named.group_by(*KEYS, "rule").agg(cells=pl.len().cast(pl.Int64))
    return counted.sort(*KEYS, "cells", "rule", descending=[False] * 3 + [True, False])


def _first_day(period: Period) -> pl.Expr:
    if period == "all":
        return pl.lit(None, pl.Date)
    return pl.col("sent_on").dt.truncate(_LENGTHS[period])


def _by_rule(deliveries: Deliveries) -> pl.DataFrame:
    return deliveries.rejects.group_by("sequence").agg(
        missing_cells=(pl.col("rule") == REQUIRED).sum(),
        duplicates=pl.col("line").filter(pl.col("rule") == DUPLICATE).n_unique(),
    )


def _timely(deliveries: Deliveries, deadlines: Deadlines, calendar: Calendar) -> pl.DataFrame:
    rows = deliveries.days.join(
        deliveries.files.select("sequence", "kind", "sent_on"), on="sequence"
    )
    acts = rows.select("kind", "happened_on").drop_nulls().unique().iter_rows()
    last_days = pl.DataFrame(
        deadlines.last_days(acts, calendar),
        schema={"kind": pl.String(), "happened_on": pl.Date(), "last_on": pl.Date()},
        orient="row",
    )
    timed = rows.join(last_days, on=["kind", "happened_on"])
    return timed.group_by("sequence").agg(
        timed=pl.col("rows").sum(),
        late=pl.col("rows").filter(pl.col("sent_on") > pl.col("last_on")).sum(),
    )


def coverage(counted: pl.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    """`period`, `covered`: pairs of department and kind of which a row arrived, `expected`: those
    the catalogue names."""
    expected = sum(len(kind.departments) for kind in catalogue.kinds)
    arrived = counted.filter(pl.col("submitted") > 0)
    return (
        arrived.group_by("period")
        .agg(covered=pl.struct("department", "kind").n_unique().cast(pl.Int64))
        .with_columns(expected=pl.lit(expected, pl.Int64))
        .sort("period")
    )
