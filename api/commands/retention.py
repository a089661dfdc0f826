"""`chengxin retention run`: what the retention table says is over is erased.

Safe to repeat and to kill. Exit codes: 0 done, 1 a build is running, whose records must stay while
it reads them, 3 a publisher is at work, 4 a day that has not come, 7 ledger, lake or store busy or
not there; whatever else stops the end of old versions, the other classes are done by then.
"""

import asyncio
import contextlib
import datetime as dt
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.existing import LedgerPlace, StoreUrl, existing_ledger, ledger_place, store_url
from api.commands.private import write_for_owner_alone

if TYPE_CHECKING:
    from api.ledger.protocol import Ledger
    from scoring.ended import Ended

app = typer.Typer(name="retention", help="Erase what is over.", no_args_is_help=True)

RECORDS = "records"


@app.callback()
def group() -> None:
    """Commands of the retention table."""


@app.command("run")
def run(
    data: Annotated[Path, typer.Option(help="Data directory.", file_okay=False)] = Path("data"),
    ledger: LedgerPlace = None,
    store: StoreUrl = None,
    as_of: Annotated[
        dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Default: the city's today.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, erase nothing.")] = False,
) -> None:
    """Texts of cases and statements, records of the lake, and old versions with what answers given
    from them rest on, on the day their time is over; one line for each class. The ledger keeps an
    event with the counts."""
    from api.commands.ending import end, over_on
    from api.ledger.enrolment import city_day
    from scoring.errors import InputRefused

    now_ms = int(time.time() * 1_000)
    today = city_day(now_ms)
    day = as_of.date() if as_of else today
    if day > today and not dry_run:
        raise InputRefused(
            "day_not_come", "nothing is erased before its day", where=str(day), do="--dry-run"
        )

    async def done() -> None:
        url = store_url(data, store)
        async with existing_ledger(ledger_place(data, ledger)) as opened:
            over = over_on(data, day, url)
            with contextlib.nullcontext() if dry_run else unread(data / "snapshots"):
                counts = await erased(
                    opened, data / "lake", day, now_ms=now_ms, is_dry=dry_run, others=over.counts()
                )
            for name, number in counts.items():
                typer.echo(f"{name:<12} {number:>9,} {'over' if dry_run else 'erased'}")
            if dry_run:
                for each in over.versions:
                    typer.echo(f"over: version {each.snapshot}")
            else:
                _tell(await end(opened, data, over, url))

    write_for_owner_alone()
    asyncio.run(done())


def _tell(ended: "Ended | None") -> None:
    if ended is None:
        return
    for name in ended.versions:
        typer.echo(f"removed version {name}: what remains is in ended/{name}")
    for name in ended.exports:
        typer.echo(f"removed export {name}")
    for name in ended.kept:
        typer.echo(f"kept version {name}: the store has it, or has nothing")


@contextlib.contextmanager
def unread(snapshots: Path) -> Iterator[None]:
    """No build begins or is running: one that lost a part of the lake while it read would take it for
    damage. Raises ChengxinError."""
    from scoring.build.folder import only_build

    if not snapshots.exists():  # nothing was ever built
        yield
        return
    with only_build(snapshots):
        yield


async def erased(
    ledger: "Ledger",
    lake: Path,
    day: dt.date,
    *,
    now_ms: int,
    is_dry: bool,
    others: Mapping[str, int] | None = None,
) -> dict[str, int]:
    """By class; `others`: what is erased after this, for the event. Texts and the event first:
    whatever stops the rest, the next run finds it again."""
    from api.rights.retention import due_texts, erase_due, stated_records
    from scoring.retention import (
        ended_records,
        erase_undisturbed,
        kept_days,
        rows_over,
        undisturbed,
    )

    days = kept_days()
    with contextlib.nullcontext() if is_dry else undisturbed(lake):
        ended = ended_records(lake, day, days, await stated_records(ledger))
        due = await due_texts(ledger, day, ended)
        records = rows_over(lake, day, days)
        later = dict(others or {})
        if not is_dry:
            await erase_due(ledger, due, day, others={RECORDS: records, **later}, now_ms=now_ms)
            records = erase_undisturbed(lake, day, days)
        return {**due.counts(), RECORDS: records, **later}
