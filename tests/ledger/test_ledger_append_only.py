"""The database itself refuses to rewrite history, whatever program connects to it."""

import sqlite3
from pathlib import Path

import pytest

from api.ledger.migrations import Migration, create_if_missing, known_migrations, migrate
from api.ledger.protocol import Ledger, LedgerSchemaUnknown
from tests.ledger.conftest import SQLITE
from tests.ledger.drafts import claim, enrolled, withdrawn

NEXT = known_migrations()[-1].version + 1


@pytest.fixture
def database(tmp_path: Path) -> Path:
    async def story(ledger: Ledger) -> None:
        await ledger.append(enrolled(1), claim=claim("k"))
        await ledger.append(enrolled(2))

    SQLITE.run(tmp_path, story)
    return tmp_path / "ledger" / "ledger.sqlite"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE event SET body = '{}' WHERE seq = 1",
        "UPDATE event SET seq = 9 WHERE seq = 2",
        "DELETE FROM event",
        "DELETE FROM event WHERE seq = 2",
        "INSERT OR REPLACE INTO event SELECT seq, at_ms + 1, kind, stream, subject, body FROM event"
        " WHERE seq = 1",
        "INSERT INTO event SELECT 4, at_ms, kind, stream, subject, body FROM event WHERE seq = 1",
        "INSERT INTO event SELECT 2, at_ms, kind, stream, subject, body FROM event WHERE seq = 1"
        " ON CONFLICT (seq) DO UPDATE SET body = '{}'",
        "UPDATE idempotency SET status = 500",
        "DELETE FROM idempotency",
        "INSERT OR REPLACE INTO idempotency SELECT scope, key, fingerprint, 500, body, seq"
        " FROM idempotency",
        "INSERT INTO idempotency SELECT * FROM idempotency WHERE true"
        " ON CONFLICT (scope, key) DO UPDATE SET status = 500",
    ],
)
def test_events_and_answers_cannot_be_changed_removed_or_replaced(
    database: Path, statement: str
) -> None:
    with sqlite3.connect(database) as connection:
        tables = ("SELECT * FROM event", "SELECT * FROM idempotency")
        before = [connection.execute(table).fetchall() for table in tables]
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(statement)
        connection.rollback()
        assert [connection.execute(table).fetchall() for table in tables] == before
    connection.close()


def test_commits_are_synced_and_the_file_is_its_owners_alone(database: Path) -> None:
    from api.ledger.connection import connect_to_write

    connection = connect_to_write(database)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    connection.close()
    assert database.stat().st_mode & 0o077 == 0


def test_a_reader_cannot_write(database: Path) -> None:
    from api.ledger.connection import connect_to_read

    connection = connect_to_read(database)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute(
            "INSERT INTO event SELECT 3, at_ms, kind, stream, subject, body FROM event"
        )
    connection.close()


def test_enrolments_written_before_streams_have_theirs_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    create_if_missing(path)
    migrate(path, known_migrations()[:1])
    connection = sqlite3.connect(path)
    drafts = [enrolled(1), enrolled(2), withdrawn(1)]
    rows = [(n, d.at_ms, d.kind, d.subject, d.body.decode()) for n, d in enumerate(drafts, 1)]
    connection.executemany("INSERT INTO event VALUES (?, ?, ?, ?, ?)", rows)
    connection.execute("INSERT INTO idempotency VALUES ('s', 'k', x'00', 201, x'7b7d', 1)")
    connection.commit()
    connection.close()
    migrate(path)
    connection = sqlite3.connect(path)
    read = "SELECT seq, at_ms, kind, subject, body, stream FROM event ORDER BY seq"
    assert connection.execute(read).fetchall() == [
        (*row, draft.stream) for row, draft in zip(rows, drafts, strict=True)
    ]
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute("DELETE FROM event")
    connection.close()


def test_a_new_schema_step_is_applied_once_and_keeps_what_is_there(database: Path) -> None:
    step = Migration(
        NEXT,
        "later",
        "CREATE TABLE later (x INTEGER);\nCREATE TRIGGER t BEFORE DELETE ON later\n"
        "BEGIN\n  SELECT RAISE(ABORT, 'no');\nEND;\n",
    )
    for _ in range(2):
        migrate(database, [*known_migrations(), step])
    connection = sqlite3.connect(database)
    versions = connection.execute("SELECT version FROM schema_version").fetchall()
    assert versions == [(n,) for n in range(1, NEXT + 1)]
    assert connection.execute("SELECT count(*) FROM event").fetchone() == (2,)
    connection.close()


def test_a_failing_schema_step_leaves_the_old_schema(database: Path) -> None:
    from api.ledger.protocol import LedgerUnavailable

    step = Migration(NEXT, "broken", "CREATE TABLE later (x INTEGER);\nCREATE TABLE event (x);\n")
    with pytest.raises(LedgerUnavailable):
        migrate(database, [*known_migrations(), step])
    connection = sqlite3.connect(database)
    assert connection.execute("SELECT count(*) FROM schema_version").fetchone() == (NEXT - 1,)
    assert not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'later'").fetchall()
    connection.close()


def test_a_ledger_of_a_newer_program_is_not_touched(database: Path) -> None:
    newer = Migration(NEXT, "newer", "CREATE TABLE newer (x INTEGER);\n")
    migrate(database, [*known_migrations(), newer])
    with pytest.raises(LedgerSchemaUnknown):
        migrate(database)


def test_a_ledger_whose_schema_step_was_edited_later_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    create_if_missing(path)
    first = known_migrations()[0]
    migrate(path, [Migration(first.version, first.name, "-- edited\n" + first.sql)])
    with pytest.raises(LedgerSchemaUnknown):
        migrate(path)
