"""`chengxin due DAY`: the last day of a term of working days.

Exit codes: 0 done, 4 not a day or a term, 2 wrong usage.
"""

import datetime as dt
from typing import Annotated

import typer

from scoring.errors import InputRefused

# 发改办财金〔2018〕424号: seven working days to send in a decision.
DISCLOSURE_WORKING_DAYS = 7


def due(
    day: Annotated[str, typer.Argument(help="Day 0 of the term, e.g. 2025-09-26")],
    working_days: Annotated[
        int, typer.Option("--days", help="Length of the term in working days.")
    ] = DISCLOSURE_WORKING_DAYS,
) -> None:
    """When a term of working days ends, by the State Council's calendar."""
    from scoring.calendar import load_calendar

    try:
        start = dt.date.fromisoformat(day)
    except ValueError:
        raise InputRefused("day_unreadable", f"{day!r}", do="write it as 2025-09-26") from None
    end = load_calendar().due(start, working_days)
    typer.echo(end.on.isoformat())
    if end.is_provisional:
        typer.echo("provisional: the calendar of a year on the way is not published yet", err=True)
