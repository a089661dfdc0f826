"""Terms for sending, as data, and the last day that keeps one."""

import datetime as dt
from collections.abc import Iterable
from pathlib import Path

import msgspec

from scoring.calendar.working_days import Calendar
from scoring.errors import InputRefused

DEADLINES_FILE = Path(__file__).with_name("deadlines.toml")


class Deadline(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: str
    working_days: int
    legal_basis: str


class Deadlines(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: str
    deadlines: list[Deadline]

    def last_days(
        self, acts: Iterable[tuple[str, dt.date]], calendar: Calendar
    ) -> list[tuple[str, dt.date, dt.date]]:
        """(kind, day of the act, last day) of those acts that have a term."""
        terms = {deadline.kind: deadline.working_days for deadline in self.deadlines}
        return [
            (kind, day, calendar.due(day, terms[kind]).on) for kind, day in acts if kind in terms
        ]


def load_deadlines(path: Path = DEADLINES_FILE) -> Deadlines:
    """Raises InputRefused."""
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Deadlines)
    except (OSError, msgspec.DecodeError) as error:
        raise InputRefused("deadlines_unreadable", str(error), where=str(path)) from error
