"""The SQL of the PostgreSQL ledger: the same questions as in `api.ledger.statements`."""

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
from api.ledger.postgres.connection import Connection
from api.ledger.protocol import Enrolment, Event, StandingText
from api.ledger.statements import LAST_POSSIBLE_SEQ, event_of, event_row

_LAST_SEQ = "SELECT coalesce(max(seq), 0) FROM event"
_CLAIM = "SELECT fingerprint, status, body FROM idempotency WHERE scope = %s AND key = %s"
_CLAIMS = """SELECT i.scope, i.key, i.fingerprint, i.status, i.body
  FROM unnest(%s::text[], %s::text[]) AS asked (scope, key)
  JOIN idempotency AS i ON i.scope = asked.scope AND i.key = asked.key"""
_LAST_ENROLMENT_EVENTS = """SELECT e.subject, e.seq, e.kind, e.at_ms, e.body
  FROM unnest(%s::text[]) AS asked (subject) CROSS JOIN LATERAL (
    SELECT * FROM event WHERE subject COLLATE "C" = asked.subject
      AND kind IN ('enrolled', 'withdrawn') ORDER BY seq DESC LIMIT 1) AS e"""
# What the partial index leaves out is written as there, so that PostgreSQL sees it applies.
_LAST_OF_STREAMS = """SELECT asked.stream, e.seq
  FROM unnest(%s::text[]) AS asked (stream) CROSS JOIN LATERAL (
    SELECT seq FROM event WHERE stream COLLATE "C" = asked.stream
      AND stream NOT LIKE 'access:%%' AND stream NOT LIKE 'enrolment:%%'
    ORDER BY seq DESC LIMIT 1) AS e"""
_LAST_OF_RUNS = """SELECT asked.stream, e.seq
  FROM unnest(%s::text[], %s::text[], %s::text[]) AS asked (stream, subject, kind)
  CROSS JOIN LATERAL (
    SELECT seq FROM event WHERE subject = asked.subject AND kind = asked.kind
    ORDER BY seq DESC LIMIT 1) AS e"""
_NEWER = """SELECT asked.subject, asked.kind, asked.since, e.newer
  FROM unnest(%s::text[], %s::text[], %s::bigint[]) AS asked (subject, kind, since)
  CROSS JOIN LATERAL (SELECT count(*) AS newer FROM event
    WHERE subject = asked.subject AND kind = asked.kind AND seq > asked.since) AS e"""
_STREAM_EVENTS = """SELECT seq, at_ms, kind, stream, subject, body FROM event
  WHERE stream COLLATE "C" = %s
    AND stream NOT LIKE 'access:%%' AND stream NOT LIKE 'enrolment:%%' ORDER BY seq"""
_RUN_EVENTS = """SELECT seq, at_ms, kind, stream, subject, body FROM event
  WHERE subject = %s AND kind = ANY(%s) ORDER BY seq"""
_SUBJECT_EVENTS = """SELECT e.seq, e.at_ms, e.kind, e.stream, e.subject, e.body
  FROM unnest(%s::text[]) AS asked (kind) CROSS JOIN LATERAL (
    SELECT * FROM event WHERE subject = %s AND kind = asked.kind AND seq < %s
    ORDER BY seq DESC LIMIT %s) AS e
  ORDER BY e.seq DESC LIMIT %s"""
_CHANGES_AFTER = """SELECT e.seq, e.at_ms, e.kind, e.stream, e.subject, e.body
  FROM unnest(%s::text[]) AS asked (kind) CROSS JOIN LATERAL (
    SELECT * FROM event WHERE kind = asked.kind AND kind <> 'accessed' AND seq > %s
    ORDER BY seq LIMIT %s) AS e
  ORDER BY e.seq LIMIT %s"""
_EVENTS_AFTER = """SELECT seq, at_ms, kind, stream, subject, body FROM event
  WHERE seq > %s AND (%s::text[] IS NULL OR kind = ANY(%s::text[])) ORDER BY seq LIMIT %s"""
# One parameter whatever the number of rows: encoded in C here, taken apart in C there.
_INSERT_EVENTS = """INSERT INTO event (seq, at_ms, kind, stream, subject, body)
  SELECT (e->>0)::bigint, (e->>1)::bigint, e->>2, e->>3, e->>4, e->>5
  FROM json_array_elements(%s::json) AS e"""
_INSERT_TEXT = "INSERT INTO text (digest, seq, salt, words) VALUES (%s, %s, %s, %s)"
_TEXTS = "SELECT digest, words FROM text WHERE digest = ANY(%s::text[])"
_ERASE_TEXTS = "DELETE FROM text WHERE digest = ANY(%s::text[])"
_STANDING_TEXTS = """SELECT t.digest, e.seq, e.at_ms, e.kind, e.stream, e.subject, e.body
  FROM (SELECT digest, seq FROM text WHERE seq > %s ORDER BY seq LIMIT %s) AS t
  JOIN event AS e ON e.seq = t.seq ORDER BY t.seq"""
_INSERT_CLAIM = """INSERT INTO idempotency (scope, key, fingerprint, status, body, seq)
  VALUES (%s, %s, %s, %s, %s, %s)"""


def last_seq(connection: Connection) -> int:
    row = connection.execute(_LAST_SEQ).fetchone()
    return int(row[0]) if row else 0


def enrolment_in(connection: Connection, subject: str) -> Enrolment:
    return _enrolments(connection, [subject]).get(subject, NEVER_ENROLLED)


def claim_in(connection: Connection, scope: str, key: str) -> StoredClaim | None:
    row = connection.execute(_CLAIM, (scope, key)).fetchone()
    return StoredClaim(*row) if row else None


def events_in(
    connection: Connection, after: int, limit: int, kinds: Sequence[str] | None
) -> list[Event]:
    wanted = None if kinds is None else list(kinds)
    if wanted and ACCESSED not in wanted:  # a short run of the index for each kind
        changes = connection.execute(_CHANGES_AFTER, (wanted, after, limit, limit))
        return [event_of(row) for row in changes]
    rows = connection.execute(_EVENTS_AFTER, (after, wanted, wanted, limit))
    return [event_of(row) for row in rows]


def stream_events_in(connection: Connection, stream: str) -> list[Event]:
    runs = subject_runs(stream)
    if runs:
        kinds = [kind for _, kind in runs]
        rows = connection.execute(_RUN_EVENTS, (runs[0][0], kinds))
    else:
        rows = connection.execute(_STREAM_EVENTS, (stream,))
    return [event_of(row) for row in rows]


def subject_events_in(
    connection: Connection, subject: str, kinds: Sequence[str], limit: int, before_seq: int | None
) -> list[Event]:
    before = LAST_POSSIBLE_SEQ if before_seq is None else before_seq
    rows = connection.execute(_SUBJECT_EVENTS, (list(kinds), subject, before, limit, limit))
    return [event_of(row) for row in rows]


def state_before(connection: Connection, requests: list[AppendRequest]) -> StateBefore:
    return StateBefore(
        position=last_seq(connection),
        claims=_claims(connection, claims_asked(requests)),
        enrolments=_enrolments(connection, subjects_asked(requests)),
        streams=_streams(connection, streams_asked(requests)),
        newer=_newer(connection, newer_asked(requests)),
    )


def _claims(connection: Connection, asked: list[ClaimKey]) -> dict[ClaimKey, StoredClaim]:
    if not asked:
        return {}
    scopes, keys = ([key[n] for key in asked] for n in (0, 1))
    rows = connection.execute(_CLAIMS, (scopes, keys))
    return {(scope, key): StoredClaim(*answer) for scope, key, *answer in rows}


def _enrolments(connection: Connection, asked: list[str]) -> dict[str, Enrolment]:
    if not asked:
        return {}
    rows = connection.execute(_LAST_ENROLMENT_EVENTS, (asked,))
    return {subject: folded(*event) for subject, *event in rows}


def _streams(connection: Connection, asked: list[str]) -> dict[str, int]:
    if not asked:
        return {}
    runs = [(stream, *run) for stream in asked for run in subject_runs(stream)]
    streams, subjects, kinds = ([run[n] for run in runs] for n in range(3))
    last: dict[str, int] = dict(connection.execute(_LAST_OF_STREAMS, (asked,)).fetchall())
    for stream, seq in connection.execute(_LAST_OF_RUNS, (streams, subjects, kinds)):
        last[stream] = max(seq, last.get(stream, 0))
    return last


def _newer(connection: Connection, asked: list[NewerKey]) -> dict[NewerKey, int]:
    if not asked:
        return {}
    subjects, kinds, since = ([key[n] for key in asked] for n in range(3))
    rows = connection.execute(_NEWER, (subjects, kinds, since))
    return {(subject, kind, above): count for subject, kind, above, count in rows}


def insert(connection: Connection, decision: Decision) -> None:
    for events, text in decision.runs():
        insert_events(connection, events)
        if text is not None:
            written, seq = text
            connection.execute(_INSERT_TEXT, (written.digest, seq, written.salt, written.words))
    if decision.claims:
        rows = [
            (c.scope, c.key, c.fingerprint, c.status, c.body, seq) for c, seq in decision.claims
        ]
        connection.cursor().executemany(_INSERT_CLAIM, rows)


def insert_events(connection: Connection, events: Iterable[Event]) -> None:
    rows = [event_row(event) for event in events]
    connection.execute(_INSERT_EVENTS, (msgspec.json.encode(rows).decode(),))


def texts_in(connection: Connection, digests: Sequence[str]) -> dict[str, str]:
    return dict(connection.execute(_TEXTS, (list(digests),)).fetchall())


def standing_texts_in(connection: Connection, after_seq: int, limit: int) -> list[StandingText]:
    rows = connection.execute(_STANDING_TEXTS, (after_seq, limit))
    return [StandingText(digest=digest, event=event_of(tuple(row))) for digest, *row in rows]


def erase_texts(connection: Connection, digests: Sequence[str]) -> int:
    return connection.execute(_ERASE_TEXTS, (list(digests),)).rowcount
