"""Which days are worked, and when a term of working days ends."""

import datetime as dt
from collections.abc import Mapping
from functools import cache
from importlib import resources

import msgspec

from scoring.errors import InputRefused

SATURDAY = 5
ONE_DAY = dt.timedelta(days=1)
MOST_WORKING_DAYS = 1_000  # four years: no term in law is longer


class _Year(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    year: int
    document: str
    off: list[tuple[dt.date, dt.date]]
    worked: list[dt.date]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    fixed: list[str]
    year: list[_Year]


class Due(msgspec.Struct, frozen=True):
    """`is_provisional`: a day on the way lies in a year whose arrangement is not in the calendar."""

    on: dt.date
    is_provisional: bool


class Calendar(msgspec.Struct, frozen=True, kw_only=True):
    """`documents`: year -> number of the State Council's document; any other year is provisional.
    `fixed`: (month, day) of holidays that never move."""

    documents: Mapping[int, str]
    off: frozenset[dt.date]
    worked: frozenset[dt.date]
    fixed: frozenset[tuple[int, int]]

    def is_published(self, year: int) -> bool:
        return year in self.documents

    def is_working_day(self, day: dt.date) -> bool:
        if day in self.worked:
            return True
        if day in self.off or day.weekday() >= SATURDAY:
            return False
        return self.is_published(day.year) or (day.month, day.day) not in self.fixed

    def due(self, start: dt.date, working_days: int) -> Due:
        """The last day of a term; `start` is day 0 (民法典 Art. 201) and may be any day. Raises
        InputRefused `term_out_of_range`."""
        if not 0 <= working_days <= MOST_WORKING_DAYS:
            raise InputRefused(
                "term_out_of_range",
                f"{working_days} working days",
                do=f"ask for 0 to {MOST_WORKING_DAYS}",
            )
        day, left = start, working_days
        while left:
            day += ONE_DAY
            left -= self.is_working_day(day)
        years = range(start.year, day.year + 1)
        return Due(day, not all(self.is_published(year) for year in years))


@cache
def load_calendar() -> Calendar:
    """Raises InputRefused `calendar_wrong` for a day outside its year, worked and off, or a worked
    day that is no weekend day."""
    text = resources.files("scoring.calendar").joinpath("working_days.toml").read_text("utf-8")
    return calendar_of(text)


def calendar_of(toml: str) -> Calendar:
    try:
        file = msgspec.toml.decode(toml, type=_File)
    except msgspec.DecodeError as error:
        raise _wrong(str(error)) from error
    for year in file.year:
        _check(year)
    if len({year.year for year in file.year}) != len(file.year):
        raise _wrong("a year stands there twice")
    return Calendar(
        documents={year.year: year.document for year in file.year},
        off=frozenset(day for year in file.year for day in _days_off(year)),
        worked=frozenset(day for year in file.year for day in year.worked),
        fixed=frozenset(_month_and_day(text) for text in file.fixed),
    )


def _days_off(year: _Year) -> list[dt.date]:
    return [
        first + dt.timedelta(days=n)
        for first, last in year.off
        for n in range((last - first).days + 1)
    ]


def _check(year: _Year) -> None:
    off = _days_off(year)
    outside = [day for day in (*off, *year.worked) if day.year != year.year]
    weekdays = [day for day in year.worked if day.weekday() < SATURDAY]
    both = set(off) & set(year.worked)
    empty = [first for first, last in year.off if last < first]
    for what, days in (
        ("outside its year", outside),
        ("a worked day that is no weekend day", weekdays),
        ("both off and worked", sorted(both)),
        ("a range that ends before it begins", empty),
    ):
        if days:
            raise _wrong(f"{year.year}: {what}: {days[0]}")


def _month_and_day(text: str) -> tuple[int, int]:
    month, _, day = text.partition("-")
    return int(month), int(day)


def _wrong(what: str) -> InputRefused:
    return InputRefused(
        "calendar_wrong",
        what,
        where="working_days.toml",
        do="compare it with the State Council's document of that year",
    )
