"""Write transactions on the SQLite file: the turn among processes, the sync, the error words."""

import contextlib
import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from api.ledger import statements
from api.ledger.commit_group import AppendRequest, Outcome, decide, numbered
from api.ledger.connection import LedgerFile, connect_to_write, is_locked, reason_of
from api.ledger.kinds import ERASING_KINDS
from api.ledger.protocol import EventDraft, EventRefused, LedgerUnavailable
from api.ledger.turn import Turn
from api.ledger.writer import lock_pauses

Result = TypeVar("Result")

# Longer than any of the writer's pauses: whoever waits looks once in this time.
GIVE_WAY_SECONDS = 0.0012

# What a single event can be refused for; every other error is the database's own trouble.
_REFUSALS = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.ProgrammingError,
    ValueError,
    OverflowError,
)


class SqliteTransactions:
    """See `writer.Transactions`. Connects when needed and again after trouble. `on_erased`: called
    after a commit that may have erased a text."""

    def __init__(self, file: LedgerFile, on_erased: Callable[[], None]) -> None:
        self._file = file
        self._on_erased = on_erased
        self._connection: sqlite3.Connection | None = None
        self._turn = Turn(file.path)

    def try_begin(self) -> bool:
        try:
            self._connected().execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            if is_locked(error):
                self._turn.wait()
                return False
            self._turn.end_waiting()
            raise self._unavailable(error) from error
        self._turn.end_waiting()
        return True

    def stop_trying(self) -> None:
        self._turn.end_waiting()

    def give_way(self) -> None:
        if self._turn.is_awaited():
            time.sleep(GIVE_WAY_SECONDS)

    def begin_within(self, seconds: float) -> None:
        ends = time.monotonic() + seconds
        for pause in lock_pauses():
            if self.try_begin():
                return
            if time.monotonic() > ends:
                self.stop_trying()
                raise LedgerUnavailable("locked")
            time.sleep(pause)

    def store(self, requests: list[AppendRequest]) -> list[Outcome]:
        def work(connection: sqlite3.Connection) -> list[Outcome]:
            decision = decide(requests, statements.state_before(connection, requests))
            statements.insert(connection, decision)
            return decision.outcomes

        outcomes = self._finish(work)
        if any(request.draft.kind in ERASING_KINDS for request in requests):
            self._on_erased()
        return outcomes

    def store_many(self, drafts: Sequence[EventDraft]) -> int:
        def work(connection: sqlite3.Connection) -> int:
            last = statements.last_seq(connection)
            rows = (statements.event_row(numbered(d, last + 1 + n)) for n, d in enumerate(drafts))
            connection.executemany(statements.INSERT_EVENT, rows)
            return last + len(drafts)

        return self._finish(work)

    def erase_texts(self, digests: Sequence[str], log: EventDraft) -> int:
        def work(connection: sqlite3.Connection) -> int:
            event = numbered(log, statements.last_seq(connection) + 1)
            connection.execute(statements.INSERT_EVENT, statements.event_row(event))
            return statements.erase_texts(connection, digests)

        erased = self._finish(work)
        self._on_erased()
        return erased

    def _finish(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        connection = self._connected()
        try:
            result = work(connection)
            connection.execute("COMMIT")
        except Exception as error:
            with contextlib.suppress(sqlite3.Error):
                connection.rollback()
            raise self._translated(error) from error
        self._require_same_file()
        return result

    def close(self) -> None:
        self.disconnect()
        self._turn.close()

    def disconnect(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _connected(self) -> sqlite3.Connection:
        self._require_same_file()  # before opening: SQLite drops the log beside an empty file
        if self._connection is None:
            self._connection = connect_to_write(self._file.path)
        return self._connection

    def _require_same_file(self) -> None:
        try:
            self._file.require_present()
        except LedgerUnavailable:
            self.disconnect()
            raise

    def _translated(self, error: Exception) -> EventRefused | LedgerUnavailable:
        if isinstance(error, EventRefused):
            return error
        if isinstance(error, _REFUSALS):
            return EventRefused(type(error).__name__)  # its text may quote the row
        if isinstance(error, sqlite3.Error):
            return self._unavailable(error)
        self.disconnect()
        return LedgerUnavailable("damaged")  # a stored row does not decode

    def _unavailable(self, error: sqlite3.Error) -> LedgerUnavailable:
        reason = reason_of(error)
        is_undone = reason in ("locked", "full")
        if not is_undone:
            self.disconnect()  # after a failed sync nothing this connection remembers is trusted
        return LedgerUnavailable(reason, is_certain=is_undone)
