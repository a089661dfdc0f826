"""Is an entry complete, readable, and answered for by two people?"""

import datetime as dt
import re
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec

from scoring.lint.forbidden import find_forbidden, find_forbidden_field
from scoring.lint.problem import LintProblem
from scoring.lint.toml_source import Place, TomlSource

_Entry = TypeVar("_Entry", bound=msgspec.Struct)
_TOML_TYPES = (dt.datetime, dt.date, dt.time)
_TITLE = re.compile("《[^《》]*[^《》 　][^《》]*》")
_PATH = re.compile(r" - at `\$([^`]*)`")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")


def read_entry(
    source: TomlSource, place: Place, raw: dict[str, Any], layout: type[_Entry]
) -> tuple[_Entry | None, list[LintProblem]]:
    """The entry, or None and why it cannot be read."""
    problems = [*_missing(source, place, raw, layout)]
    if problems:
        return None, problems
    try:
        # As msgspec reads TOML: a day in quotes is a text, and no day.
        return msgspec.convert(raw, layout, builtin_types=_TOML_TYPES, str_keys=True), []
    except msgspec.ValidationError as error:
        at = (*place, *_steps_to(str(error)))
        return None, [source.problem(at, "member_unreadable", str(error))]


def _steps_to(message: str) -> Iterator[str | int]:
    """Place below the entry: `… - at `$.value[0].cap`` is value, 0, cap."""
    path = _PATH.search(message)
    for name, number in _STEP.findall(path[1]) if path else ():
        yield name or int(number)


def accountability(source: TomlSource, place: Place, entry: Any) -> Iterator[LintProblem]:
    """`entry`: has `author`, `second_checker`, `review_on`; `place` is where they stand."""
    if entry.author.strip() == entry.second_checker.strip():
        yield source.problem(
            (*place, "second_checker"), "author_checks_herself", "author and second checker differ"
        )


def names_a_text(source: TomlSource, place: Place, legal_basis: str) -> Iterator[LintProblem]:
    """A basis is a law, a catalogue or a clause of the city's policy, in its title marks."""
    if legal_basis.strip() and not _TITLE.search(legal_basis):
        yield source.problem(
            (*place, "legal_basis"), "basis_names_no_text", f"no 《…》 in {legal_basis!r}"
        )


def review_follows(
    source: TomlSource, place: Place, review_on: dt.date, effective_on: dt.date
) -> Iterator[LintProblem]:
    if review_on <= effective_on:
        yield source.problem(
            (*place, "review_on"), "review_not_ahead", f"{review_on} is not after {effective_on}"
        )


def forbidden_inputs(
    source: TomlSource, place: Place, texts: dict[str, str]
) -> Iterator[LintProblem]:
    """`texts`: member name -> wording; a member named `id` is read as a field code."""
    for member, text in texts.items():
        search = find_forbidden_field if member == "id" else find_forbidden
        for found in search(text):
            yield source.problem(
                (*place, member),
                "forbidden_input",
                f"{found.name}「{found.hit}」: {found.reason}{found.legal_basis}",
            )


def _missing(
    source: TomlSource, place: Place, raw: dict[str, Any], layout: type[msgspec.Struct]
) -> Iterator[LintProblem]:
    for field in msgspec.structs.fields(layout):
        value = raw.get(field.encode_name)
        is_blank = isinstance(value, str) and not value.strip()
        if is_blank or (value is None and field.required):
            name = field.encode_name
            yield source.problem((*place, name), "member_missing", f"{name} is missing or empty")
