"""The ledger's state at one position, in batches: what the batch builds from.

One read transaction sees one state however long the export takes; writers are not held up.
"""

import itertools
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

from api.ledger.connection import connect_to_read, reason_of
from api.ledger.fold import ENROLMENT_KINDS, notice_version_in
from api.ledger.kinds import STREAM_WORDS
from api.ledger.places import file_at, is_postgres
from api.ledger.protocol import LedgerUnavailable
from api.ledger.statements import EventRow, event_of, last_seq
from api.rights.record_states import record_states
from scoring.contract.ledger_tables import RecordState

BATCH_ROWS = 50_000

# subject, enrolled_at in UTC milliseconds, notice_version; as in contract.ledger_tables
EnrolmentRow = tuple[str, int, str]
# record_id, subject, state
RecordStateRow = tuple[str, str, RecordState]
# subject, kind, at_ms, body
EnrolmentEvent = tuple[str, str, int, str]

# In the order of the index, so that nothing is sorted and nothing is held.
_ENROLMENT_EVENTS = """SELECT subject, kind, at_ms, body FROM event INDEXED BY event_enrolment
  WHERE kind IN ('enrolled', 'withdrawn') AND seq <= ? ORDER BY subject, seq"""

# Two runs of the index of streams: all that can change a record, however many other events.
_CASE_EVENTS = """SELECT seq, at_ms, kind, stream, subject, body FROM event INDEXED BY event_stream
  WHERE (stream > 'dispute:' AND stream < 'dispute;' OR stream > 'repair:' AND stream < 'repair;')
    AND NOT (stream GLOB 'access:*' OR stream GLOB 'enrolment:*') AND seq <= ? ORDER BY stream, seq"""


def _listed(kinds: Iterable[str]) -> str:
    return ", ".join(f"'{kind}'" for kind in kinds)


# What can change a score, as lists of SQL.
CASE_KINDS = _listed(kind for kind, word in STREAM_WORDS.items() if word in ("dispute", "repair"))
SCORE_KINDS = f"{_listed(ENROLMENT_KINDS)}, {CASE_KINDS}"

# The run of events since the last look is short: read as it lies.
_CHANGED = f"""SELECT subject, max(at_ms) FROM event NOT INDEXED
  WHERE seq > ? AND seq <= ? AND kind IN ({SCORE_KINDS}) GROUP BY subject ORDER BY subject"""  # noqa: S608 # own words
_ENROLMENT_EVENTS_OF = """SELECT subject, kind, at_ms, body FROM event INDEXED BY event_enrolment
  WHERE subject = ? AND kind IN ('enrolled', 'withdrawn') AND seq <= ? ORDER BY seq"""
_CASE_EVENTS_OF = f"""SELECT seq, at_ms, kind, stream, subject, body FROM event
  INDEXED BY event_subject
  WHERE subject = ? AND kind IN ({CASE_KINDS}) AND seq <= ? ORDER BY stream, seq"""  # noqa: S608 # own words


class PositionUnknown(ValueError):
    """An export was asked for at an event that is not there."""


class Rows(Protocol):
    """One state of a ledger. All raise LedgerUnavailable."""

    last_seq: int

    def enrolment_events(self, position: int) -> Iterator[EnrolmentEvent]:
        """By subject, then seq."""
        ...

    def case_events(self, position: int) -> Iterator[EventRow]:
        """Of disputes and repairs, by stream, then seq."""
        ...

    def changed(self, after: int, until: int) -> list[tuple[str, int]]:
        """Subjects of SCORE_KINDS events, sorted, and when the last of them was, UTC ms."""
        ...

    def enrolment_events_of(self, subject: str, position: int) -> Iterator[EnrolmentEvent]: ...

    def case_events_of(self, subject: str, position: int) -> Iterator[EventRow]: ...

    def close(self) -> None: ...


class SqliteRows:
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


def rows_at(place: Path | str) -> Rows:
    """`place`: as in `places`. Raises LedgerUnavailable."""
    if is_postgres(str(place)):
        from api.ledger.postgres.export import PostgresRows

        return PostgresRows(str(place))
    return SqliteRows(file_at(str(place)))


class LedgerExport:
    """A context manager over the ledger at `place`, at `position` or its last event. Its methods
    raise LedgerUnavailable."""

    def __init__(self, place: Path | str, position: int | None = None) -> None:
        self._rows = rows_at(place)
        last = self._rows.last_seq
        if position is not None and not 0 <= position <= last:
            self._rows.close()
            raise PositionUnknown(f"position {position} is beyond the ledger's last event, {last}")
        self.position = last if position is None else position

    def __enter__(self) -> "LedgerExport":
        return self

    def __exit__(self, *_: object) -> None:
        self._rows.close()

    def enrolments(self, batch_rows: int = BATCH_ROWS) -> Iterator[list[EnrolmentRow]]:
        """Everyone whose enrolment is active at the position, sorted by subject."""
        rows = _active(self._rows.enrolment_events(self.position))
        while batch := list(itertools.islice(rows, batch_rows)):
            yield batch

    def record_states(self, batch_rows: int = BATCH_ROWS) -> Iterator[list[RecordStateRow]]:
        """Records under dispute, repaired or removed at the position, sorted by subject."""
        rows = iter(record_states(map(event_of, self._rows.case_events(self.position))))
        while batch := list(itertools.islice(rows, batch_rows)):
            yield batch

    def changed_since(self, position: int) -> list[tuple[str, int]]:
        """Citizens whose score an event after `position` may have changed, sorted, with the UTC
        milliseconds of the last such event."""
        return self._rows.changed(position, self.position)

    def enrolments_of(self, subjects: Iterable[str]) -> list[EnrolmentRow]:
        """As `enrolments`, of these citizens alone, in the order given."""
        events = (self._rows.enrolment_events_of(who, self.position) for who in subjects)
        return [row for own in events for row in _active(own)]

    def record_states_of(self, subjects: Iterable[str]) -> list[RecordStateRow]:
        """As `record_states`, of these citizens alone, in the order given."""
        events = (self._rows.case_events_of(who, self.position) for who in subjects)
        return [row for own in events for row in record_states(map(event_of, own))]


def _active(events: Iterable[EnrolmentEvent]) -> Iterator[EnrolmentRow]:
    """The last event of each subject, where it is `enrolled`."""
    last: EnrolmentEvent | None = None
    for event in events:
        if last is not None and last[0] != event[0] and last[1] == "enrolled":
            yield last[0], last[2], notice_version_in(last[3])
        last = event
    if last is not None and last[1] == "enrolled":
        yield last[0], last[2], notice_version_in(last[3])
