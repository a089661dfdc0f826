"""A series of dated values: on every day of its life exactly one holds, and each was announced in
good time."""

import datetime as dt
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Protocol

import msgspec

from scoring.lint.problem import LintProblem
from scoring.lint.toml_source import Place, TomlSource


class Dated(Protocol):
    @property
    def effective_on(self) -> dt.date: ...
    @property
    def announced_on(self) -> dt.date: ...
    @property
    def repealed_on(self) -> dt.date | None: ...
    @property
    def repeal_announced_on(self) -> dt.date | None: ...


class Notice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: str
    least_days: int
    legal_basis: str


@cache
def notice() -> Notice:
    data = files("scoring.lint").joinpath("notice.toml").read_bytes()
    return msgspec.toml.decode(data, type=Notice)


def dates(source: TomlSource, series: Place, values: Sequence[Dated]) -> Iterator[LintProblem]:
    """`values` in the order of the file, which is the order of their days."""
    if not values:
        yield source.problem(series, "member_missing", "no dated value")
    for at, value in enumerate(values):
        yield from _own_days(source, (*series, at), value)
        is_last = value.repealed_on not in {later.effective_on for later in values}
        if value.repealed_on is not None and is_last:
            yield from _end(source, (*series, at), value, value.repealed_on)
    for at, (earlier, later) in enumerate(pairwise(values), start=1):
        yield from _neighbours(source, (*series, at, "effective_on"), earlier, later)


def _own_days(source: TomlSource, place: Place, value: Dated) -> Iterator[LintProblem]:
    if value.announced_on >= value.effective_on:
        yield source.problem(
            (*place, "announced_on"),
            "not_announced",
            f"announced on {value.announced_on}, in force from {value.effective_on}",
        )
    elif (problem := _too_short(value.announced_on, value.effective_on)) is not None:
        yield source.problem((*place, "announced_on"), "notice_too_short", problem)
    if value.repealed_on is not None and value.repealed_on <= value.effective_on:
        yield source.problem(
            (*place, "repealed_on"), "never_in_force", "repealed before it is in force"
        )


def _end(source: TomlSource, place: Place, value: Dated, ends_on: dt.date) -> Iterator[LintProblem]:
    announced_on = value.repeal_announced_on
    if announced_on is None or announced_on >= ends_on:
        yield source.problem(
            (*place, "repealed_on"), "not_announced", f"nobody was told that it ends on {ends_on}"
        )
    elif (problem := _too_short(announced_on, ends_on)) is not None:
        yield source.problem((*place, "repeal_announced_on"), "notice_too_short", problem)


def _too_short(announced_on: dt.date, first_day: dt.date) -> str | None:
    days, least = (first_day - announced_on).days, notice().least_days
    if days >= least:
        return None
    return f"announced {days} days before {first_day}, not {least} ({notice().legal_basis})"


def _neighbours(
    source: TomlSource, place: Place, earlier: Dated, later: Dated
) -> Iterator[LintProblem]:
    end = earlier.repealed_on or later.effective_on
    if later.effective_on <= earlier.effective_on or end > later.effective_on:
        yield source.problem(
            place, "two_values_on_a_day", f"two values hold on {later.effective_on}"
        )
    elif end < later.effective_on:
        yield source.problem(
            place, "gap_in_dates", f"no value holds from {end} until {later.effective_on}"
        )
