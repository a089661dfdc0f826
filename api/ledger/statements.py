"""The SQL of the SQLite ledger that writer, reader and export share."""

import sqlite3
from collections.abc import Iterable, Sequence

import msgspec

from api.ledger.commit_group import (
    AppendRequest,
    ClaimKey,
    Decision,
    NewerKey,
    StateBefore,
    StoredClaim,
    claims_asked,
    newer_asked,
    streams_asked,
    subjects_asked,
)
from api.ledger.fold import NEVER_ENROLLED, folded
from api.ledger.kinds import ACCESSED, subject_runs
from api.ledger.protocol import Enrolment, Event, StandingText

LAST_SEQ = "SELECT coalesce(max(seq), 0) FROM event"
_COLUMNS = "seq, at_ms, kind, stream, subject, body"
INSERT_EVENT = """INSERT INTO event (seq, at_ms, kind, stream, subject, body)
  VALUES (?, ?, ?, ?, ?, ?)"""
INSERT_CLAIM = """INSERT INTO idempotency (scope, key, fingerprint, status, body, seq)
  VALUES (?, ?, ?, ?, ?, ?)"""

# The kinds are written out, so that SQLite sees that its partial index applies.
LAST_ENROLMENT_EVENT = """SELECT seq, kind, at_ms, body FROM event INDEXED BY event_enrolment
  WHERE subject = ? AND kind IN ('enrolled', 'withdrawn') ORDER BY seq DESC LIMIT 1"""
_LAST_ENROLMENT_EVENTS = """SELECT e.subject, e.seq, e.kind, e.at_ms, e.body
  FROM (SELECT DISTINCT value AS subject FROM json_each(?)) AS asked
  JOIN event AS e ON e.seq = (
    SELECT max(seq) FROM event INDEXED BY event_enrolment
    WHERE subject = asked.subject AND kind IN ('enrolled', 'withdrawn'))"""
_CLAIMS = """SELECT i.scope, i.key, i.fingerprint, i.status, i.body
  FROM (SELECT DISTINCT value ->> 0 AS scope, value ->> 1 AS key FROM json_each(?)) AS asked
  CROSS JOIN idempotency AS i ON i.scope = asked.scope AND i.key = asked.key"""
CLAIM = "SELECT fingerprint, status, body FROM idempotency WHERE scope = ? AND key = ?"

# What the partial index leaves out is written in its very words, so that SQLite sees it applies.
_LAST_OF_STREAMS = """SELECT stream, (SELECT max(seq) FROM event INDEXED BY event_stream
    WHERE stream = asked.stream
      AND NOT (stream GLOB 'access:*' OR stream GLOB 'enrolment:*')) AS seq
  FROM (SELECT DISTINCT value AS stream FROM json_each(?)) AS asked WHERE seq IS NOT NULL"""
_LAST_OF_RUNS = """SELECT stream, (SELECT max(seq) FROM event INDEXED BY event_subject
    WHERE subject = asked.subject AND kind = asked.kind) AS seq
  FROM (SELECT DISTINCT value ->> 0 AS stream, value ->> 1 AS subject, value ->> 2 AS kind
    FROM json_each(?)) AS asked WHERE seq IS NOT NULL"""
_NEWER = """SELECT subject, kind, since, (SELECT count(*) FROM event INDEXED BY event_subject
    WHERE subject = asked.subject AND kind = asked.kind AND seq > asked.since)
  FROM (SELECT DISTINCT value ->> 0 AS subject, value ->> 1 AS kind, value ->> 2 AS since
    FROM json_each(?)) AS asked"""
_STREAM_EVENTS = """SELECT seq, at_ms, kind, stream, subject, body
  FROM event INDEXED BY event_stream WHERE stream = ?
    AND NOT (stream GLOB 'access:*' OR stream GLOB 'enrolment:*') ORDER BY seq"""
_RUN_EVENTS = """SELECT seq, at_ms, kind, stream, subject, body
  FROM event INDEXED BY event_subject WHERE subject = ? AND kind = ?"""
_NEWEST_OF_KIND = """SELECT seq FROM (SELECT seq FROM event INDEXED BY event_subject
  WHERE subject = ? AND kind = ? AND seq < ? ORDER BY seq DESC LIMIT ?)"""

INSERT_TEXT = "INSERT INTO text (digest, seq, salt, words) VALUES (?, ?, ?, ?)"
_TEXTS = "SELECT digest, words FROM text WHERE digest IN (SELECT value FROM json_each(?))"
_ERASE_TEXTS = "DELETE FROM text WHERE digest IN (SELECT value FROM json_each(?))"
_STANDING_TEXTS = """SELECT t.digest, e.seq, e.at_ms, e.kind, e.stream, e.subject, e.body
  FROM text AS t INDEXED BY text_event CROSS JOIN event AS e ON e.seq = t.seq
  WHERE t.seq > ? ORDER BY t.seq LIMIT ?"""
_NEXT_OF_KIND = """SELECT seq FROM (SELECT seq FROM event INDEXED BY event_kind
  WHERE kind = ? AND kind <> 'accessed' AND seq > ? ORDER BY seq LIMIT ?)"""

# Every step of a statement gives the interpreter lock away and waits to get it back: many rows a
# statement. Sizes are few, so that the prepared statements stay in the connection's cache.
_ROWS_A_STATEMENT = (64, 8, 1)
_VALUES = "(?, ?, ?, ?, ?, ?)"
_INSERTS = {n: INSERT_EVENT.replace(_VALUES, ", ".join([_VALUES] * n)) for n in _ROWS_A_STATEMENT}

EventRow = tuple[int, int, str, str, str, str]
LAST_POSSIBLE_SEQ = (1 << 63) - 1


def event_row(event: Event) -> EventRow:
    """Raises UnicodeDecodeError for a body that is not UTF-8."""
    body = event.body.decode()
    return event.seq, event.at_ms, event.kind, event.stream, event.subject, body


def event_of(row: EventRow) -> Event:
    seq, at_ms, kind, stream, subject, body = row
    return Event(
        seq=seq, at_ms=at_ms, kind=kind, stream=stream, subject=subject, body=body.encode()
    )


def last_seq(connection: sqlite3.Connection) -> int:
    row: tuple[int] = connection.execute(LAST_SEQ).fetchone()
    return row[0]


def enrolment_in(connection: sqlite3.Connection, subject: str) -> Enrolment:
    row = connection.execute(LAST_ENROLMENT_EVENT, (subject,)).fetchone()
    return folded(*row) if row else NEVER_ENROLLED


def claim_in(connection: sqlite3.Connection, scope: str, key: str) -> StoredClaim | None:
    row = connection.execute(CLAIM, (scope, key)).fetchone()
    return StoredClaim(*row) if row else None


def events_in(
    connection: sqlite3.Connection, after: int, limit: int, kinds: Sequence[str] | None
) -> list[Event]:
    """Without accesses: a short run of the index for each kind, the first of all runs."""
    wanted = tuple(kinds or ())
    if not wanted or ACCESSED in wanted:
        only = f"AND kind IN ({', '.join('?' * len(wanted))})" if wanted else ""
        query = f"SELECT {_COLUMNS} FROM event WHERE seq > ? {only} ORDER BY seq LIMIT ?"  # noqa: S608 # placeholders only
        return [event_of(row) for row in connection.execute(query, (after, *wanted, limit))]
    runs = " UNION ALL ".join([_NEXT_OF_KIND] * len(wanted))
    query = f"SELECT {_COLUMNS} FROM event WHERE seq IN ({runs}) ORDER BY seq LIMIT ?"  # noqa: S608 # placeholders only
    asked = [value for kind in wanted for value in (kind, after, limit)]
    return [event_of(row) for row in connection.execute(query, (*asked, limit))]


def texts_in(connection: sqlite3.Connection, digests: Sequence[str]) -> dict[str, str]:
    return dict(connection.execute(_TEXTS, (_json(digests),)).fetchall())


def standing_texts_in(
    connection: sqlite3.Connection, after_seq: int, limit: int
) -> list[StandingText]:
    rows = connection.execute(_STANDING_TEXTS, (after_seq, limit))
    return [StandingText(digest=digest, event=event_of(tuple(row))) for digest, *row in rows]


def erase_texts(connection: sqlite3.Connection, digests: Sequence[str]) -> int:
    return connection.execute(_ERASE_TEXTS, (_json(digests),)).rowcount


def stream_events_in(connection: sqlite3.Connection, stream: str) -> list[Event]:
    runs = subject_runs(stream)
    if not runs:
        return [event_of(row) for row in connection.execute(_STREAM_EVENTS, (stream,))]
    rows = [row for run in runs for row in connection.execute(_RUN_EVENTS, run)]
    return [event_of(row) for row in sorted(rows)]


def subject_events_in(
    connection: sqlite3.Connection,
    subject: str,
    kinds: Sequence[str],
    limit: int,
    before_seq: int | None,
) -> list[Event]:
    """A short run of the index for each kind; the newest of all runs."""
    if not kinds:
        return []
    before = LAST_POSSIBLE_SEQ if before_seq is None else before_seq
    runs = " UNION ALL ".join([_NEWEST_OF_KIND] * len(kinds))
    query = f"SELECT {_COLUMNS} FROM event WHERE seq IN ({runs}) ORDER BY seq DESC LIMIT ?"  # noqa: S608 # placeholders only
    asked = [value for kind in kinds for value in (subject, kind, before, limit)]
    return [event_of(row) for row in connection.execute(query, (*asked, limit))]


def state_before(connection: sqlite3.Connection, requests: list[AppendRequest]) -> StateBefore:
    return StateBefore(
        position=last_seq(connection),
        claims=_claims(connection, claims_asked(requests)),
        enrolments=_enrolments(connection, subjects_asked(requests)),
        streams=_streams(connection, streams_asked(requests)),
        newer=_newer(connection, newer_asked(requests)),
    )


def _claims(connection: sqlite3.Connection, asked: list[ClaimKey]) -> dict[ClaimKey, StoredClaim]:
    if not asked:
        return {}
    rows = connection.execute(_CLAIMS, (_json(asked),)).fetchall()
    return {(scope, key): StoredClaim(*answer) for scope, key, *answer in rows}


def _enrolments(connection: sqlite3.Connection, asked: list[str]) -> dict[str, Enrolment]:
    if not asked:
        return {}
    rows = connection.execute(_LAST_ENROLMENT_EVENTS, (_json(asked),)).fetchall()
    return {subject: folded(*event) for subject, *event in rows}


def _streams(connection: sqlite3.Connection, asked: list[str]) -> dict[str, int]:
    if not asked:
        return {}
    runs = [(stream, *run) for stream in asked for run in subject_runs(stream)]
    last = dict(connection.execute(_LAST_OF_STREAMS, (_json(asked),)))
    for stream, seq in connection.execute(_LAST_OF_RUNS, (_json(runs),)):
        last[stream] = max(seq, last.get(stream, 0))
    return last


def _newer(connection: sqlite3.Connection, asked: list[NewerKey]) -> dict[NewerKey, int]:
    if not asked:
        return {}
    rows = connection.execute(_NEWER, (_json(asked),)).fetchall()
    return {(subject, kind, since): count for subject, kind, since, count in rows}


def _json(values: Iterable[object]) -> str:
    return msgspec.json.encode(list(values)).decode()


def insert(connection: sqlite3.Connection, decision: Decision) -> None:
    for events, text in decision.runs():
        _insert_events(connection, events)
        if text is not None:
            written, seq = text
            connection.execute(INSERT_TEXT, (written.digest, seq, written.salt, written.words))
    if decision.claims:
        connection.executemany(
            INSERT_CLAIM,
            [(c.scope, c.key, c.fingerprint, c.status, c.body, seq) for c, seq in decision.claims],
        )


def _insert_events(connection: sqlite3.Connection, events: Sequence[Event]) -> None:
    rows = [event_row(event) for event in events]
    done = 0
    for size in _ROWS_A_STATEMENT:
        while len(rows) - done >= size:
            values = [value for row in rows[done : done + size] for value in row]
            connection.execute(_INSERTS[size], values)
            done += size
