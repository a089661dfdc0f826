"""A process that writes a ledger and tells what was acknowledged; killed, starved and traced by
the tests. `writer_process.py LEDGER ACKNOWLEDGED FIRST LAST PER_SECOND [PAGES_BEFORE_CHECKPOINT]`
"""

import asyncio
import os
import sqlite3
import sys
from pathlib import Path

from api.ledger import transaction
from api.ledger.connection import connect_to_write
from api.ledger.protocol import Appended, LedgerUnavailable
from api.ledger.sqlite import open_ledger
from api.ledger.texts import text_of
from tests.ledger.drafts import claim, enrolled
from tests.support.patience import PATIENT_LEDGER


def checkpoint_after(pages: int) -> None:
    """Move pages from the log into the database early, so that short runs see it happen."""

    def connect(path: Path) -> sqlite3.Connection:
        connection = connect_to_write(path)
        connection.execute(f"PRAGMA wal_autocheckpoint = {pages}")
        return connection

    transaction.connect_to_write = connect


async def write(
    path: Path, acknowledged: int, numbers: range, per_second: float, *, few_at_once: bool
) -> None:
    ledger = await open_ledger(path, PATIENT_LEDGER)

    async def one(number: int) -> None:
        try:
            answer = await ledger.append(
                enrolled(number), claim=claim(f"key {number}"), text=text_of(f"words of {number}")
            )
        except LedgerUnavailable as error:
            os.write(acknowledged, f"{number} refused {error.reason}\n".encode())
        else:
            word = answer.event.seq if isinstance(answer, Appended) else "replayed"
            os.write(acknowledged, f"{number} {word}\n".encode())

    tasks = []
    for number in numbers:
        tasks.append(asyncio.create_task(one(number)))
        await asyncio.sleep(1 / per_second)
        if few_at_once:  # so that a slow machine makes no fewer commits
            await asyncio.gather(*tasks[:-2])
    await asyncio.gather(*tasks)
    await ledger.close()


def main() -> None:
    path, acknowledged, first, last, per_second, *pages = sys.argv[1:]
    if pages:
        checkpoint_after(int(pages[0]))
    out = os.open(acknowledged, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    numbers = range(int(first), int(last) + 1)
    asyncio.run(write(Path(path), out, numbers, float(per_second), few_at_once=bool(pages)))


if __name__ == "__main__":
    main()
