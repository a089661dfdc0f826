"""Cases as lawyers write them: Markdown with one table a citizen, under `cases/`.

A heading, one sentence with day, score and band, then her records: what the record says, how many
of it, its measure, its day, a decision of the office (异议, 修复), the points it gives together,
how it is shown and the day it expires.
"""

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from scoring.contract.snapshot import ItemStatus
from scoring.rulebook import Rulebook
from tests.support.lake import Record, State, record_id, subject

FOLDER = Path(__file__).parent / "cases"

_VERDICT = re.compile(r"截至 (\S+)，得分 (\d+)，(\S+)。")
_STATES = {"异议": "disputed", "修复": "repaired"}
_RESULTS: dict[str, ItemStatus] = {
    "计分": "counted",
    "封顶": "capped",
    "已到期": "expired",
    "轻微不计分": "minor",
    "已履行": "fulfilled",
    "不计分": "no_rule",
    "异议中": "disputed",
    "已修复": "repaired",
}
_LEVELS = {"市级": 1, "省级": 2, "国家级": 3}


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """`count` records that are alike; `points` is their sum."""

    name: str
    count: int
    measure: int
    happened_on: dt.date
    state: str | None
    points: int
    status: ItemStatus
    expires_on: dt.date | None


class Case(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    as_of: dt.date
    score: int
    band: str
    lines: list[Line]


def read_cases(folder: Path = FOLDER) -> list[Case]:
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.md"))]
    return [_case(block) for text in texts for block in text.split("\n## ")[1:]]


def world_of(
    cases: list[Case], rulebook: Rulebook
) -> tuple[dict[str, str], list[Record], list[State]]:
    """Subject by case title, and all records and states of these citizens."""
    facts = {fact.name: fact for fact in rulebook.facts}
    subjects = {case.title: subject(number) for number, case in enumerate(cases)}
    records: list[Record] = []
    states: list[State] = []
    for case in cases:
        for line in case.lines:
            for _ in range(line.count):
                record = Record(
                    subject=subjects[case.title],
                    record_id=record_id(len(records)),
                    kind=facts[line.name].kind,
                    outcome=facts[line.name].outcome,
                    measure=line.measure,
                    happened_on=line.happened_on,
                )
                records.append(record)
                states += _state_of(record, line)
    return subjects, records, states


def _state_of(record: Record, line: Line) -> Iterator[State]:
    if line.state is not None:
        yield State(subject=record.subject, record_id=record.record_id, state=line.state)


def _case(block: str) -> Case:
    title, _, body = block.partition("\n")
    verdict = _VERDICT.search(body)
    if verdict is None:
        raise ValueError(f"case without a verdict: {title}")
    rows = [line for line in body.splitlines() if line.startswith("| ")][1:]
    return Case(
        title=title.strip(),
        as_of=dt.date.fromisoformat(verdict[1]),
        score=int(verdict[2]),
        band=verdict[3],
        lines=[_line([cell.strip() for cell in row.strip("|").split("|")]) for row in rows],
    )


def _line(cells: list[str]) -> Line:
    name, count, measure, happened, state, points, result, expires = cells
    return Line(
        name=name,
        count=int(count),
        measure=_measure(measure),
        happened_on=dt.date.fromisoformat(happened),
        state=_STATES.get(state),
        points=int(points),
        status=_RESULTS[result],
        expires_on=None if expires == "—" else dt.date.fromisoformat(expires),
    )


def _measure(text: str) -> int:
    digits: Any = re.search(r"\d+", text)
    return int(digits[0]) if digits else _LEVELS.get(text, 0)
