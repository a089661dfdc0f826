"""`chengxin report benefits --month 2026-10`: use of each benefit, small counts hidden.

Exit codes: 0 done, 4 not a month, 7 ledger unavailable.
"""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from api.commands.existing import LedgerPlace, existing_ledger, ledger_place

if TYPE_CHECKING:
    from api.reports.usage import Cell, Use

EVENTS_AT_A_TIME = 5_000


def benefits(
    month: Annotated[str, typer.Option(help="Month by the city's clock, e.g. 2026-10.")],
    data: Annotated[Path, typer.Option("--data", help="Data directory.", metavar="DIR")] = Path(
        "data"
    ),
    ledger: LedgerPlace = None,
    form: Annotated[Literal["csv", "json"], typer.Option("--format", help="csv or json.")] = "csv",
    out: Annotated[Path | None, typer.Option(help="File to write; default: stdout.")] = None,
) -> None:
    """Uses per partner, benefit and channel; nothing about fewer than ten citizens, not even by sums."""
    from api.reports.report import csv_of, json_of, report_of
    from api.reports.suppression import shown_of
    from api.reports.usage import month_of
    from scoring.durable import write_durably
    from scoring.errors import InputRefused

    try:
        period_ms = month_of(month)
    except ValueError:
        raise InputRefused("month_unreadable", repr(month), do="write it as 2026-10") from None
    uses = asyncio.run(_uses(ledger_place(data, ledger), period_ms))
    report = report_of(month, shown_of(uses))
    content = csv_of(report) if form == "csv" else json_of(report)
    if out is None:
        typer.echo(content.decode(), nl=False)
    else:
        write_durably(out, content)


async def _uses(place: str, period_ms: tuple[int, int]) -> "dict[Cell, Use]":
    """Every benefit of the register has its cells, so that a missing line tells nothing."""
    from api.accesses.events import ACCESSED
    from api.reports.usage import CHANNELS, Use, counted
    from scoring.benefits import load_benefits

    uses = {
        (p.partner, p.id, channel): Use() for p in load_benefits().policies for channel in CHANNELS
    }
    async with existing_ledger(place) as ledger:
        seq = 0
        while events := await ledger.events_after(seq, limit=EVENTS_AT_A_TIME, kinds=[ACCESSED]):
            counted(events, period_ms, uses)
            seq = events[-1].seq
    return uses
