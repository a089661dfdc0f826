"""Every implementation of the ledger behind one door, so that one suite holds them all."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest

from api.ledger.postgres.ledger import open_postgres_ledger
from api.ledger.protocol import Ledger
from api.ledger.sqlite import open_ledger
from tests.ledger.postgres_server import PostgresServer
from tests.support.patience import PATIENT_LEDGER

Result = TypeVar("Result")


class Implementation(msgspec.Struct, frozen=True):
    """`open`: the ledger kept at a place, which is created where it is empty."""

    name: str
    open: Callable[[Path], Awaitable[Ledger]]

    def run(self, place: Path, story: Callable[[Ledger], Awaitable[Result]]) -> Result:
        """Open, let the story happen, close."""

        async def told() -> Result:
            ledger = await self.open(place)
            try:
                return await story(ledger)
            finally:
                await ledger.close()

        return asyncio.run(told())


async def _open_sqlite(place: Path) -> Ledger:
    return await open_ledger(place / "ledger" / "ledger.sqlite", PATIENT_LEDGER)


SQLITE = Implementation("sqlite", _open_sqlite)


def on_postgres(server: PostgresServer) -> Implementation:
    async def open_postgres(place: Path) -> Ledger:
        return await open_postgres_ledger(server.url_for(place), PATIENT_LEDGER)

    return Implementation("postgres", open_postgres)


@pytest.fixture(params=["sqlite", "postgres"])
def implementation(request: pytest.FixtureRequest) -> Implementation:
    if request.param == "sqlite":
        return SQLITE
    return on_postgres(request.getfixturevalue("postgres"))
