"""What the export reads from SQLite: one read transaction, rows as they come."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from api.ledger.connection import connect_to_read, reason_of
from api.ledger.protocol import LedgerUnavailable
from api.ledger.statements import EventRow, last_seq
from api.ledger_export.rows import CASE_KINDS, SCORE_KINDS, EnrolmentEvent

# In the order of the index, so that nothing is sorted and nothing is held.
_ENROLMENT_EVENTS = """SELECT subject, kind, at_ms, body FROM event INDEXED BY event_enrolment
  WHERE kind IN ('enrolled', 'withdrawn') AND seq <= ? ORDER BY subject, seq"""

# Two runs of the index of streams: all that can change a record, however many other events.
_CASE_EVENTS = """SELECT seq, at_ms, kind, stream, subject, body FROM event INDEXED BY event_stream
  WHERE (stream > 'dispute:' AND stream < 'dispute;' OR stream > 'repair:' AND stream < 'repair;')
    AND NOT (stream GLOB 'access:*' OR stream GLOB 'enrolment:*') AND seq <= ? ORDER BY stream, seq"""

# The run of events since the last look is short: read as it lies.
_CHANGED = f"""SELECT subject, max(at_ms) FROM event NOT INDEXED
  WHERE seq > ? AND seq <= ? AND kind IN ({SCORE_KINDS}) GROUP BY subject ORDER BY subject"""  # noqa: S608 # own words
_ENROLMENT_EVENTS_OF = """SELECT subject, kind, at_ms, body FROM event INDEXED BY event_enrolment
  WHERE subject = ? AND kind IN ('enrolled', 'withdrawn') AND seq <= ? ORDER BY seq"""
_CASE_EVENTS_OF = f"""SELECT seq, at_ms, kind, stream, subject, body FROM event
  INDEXED BY event_subject
  WHERE subject = ? AND kind IN ({CASE_KINDS}) AND seq <= ? ORDER BY stream, seq"""  # noqa: S608 # own words


class SqliteRows:
    """See `rows.Rows`."""

    def __init__(self, path: Path) -> None:
        self._connection = connect_to_read(path)
        try:
            self._connection.execute("BEGIN")
            self.last_seq = last_seq(self._connection)
        except sqlite3.Error as error:
            self._connection.close()
            raise LedgerUnavailable(reason_of(error)) from error

    def enrolment_events(self, position: int) -> Iterator[EnrolmentEvent]:
        yield from self._rows(_ENROLMENT_EVENTS, position)

    def changed(self, after: int, until: int) -> list[tuple[str, int]]:
        return list(self._rows(_CHANGED, after, until))

    def enrolment_events_of(self, subject: str, position: int) -> Iterator[EnrolmentEvent]:
        yield from self._rows(_ENROLMENT_EVENTS_OF, subject, position)

    def case_events_of(self, subject: str, position: int) -> Iterator[EventRow]:
        yield from self._rows(_CASE_EVENTS_OF, subject, position)

    def case_events(self, position: int) -> Iterator[EventRow]:
        yield from self._rows(_CASE_EVENTS, position)

    def close(self) -> None:
        self._connection.close()

    def _rows(self, query: str, *values: str | int) -> Iterator[tuple[Any, ...]]:
        try:
            yield from self._connection.execute(query, values)
        except sqlite3.Error as error:
            raise LedgerUnavailable(reason_of(error)) from error
