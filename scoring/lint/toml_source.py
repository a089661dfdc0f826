"""A TOML file with the lines its entries stand on."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scoring.lint.problem import LintProblem

Place = tuple[str | int, ...]  # e.g. ("rule", 3, "value", 0, "cap")

_HEADER = re.compile(r"\s*(?P<open>\[\[?)\s*(?P<name>[\w.-]+)\s*\]\]?")
_MEMBER = re.compile(r"\s*(?P<name>[\w-]+)\s*=")


class TomlSource:
    """`entries`: the decoded file. Raises tomllib.TOMLDecodeError, OSError, UnicodeDecodeError."""

    def __init__(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        if text.startswith("\ufeff"):
            raise tomllib.TOMLDecodeError(
                "begins with a byte order mark: save it as UTF-8 without (at line 1, column 1)"
            )
        self.file = path.name
        self.entries: dict[str, Any] = tomllib.loads(text)
        self._lines = dict(_places(text))

    def line_of(self, place: Place) -> int:
        """Line of `place`, or of the nearest table that holds it."""
        while place and place not in self._lines:
            place = place[:-1]
        return self._lines.get(place, 1)

    def problem(self, place: Place, rule: str, message: str) -> LintProblem:
        line = self.line_of(place)
        named = ".".join(str(step) for step in place)
        where = f"{self.file}:{line} {self._name_of(place) or named}"
        return LintProblem(where=where, rule=rule, message=message, file=self.file, line=line)

    def _name_of(self, place: Place) -> str:
        """`rule commitment_kept: cap` reads better than `rule.0.value.0.cap`."""
        if len(place) < 2:
            return ""
        entry = self.entries[str(place[0])][place[1]]
        name = entry.get("id") or entry.get("code") or entry.get("effective_on")
        member = f": {place[-1]}" if len(place) > 2 and isinstance(place[-1], str) else ""
        return f"{place[0]} {name}{member}" if name else ""


def _places(text: str) -> Iterator[tuple[Place, int]]:
    counts: dict[Place, int] = {}
    table: Place = ()
    for line, content in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(content):
            table = _table(header["name"].split("."), header["open"] == "[[", counts)
            yield table, line
        elif member := _MEMBER.match(content):
            yield (*table, member["name"]), line


def _table(names: list[str], is_array: bool, counts: dict[Place, int]) -> Place:
    place: Place = ()
    for name in names[:-1]:
        place = (*place, name)
        if place in counts:
            place = (*place, counts[place])
    place = (*place, names[-1])
    if is_array:
        counts[place] = counts.get(place, -1) + 1
        return (*place, counts[place])
    return place
