"""What is asked of a ledger, of a file as of a database, in one transaction that writes nothing."""

import contextlib
import sqlite3
from collections.abc import Iterator
from typing import Any, Protocol

from api.ledger.connection import connect_to_read, reason_of
from api.ledger.migrations import Migration, known_migrations
from api.ledger.places import file_at, is_postgres
from api.ledger.protocol import LedgerUnavailable

_APPLIED = "SELECT version, sha256 FROM schema_version ORDER BY version"
_LAST = "SELECT coalesce(max(seq), 0), coalesce(max(at_ms), 0) FROM event WHERE seq > {}"
_NEWEST = "SELECT coalesce(max(seq), 0) FROM event"
_LAST_OF_KIND = "SELECT max(at_ms) FROM event WHERE kind = 'retention_run'"
# Clocks of workers may differ by a moment: the newest instant is among the last events.
LAST_EVENTS = 1_000


class LedgerFacts(Protocol):
    """Methods raise LedgerUnavailable."""

    migrations: list[Migration]

    def rows(self, query: str) -> list[tuple[Any, ...]]: ...


class SqliteFacts:
    migrations = known_migrations()

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(query).fetchall()
        except sqlite3.Error as error:
            raise LedgerUnavailable(reason_of(error)) from error


@contextlib.contextmanager
def facts_of(ledger: str) -> "Iterator[LedgerFacts]":
    """Raises LedgerUnavailable."""
    if is_postgres(ledger):
        from api.commands.doctor.postgres_facts import postgres_facts

        with postgres_facts(ledger) as asked:
            yield asked
        return
    with contextlib.closing(connect_to_read(file_at(ledger))) as connection:
        yield SqliteFacts(connection)


def applied(facts: LedgerFacts) -> list[tuple[int, str]]:
    return [(int(version), str(sha256)) for version, sha256 in facts.rows(_APPLIED)]


def last_event(facts: LedgerFacts) -> tuple[int, int]:
    """Its number, and the newest UTC millisecond of the last events; zeros where there is none."""
    newest = int(facts.rows(_NEWEST)[0][0])
    _, at_ms = facts.rows(_LAST.format(max(0, newest - LAST_EVENTS)))[0]
    return newest, int(at_ms)


def last_retention_ms(facts: LedgerFacts) -> int | None:
    found = facts.rows(_LAST_OF_KIND)[0][0]
    return None if found is None else int(found)
