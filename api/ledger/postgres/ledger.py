"""The ledger that several nodes share."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import psycopg

from api.ledger.migrations import Migration, known_migrations
from api.ledger.postgres import statements
from api.ledger.postgres.connection import Connection, connect, reason_of
from api.ledger.postgres.transaction import PostgresTransactions
from api.ledger.protocol import LedgerSchemaUnknown, LedgerUnavailable
from api.ledger.reader import READ_SECONDS, THREADS
from api.ledger.threaded import ThreadedLedger
from api.ledger.writer import Budgets

Result = TypeVar("Result")

SCHEMA_FOLDER = Path(__file__).parent / "schema"

_VERSIONS = """CREATE TABLE schema_version (
  version integer PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL
)"""
_TURN = "SELECT pg_advisory_xact_lock(1667785081)"


async def open_postgres_ledger(url: str, budgets: Budgets | None = None) -> "PostgresLedger":
    """The ledger in the database at `url`, created where there is none, for the running event
    loop alone. Raises LedgerSchemaUnknown, LedgerUnavailable."""
    await asyncio.to_thread(migrate_postgres, url)
    source = PostgresSource(url)
    await asyncio.to_thread(source.prepare, THREADS)
    return PostgresLedger(url, budgets or Budgets(), source)


class PostgresLedger(ThreadedLedger[Connection]):
    def __init__(self, url: str, budgets: Budgets, source: "PostgresSource | None" = None) -> None:
        self._source = source or PostgresSource(url)
        super().__init__(PostgresTransactions(url), self._source, statements, budgets)

    async def close(self) -> None:
        await super().close()
        self._source.close_spare()


class PostgresSource:
    """Readers' connections: the server itself ends what takes too long."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._spare: deque[Connection] = deque()

    def prepare(self, connections: int) -> None:
        """To connect takes longer than a read may: done before the first one."""
        self._spare.extend(self._connected() for _ in range(connections))

    def connect(self) -> Connection:
        try:
            return self._spare.popleft()
        except IndexError:
            return self._connected()

    def close_spare(self) -> None:
        with contextlib.suppress(IndexError):
            while True:
                self.close(self._spare.popleft())

    def _connected(self) -> Connection:
        connection = connect(self._url, statement_seconds=READ_SECONDS)
        connection.read_only = True
        return connection

    def ask(
        self, connection: Connection, query: Callable[[Connection], Result], deadline: float
    ) -> Result:
        try:
            return query(connection)
        except psycopg.Error as error:
            self.close_spare()  # as old as the one that failed
            raise LedgerUnavailable(reason_of(error)) from error

    def close(self, connection: Connection) -> None:
        with contextlib.suppress(psycopg.Error):
            connection.close()


def migrate_postgres(url: str, migrations: list[Migration] | None = None) -> None:
    """Bring the database to the newest schema; all steps or none. A role that may not make tables
    can open a database that is there already. Raises LedgerSchemaUnknown, LedgerUnavailable."""
    wanted = known_migrations(SCHEMA_FOLDER) if migrations is None else migrations
    with contextlib.closing(connect(url)) as connection:
        try:
            if _applied(connection, wanted) < len(wanted):
                with connection.transaction():
                    connection.execute(_TURN)  # several workers start at once
                    _apply(connection, wanted)
        except psycopg.Error as error:
            raise LedgerUnavailable(reason_of(error)) from error


def _apply(connection: Connection, wanted: list[Migration]) -> None:
    done = _applied(connection, wanted)
    if done == 0:
        connection.execute(_VERSIONS)
    for migration in wanted[done:]:
        connection.execute(migration.sql.encode())
        connection.execute(
            "INSERT INTO schema_version VALUES (%s, %s, %s)",
            (migration.version, migration.name, migration.sha256),
        )


def _applied(connection: Connection, wanted: list[Migration]) -> int:
    """Number of steps already there. Raises LedgerSchemaUnknown where they are not ours."""
    if connection.execute("SELECT to_regclass('schema_version')").fetchone() == (None,):
        return 0
    rows = connection.execute(
        "SELECT version, sha256 FROM schema_version ORDER BY version"
    ).fetchall()
    if rows != [(m.version, m.sha256) for m in wanted[: len(rows)]]:
        raise LedgerSchemaUnknown("the ledger's schema is newer than this program or was edited")
    return len(rows)
