"""Which ledger and store a command means, and a ledger that is read but never begun.

Every command takes them alike: `--ledger` or CHENGXIN_LEDGER_URL, `--store` or CHENGXIN_STORE_URL,
as `serve` does; else those of the data directory.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.unreadable import ledger_unavailable

if TYPE_CHECKING:
    from api.ledger.protocol import Ledger

LedgerPlace = Annotated[
    str | None,
    typer.Option(
        "--ledger",
        help="sqlite:///… or postgresql://… ; default: the ledger of --data.",
        metavar="PLACE",
        envvar="CHENGXIN_LEDGER_URL",
    ),
]
StoreUrl = Annotated[
    str | None,
    typer.Option(
        "--store",
        help="unix://… or redis://… ; default: the embedded store of --data.",
        metavar="URL",
        envvar="CHENGXIN_STORE_URL",
    ),
]


def ledger_place(data: Path, given: str | None) -> str:
    from api.ledger.sqlite import ledger_path

    return given or str(ledger_path(data))


def store_url(data: Path, given: str | None) -> str:
    return given or f"unix://{(data / 'store' / 'valkey.sock').resolve()}"


@asynccontextmanager
async def existing_ledger(place: str) -> "AsyncIterator[Ledger]":
    """Raises StoreUnavailable, also where there is none: a wrong folder begins no ledger."""
    from api.ledger.places import file_at, is_postgres, open_ledger_at
    from api.ledger.protocol import LedgerError, LedgerUnavailable

    try:
        if not is_postgres(place) and not file_at(place).exists():
            raise LedgerUnavailable("gone")
        ledger = await open_ledger_at(place)
        try:
            yield ledger
        finally:
            await ledger.close()
    except LedgerError as error:
        # An address may hold a password: it is not repeated.
        where = "" if is_postgres(place) else str(file_at(place))
        raise ledger_unavailable(error, where=where) from error
