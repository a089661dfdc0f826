"""Write transactions on the SQLite file: the turn among processes, the sync, the error words."""

import contextlib
import itertools
import sqlite3
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from api.ledger.connection import LedgerFile, connect_to_write, is_locked, reason_of
from api.ledger.protocol import EventRefused, LedgerUnavailable
from api.ledger.turn import Turn

Result = TypeVar("Result")

# Pauses between two tries to get the write lock, another process holding it. SQLite's own handler
# sleeps up to 100 ms, a hundred times the length of a commit.
LOCK_PAUSES_SECONDS = (0.0002, 0.0005, 0.001)
# Longer than any pause above: whoever waits looks once in this time.
GIVE_WAY_SECONDS = 0.0012

# What a single event can be refused for; every other error is the database's own trouble.
_REFUSALS = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.ProgrammingError,
    ValueError,
    OverflowError,
)


def lock_pauses() -> Iterator[float]:
    return itertools.chain(LOCK_PAUSES_SECONDS, itertools.repeat(LOCK_PAUSES_SECONDS[-1]))


class WriteConnection:
    """Used by one thread. Connects when needed and again after trouble."""

    def __init__(self, file: LedgerFile) -> None:
        self._file = file
        self._connection: sqlite3.Connection | None = None
        self._turn = Turn(file.path)

    def try_begin(self) -> bool:
        """False while another process writes. Raises LedgerUnavailable."""
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
        """After try_begin has failed and nobody wants the transaction any more."""
        self._turn.end_waiting()

    def give_way(self) -> None:
        """Called after a commit, with nothing begun: lets another process that waits go first."""
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

    def finish(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Do the work of the transaction begun and commit it: when this returns it is on disk.
        Raises EventRefused for what the rows are to blame for, else LedgerUnavailable; either way
        nothing is stored and nothing begun."""
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
        if isinstance(error, _REFUSALS):
            return EventRefused(type(error).__name__)  # its text may quote the row
        if isinstance(error, sqlite3.Error):
            return self._unavailable(error)
        self.disconnect()
        return LedgerUnavailable("damaged")  # a stored row does not decode

    def _unavailable(self, error: sqlite3.Error) -> LedgerUnavailable:
        reason = reason_of(error)
        if reason not in ("locked", "full"):
            self.disconnect()  # after a failed sync nothing this connection remembers is trusted
        return LedgerUnavailable(reason)
