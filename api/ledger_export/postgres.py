"""What the export reads from PostgreSQL: one snapshot, rows as they come."""

import contextlib
from collections.abc import Iterator

import psycopg

from api.ledger.postgres import statements
from api.ledger.postgres.connection import connect, reason_of
from api.ledger.protocol import LedgerUnavailable
from api.ledger.statements import EventRow
from api.ledger_export.rows import CASE_KINDS, SCORE_KINDS, EnrolmentEvent

ROWS_A_FETCH = 10_000

_ENROLMENT_EVENTS = """SELECT subject, kind, at_ms, body FROM event
  WHERE kind IN ('enrolled', 'withdrawn') AND seq <= %s ORDER BY subject COLLATE "C", seq"""
_CASE_EVENTS = """SELECT seq, at_ms, kind, stream, subject, body FROM event
  WHERE (stream LIKE 'dispute:%%' OR stream LIKE 'repair:%%') AND seq <= %s
  ORDER BY stream COLLATE "C", seq"""
_CHANGED = f"""SELECT subject, max(at_ms) FROM event
  WHERE seq > %s AND seq <= %s AND kind IN ({SCORE_KINDS})
  GROUP BY subject ORDER BY subject COLLATE "C\""""  # noqa: S608 # own words
_ENROLMENT_EVENTS_OF = """SELECT subject, kind, at_ms, body FROM event
  WHERE subject = %s AND kind IN ('enrolled', 'withdrawn') AND seq <= %s ORDER BY seq"""
_CASE_EVENTS_OF = f"""SELECT seq, at_ms, kind, stream, subject, body FROM event
  WHERE subject = %s AND kind IN ({CASE_KINDS}) AND seq <= %s
  ORDER BY stream COLLATE "C", seq"""  # noqa: S608 # own words


class PostgresRows:
    """See `rows.Rows`."""

    def __init__(self, url: str) -> None:
        self._connection = connect(url)
        try:
            self._connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            self.last_seq = statements.last_seq(self._connection)
        except psycopg.Error as error:
            self.close()
            raise LedgerUnavailable(reason_of(error)) from error

    def enrolment_events(self, position: int) -> Iterator[EnrolmentEvent]:
        yield from self._rows("enrolments", _ENROLMENT_EVENTS, position)

    def case_events(self, position: int) -> Iterator[EventRow]:
        yield from self._rows("cases", _CASE_EVENTS, position)

    def changed(self, after: int, until: int) -> list[tuple[str, int]]:
        return list(self._rows("changed", _CHANGED, after, until))

    def enrolment_events_of(self, subject: str, position: int) -> Iterator[EnrolmentEvent]:
        yield from self._rows("enrolments_of", _ENROLMENT_EVENTS_OF, subject, position)

    def case_events_of(self, subject: str, position: int) -> Iterator[EventRow]:
        yield from self._rows("cases_of", _CASE_EVENTS_OF, subject, position)

    def close(self) -> None:
        with contextlib.suppress(psycopg.Error):
            self._connection.close()

    def _rows(self, name: str, query: str, *values: str | int) -> Iterator[tuple]:  # type: ignore[type-arg]
        try:
            with self._connection.cursor(name) as cursor:
                cursor.itersize = ROWS_A_FETCH
                yield from cursor.execute(query, values)
        except psycopg.Error as error:
            raise LedgerUnavailable(reason_of(error)) from error
