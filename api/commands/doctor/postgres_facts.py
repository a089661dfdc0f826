"""The same questions to a database; its library is imported only where there is one."""

import contextlib
from collections.abc import Iterator
from typing import Any

import psycopg

from api.ledger.migrations import known_migrations
from api.ledger.postgres.connection import Connection, connect, reason_of
from api.ledger.postgres.ledger import SCHEMA_FOLDER
from api.ledger.protocol import LedgerUnavailable

ANSWER_SECONDS = 60.0


class PostgresFacts:
    migrations = known_migrations(SCHEMA_FOLDER)

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(query.encode()).fetchall()
        except psycopg.Error as error:
            raise LedgerUnavailable(reason_of(error)) from error


@contextlib.contextmanager
def postgres_facts(url: str) -> Iterator[PostgresFacts]:
    with contextlib.closing(connect(url, statement_seconds=ANSWER_SECONDS)) as connection:
        connection.read_only = True
        yield PostgresFacts(connection)
