"""A series of dated values: on every day of its life exactly one holds."""

import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Protocol

from scoring.lint.problem import LintProblem
from scoring.lint.toml_source import Place, TomlSource


class Dated(Protocol):
    @property
    def effective_on(self) -> dt.date: ...
    @property
    def announced_on(self) -> dt.date: ...
    @property
    def repealed_on(self) -> dt.date | None: ...


def dates(source: TomlSource, series: Place, values: Sequence[Dated]) -> Iterator[LintProblem]:
    """`values` in the order of the file, which is the order of their days."""
    if not values:
        yield source.problem(series, "member_missing", "no dated value")
    for at, value in enumerate(values):
        yield from _own_days(source, (*series, at), value)
    for at, (earlier, later) in enumerate(pairwise(values), start=1):
        yield from _neighbours(source, (*series, at, "effective_on"), earlier, later)


def _own_days(source: TomlSource, place: Place, value: Dated) -> Iterator[LintProblem]:
    if value.announced_on >= value.effective_on:
        yield source.problem(
            (*place, "announced_on"),
            "not_announced",
            f"announced on {value.announced_on}, in force from {value.effective_on}",
        )
    if value.repealed_on is not None and value.repealed_on <= value.effective_on:
        yield source.problem(
            (*place, "repealed_on"), "never_in_force", "repealed before it is in force"
        )


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
