"""The ledger's state at one position, in batches: what the batch builds from.

One read transaction sees one state however long the export takes; writers are not held up.
"""

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

from api.ledger.fold import notice_version_in
from api.ledger.places import file_at, is_postgres
from api.ledger.statements import event_of
from api.ledger_export.rows import EnrolmentEvent, Rows
from api.ledger_export.sqlite import SqliteRows
from api.rights.record_states import record_states
from scoring.contract.ledger_tables import RecordState

BATCH_ROWS = 50_000

# subject, enrolled_at in UTC milliseconds, notice_version; as in contract.ledger_tables
EnrolmentRow = tuple[str, int, str]
# record_id, subject, state
RecordStateRow = tuple[str, str, RecordState]


class PositionUnknown(ValueError):
    """An export was asked for at an event that is not there."""


def rows_at(place: Path | str) -> Rows:
    """`place`: as in `places`. Raises LedgerUnavailable."""
    if is_postgres(str(place)):
        from api.ledger_export.postgres import PostgresRows

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
