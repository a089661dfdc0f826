"""Moves the log of the SQLite file into the database beside the writer, not in its way.

A writer that does it itself stops for as long as thousands of pages take to reach the disk, and
everyone who waits for a commit with it. What is left for the writer then is the end of the log.

The log also holds pages as they were: after an erasure it is emptied, as soon as no reader is in
the way.
"""

import contextlib
import sqlite3
import threading

from api.ledger.connection import LedgerFile, connect_to_write
from api.ledger.protocol import LedgerUnavailable

# A second of 8,000 events a second is about 8,000 pages: half of what the writer waits for.
CHECKPOINT_SECONDS = 0.5


class Checkpoints:
    """A thread of its own. Trouble is left to the writer, whom it concerns: it tries again."""

    def __init__(self, file: LedgerFile, every_seconds: float = CHECKPOINT_SECONDS) -> None:
        self._file = file
        self._every_seconds = every_seconds
        self._stop = threading.Event()
        self._connection: sqlite3.Connection | None = None
        self._version = 0
        self._must_empty = False
        self._thread = threading.Thread(target=self._run, name="ledger-checkpoints", daemon=True)
        self._thread.start()

    def empty_soon(self) -> None:
        """Something was erased: nothing of it may stay in the log."""
        self._must_empty = True

    def stop(self) -> None:
        """Blocks while a checkpoint is under way."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._every_seconds):
            with contextlib.suppress(sqlite3.Error, LedgerUnavailable):
                self._look()
        if self._must_empty:
            with contextlib.suppress(sqlite3.Error, LedgerUnavailable):
                self._look()
        self._disconnect()

    def _look(self) -> None:
        try:
            self._file.require_present()
            connection = self._connected()
            if (version := self._data_version(connection)) != self._version:
                # PASSIVE: as far as no reader or writer need wait.
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                self._version = version
            if self._must_empty:
                self._empty(connection)
        except (sqlite3.Error, LedgerUnavailable):
            self._disconnect()
            raise

    def _empty(self, connection: sqlite3.Connection) -> None:
        self._must_empty = False  # before: another erasure may come while this one is under way
        try:
            is_busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.Error:
            self._must_empty = True
            raise
        self._must_empty = self._must_empty or bool(is_busy)

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = connect_to_write(self._file.path)
        return self._connection

    @staticmethod
    def _data_version(connection: sqlite3.Connection) -> int:
        """Another number after every commit of any other connection."""
        version: int = connection.execute("PRAGMA data_version").fetchone()[0]
        return version

    def _disconnect(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None
