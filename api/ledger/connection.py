"""Connections to the ledger's SQLite file: settings, error words, and whether it is still there."""

import sqlite3
from pathlib import Path

from api.ledger.protocol import LedgerUnavailable

# 32 MiB of pages: the index of 3 million subjects is about 120 MB, its hot part far less.
WRITER_CACHE_KIB = 32 * 1024
# 64 MiB of log before it is moved into the database. An event dirties a page of an index at random:
# the longer the log, the more of them share a page that is moved once. Twice as many appends a
# second as with SQLite's own 1,000 pages, for half a second more at the start after a crash.
PAGES_BEFORE_CHECKPOINT = 16_000
# For locks other than the writer's turn: recovery of the WAL after a crash, a checkpoint's end.
BUSY_TIMEOUT_SECONDS = 0.05

_REASONS = {
    sqlite3.SQLITE_BUSY: "locked",
    sqlite3.SQLITE_LOCKED: "locked",
    sqlite3.SQLITE_PROTOCOL: "locked",
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_READONLY: "read_only",
    sqlite3.SQLITE_PERM: "read_only",
    sqlite3.SQLITE_CANTOPEN: "gone",
    sqlite3.SQLITE_CORRUPT: "damaged",
    sqlite3.SQLITE_NOTADB: "damaged",
    sqlite3.SQLITE_INTERRUPT: "slow",
}


def reason_of(error: sqlite3.Error) -> str:
    """One of LedgerUnavailable's words; `io` for whatever has no word of its own."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_IOERR)
    return _REASONS.get(code & 0xFF, "io")  # extended codes keep the primary one in the low byte


def is_locked(error: sqlite3.Error) -> bool:
    return reason_of(error) == "locked"


def connect_to_write(path: Path) -> sqlite3.Connection:
    """Explicit transactions, every commit synced. The file must exist: a ledger that vanished is
    an alarm, not a reason to begin an empty one."""
    connection = _connect(path)
    connection.execute("PRAGMA synchronous = FULL")  # WAL synced at every commit, not at checkpoint
    connection.execute("PRAGMA secure_delete = ON")  # an erased text is overwritten with zeros
    connection.execute("PRAGMA fullfsync = ON")  # macOS: fsync alone stops at the drive's cache
    connection.execute("PRAGMA foreign_keys = OFF")  # claims are stored with their event, by us
    connection.execute(f"PRAGMA cache_size = -{WRITER_CACHE_KIB}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {PAGES_BEFORE_CHECKPOINT}")
    return connection


def connect_to_read(path: Path) -> sqlite3.Connection:
    connection = _connect(path)
    connection.execute("PRAGMA query_only = ON")
    return connection


def _connect(path: Path) -> sqlite3.Connection:
    try:
        return sqlite3.connect(
            f"{path.resolve().as_uri()}?mode=rw",
            uri=True,
            timeout=BUSY_TIMEOUT_SECONDS,
            isolation_level=None,
            check_same_thread=False,  # closed by another thread than the one that used it
        )
    except sqlite3.Error as error:
        raise LedgerUnavailable(reason_of(error)) from error


class LedgerFile:
    """The file as it was when first seen. SQLite goes on writing into a file that was deleted or
    replaced under it, and everything so acknowledged is lost."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._identity = self._seen()

    def _seen(self) -> tuple[int, int]:
        try:
            found = self.path.stat()
        except OSError as error:
            raise LedgerUnavailable("gone") from error
        return found.st_dev, found.st_ino

    def require_present(self) -> None:
        if self._seen() != self._identity:
            raise LedgerUnavailable("gone")
