"""The ledger embedded in the service: one SQLite file, written by every worker process in turn."""

import asyncio
import sqlite3
from pathlib import Path

from api.ledger import statements
from api.ledger.checkpoints import Checkpoints
from api.ledger.connection import LedgerFile
from api.ledger.migrations import create_if_missing, migrate
from api.ledger.protocol import LedgerUnavailable
from api.ledger.reader import SqliteSource
from api.ledger.threaded import ThreadedLedger
from api.ledger.transaction import SqliteTransactions
from api.ledger.writer import Budgets

LEDGER_FILE = "ledger.sqlite"


def ledger_path(data: Path) -> Path:
    return data / "ledger" / LEDGER_FILE


def prepare(path: Path) -> LedgerFile:
    """Create or migrate the file. Blocks; raises LedgerSchemaUnknown, LedgerUnavailable."""
    try:
        create_if_missing(path)
    except OSError as error:
        raise LedgerUnavailable("gone") from error
    migrate(path)
    return LedgerFile(path)


async def open_ledger(path: Path, budgets: Budgets | None = None) -> "SqliteLedger":
    """The ledger at `path`, created where there is none, for the running event loop alone."""
    file = await asyncio.to_thread(prepare, path)
    return SqliteLedger(file, budgets or Budgets())


class SqliteLedger(ThreadedLedger[sqlite3.Connection]):
    def __init__(self, file: LedgerFile, budgets: Budgets) -> None:
        self._checkpoints = Checkpoints(file)
        transactions = SqliteTransactions(file, on_erased=self._checkpoints.empty_soon)
        super().__init__(transactions, SqliteSource(file), statements, budgets)

    async def close(self) -> None:
        await super().close()
        await asyncio.to_thread(self._checkpoints.stop)
