"""Write transactions on PostgreSQL: one writer at a time, so that numbers have no gaps.

The turn is an advisory lock that a transaction holds to its end; PostgreSQL queues those who wait
for it, and lets it go only when the commit is on disk and visible.
"""

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import psycopg

from api.ledger.commit_group import AppendRequest, Outcome, decide, numbered
from api.ledger.postgres import statements
from api.ledger.postgres.connection import Connection, connect, reason_of
from api.ledger.protocol import EventDraft, EventRefused, LedgerUnavailable

Result = TypeVar("Result")

# How long a try waits in PostgreSQL's queue, before requests too old are refused.
TRY_MILLISECONDS = 25
BULK_EVENTS = 10_000
# Each ledger has a lock of its own, also in a database that holds several.
_BEGIN = """BEGIN; SELECT pg_advisory_xact_lock(1667785080, 'event'::regclass::oid::integer)"""

# What a single event can be refused for; every other error is the database's own trouble.
_REFUSALS = (
    psycopg.IntegrityError,
    psycopg.DataError,
    psycopg.ProgrammingError,
    ValueError,
    OverflowError,
)
_NOT_THE_EVENTS = ("42501", "42P01")


class PostgresTransactions:
    """Used by one thread. Connects when needed and again after trouble."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Connection | None = None

    def try_begin(self) -> bool:
        is_kept = self._connection is not None
        try:
            return self._begin()
        except LedgerUnavailable as error:
            if error.reason != "gone" or not is_kept:
                raise
            return self._begin()  # the server may have been restarted since

    def _begin(self) -> bool:
        connection = self._connected()
        try:
            connection.execute(_BEGIN)
        except psycopg.errors.LockNotAvailable:
            self._roll_back()
            return False
        except psycopg.Error as error:
            raise self._unavailable(error) from error
        return True

    def stop_trying(self) -> None:
        """Nothing is held between two tries."""

    def give_way(self) -> None:
        """PostgreSQL's queue is fair."""

    def begin_within(self, seconds: float) -> None:
        ends = time.monotonic() + seconds
        while not self.try_begin():
            if time.monotonic() > ends:
                raise LedgerUnavailable("locked")

    def store(self, requests: list[AppendRequest]) -> list[Outcome]:
        def work(connection: Connection) -> list[Outcome]:
            decision = decide(requests, statements.state_before(connection, requests))
            statements.insert(connection, decision)
            return decision.outcomes

        return self._finish(work)

    def store_many(self, drafts: Sequence[EventDraft]) -> int:
        def work(connection: Connection) -> int:
            last = statements.last_seq(connection)
            events = [numbered(draft, last + 1 + n) for n, draft in enumerate(drafts)]
            for start in range(0, len(events), BULK_EVENTS):
                statements.insert_events(connection, events[start : start + BULK_EVENTS])
            return last + len(events)

        return self._finish(work)

    def erase_texts(self, digests: Sequence[str], log: EventDraft) -> int:
        def work(connection: Connection) -> int:
            event = numbered(log, statements.last_seq(connection) + 1)
            statements.insert_events(connection, [event])
            return statements.erase_texts(connection, digests)

        erased = self._finish(work)
        with contextlib.suppress(psycopg.Error):  # a service's role may not; its owner's does
            self._connected().execute("VACUUM text")
        return erased

    def close(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):
                self._connection.close()
            self._connection = None

    def _finish(self, work: Callable[[Connection], Result]) -> Result:
        connection = self._connected()
        try:
            result = work(connection)
            connection.execute("COMMIT")
        except Exception as error:
            self._roll_back()
            raise self._translated(error) from error
        return result

    def _connected(self) -> Connection:
        if self._connection is None:
            connection = connect(self._url)
            try:
                connection.execute(f"SET lock_timeout = {TRY_MILLISECONDS}")
            except psycopg.Error as error:
                connection.close()
                raise LedgerUnavailable(reason_of(error)) from error
            self._connection = connection
        return self._connection

    def _roll_back(self) -> None:
        if self._connection is not None:
            try:
                self._connection.execute("ROLLBACK")
            except psycopg.Error:
                self.close()

    def _translated(self, error: Exception) -> EventRefused | LedgerUnavailable:
        is_ours = isinstance(error, psycopg.Error) and error.sqlstate in _NOT_THE_EVENTS
        if isinstance(error, EventRefused):
            return error
        if isinstance(error, _REFUSALS) and not is_ours:
            return EventRefused(type(error).__name__)  # its text may quote the row
        if isinstance(error, psycopg.Error):
            return self._unavailable(error)
        self.close()
        return LedgerUnavailable("damaged")  # a stored row does not decode

    def _unavailable(self, error: psycopg.Error) -> LedgerUnavailable:
        reason = reason_of(error)
        is_undone = reason in ("locked", "full")
        if not is_undone:
            self.close()
        return LedgerUnavailable(reason, is_certain=is_undone)
