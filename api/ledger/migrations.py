"""The ledger's schema, one numbered SQL file a step; what was applied is never edited."""

import hashlib
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from api.ledger.connection import connect_to_write, is_locked, reason_of
from api.ledger.protocol import LedgerSchemaUnknown, LedgerUnavailable

SCHEMA_FOLDER = Path(__file__).parent / "schema"
# Several workers start at once; the first migrates, the others wait for it.
MIGRATION_WAIT_SECONDS = 10
LOOK_AGAIN_SECONDS = 0.01

_VERSIONS = """CREATE TABLE IF NOT EXISTS schema_version (
  version INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL
) STRICT"""


class Migration(msgspec.Struct, frozen=True):
    version: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def known_migrations(folder: Path = SCHEMA_FOLDER) -> list[Migration]:
    """From files `<4 digits>_<name>.sql`, in order."""
    paths = sorted(folder.glob("[0-9][0-9][0-9][0-9]_*.sql"))
    return [Migration(int(p.stem[:4]), p.stem[5:], p.read_text("utf-8")) for p in paths]


def create_if_missing(path: Path) -> None:
    """An empty file readable by its owner alone, its name synced to disk. Raises OSError;
    LedgerUnavailable where the log of a ledger stands alone: SQLite would delete it and begin anew,
    and with it whatever was acknowledged last."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if _size(path.with_name(f"{path.name}-wal")) and not _size(path):
        raise LedgerUnavailable("gone")
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        return
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # also a log that whoever closed last has just removed
        return 0


def migrate(path: Path, migrations: list[Migration] | None = None) -> None:
    """Bring the file at `path` to the newest schema; all steps or none. Raises
    LedgerSchemaUnknown, LedgerUnavailable."""
    wanted = known_migrations() if migrations is None else migrations
    give_up = time.monotonic() + MIGRATION_WAIT_SECONDS
    while True:
        try:
            return _migrate_once(path, wanted)
        except sqlite3.Error as error:
            # SQLite's own wait does not cover the change to WAL: it reads before it writes, two
            # who do so at once would wait for each other, so the later one is refused at once.
            if not is_locked(error) or time.monotonic() > give_up:
                raise LedgerUnavailable(reason_of(error)) from error
        time.sleep(LOOK_AGAIN_SECONDS)


def _migrate_once(path: Path, wanted: list[Migration]) -> None:
    connection = connect_to_write(path)
    try:
        connection.execute(f"PRAGMA busy_timeout = {MIGRATION_WAIT_SECONDS * 1000}")
        connection.execute("PRAGMA journal_mode = WAL")
        _apply(connection, wanted)
    finally:
        connection.close()


def _apply(connection: sqlite3.Connection, wanted: list[Migration]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(_VERSIONS)
        for migration in wanted[_applied(connection, wanted) :]:
            for statement in statements_in(migration.sql):
                connection.execute(statement)
            connection.execute(
                "INSERT INTO schema_version VALUES (?, ?, ?)",
                (migration.version, migration.name, migration.sha256),
            )
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise


def _applied(connection: sqlite3.Connection, wanted: list[Migration]) -> int:
    """Number of steps already there. Raises LedgerSchemaUnknown where they are not ours."""
    rows = connection.execute(
        "SELECT version, sha256 FROM schema_version ORDER BY version"
    ).fetchall()
    if rows != [(m.version, m.sha256) for m in wanted[: len(rows)]]:
        raise LedgerSchemaUnknown("the ledger's schema is newer than this program or was edited")
    return len(rows)


def statements_in(sql: str) -> Iterator[str]:
    """Single statements; triggers keep the semicolons of their bodies."""
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        raise ValueError(f"incomplete SQL statement: {statement.strip()[:80]}")
