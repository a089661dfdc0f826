"""评分案例: the cases lawyers check the engine by, recomputed before they are shown.

Read from `tests/spec/cases`, where the tests read them. A case whose sum the rules of its day do not
give stops the build.
"""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path

from builder.markup import signed, table
from scoring.contract.documents import RulesDocument
from scoring.errors import InputRefused
from scoring.recompute import RawRecord, Recomputed, recompute
from scoring.rulebook.document import published_document
from scoring.rulebook.load import load_rulebook
from scoring.rulebook.model import Rulebook

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "spec" / "cases"
COLUMNS = ("记录", "次数", "度量", "发生日", "状态", "分值", "结果", "到期日")
STATES = {"异议": "disputed", "修复": "repaired"}
LEVELS = {"市级": 1, "省级": 2, "国家级": 3}
_VERDICT = re.compile(r"截至 (?P<day>\S+)，得分 (?P<score>\d+)，(?P<band>\S+)。")


@dataclass(frozen=True)
class Case:
    """`rows`: cells as written, in the order of COLUMNS."""

    title: str
    as_of: dt.date
    score: int
    band: str
    verdict: str
    rows: list[list[str]]


@dataclass(frozen=True)
class Chapter:
    title: str
    cases: list[Case]


def page(folder: Path = FOLDER) -> str:
    """Raises InputRefused `site_case_stale`, `site_case_unreadable`."""
    rulebook = load_rulebook()
    chapters = read_chapters(folder)
    for chapter in chapters:
        for case in chapter.cases:
            _check(case, rulebook)
    return "\n\n".join(_chapter(number, chapter) for number, chapter in enumerate(chapters, 1))


def summary(folder: Path = FOLDER) -> str:
    count = sum(len(chapter.cases) for chapter in read_chapters(folder))
    return f"<p>共 {count} 个案例，本页生成时已逐一复算。</p>"


def read_chapters(folder: Path) -> list[Chapter]:
    chapters = [_read(path) for path in sorted(folder.glob("*.md"))]
    if not chapters:
        raise InputRefused("site_case_unreadable", "no cases", where=str(folder))
    return chapters


def _read(path: Path) -> Chapter:
    head, *blocks = path.read_text("utf-8").split("\n## ")
    return Chapter(head.splitlines()[0].removeprefix("# "), [_case(b, path) for b in blocks])


def _case(block: str, path: Path) -> Case:
    title, _, body = block.partition("\n")
    found = _VERDICT.search(body)
    if found is None:
        raise InputRefused("site_case_unreadable", f"no verdict: {title}", where=str(path))
    lines = [line for line in body.splitlines() if line.startswith("| ")][1:]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    if any(len(row) != len(COLUMNS) for row in rows):
        raise InputRefused("site_case_unreadable", f"a row is short: {title}", where=str(path))
    day, score = dt.date.fromisoformat(found["day"]), int(found["score"])
    return Case(title.strip(), day, score, found["band"], found[0], rows)


def _check(case: Case, rulebook: Rulebook) -> None:
    rules = _rules_of(case.as_of)
    numbered = list(_records(case, rulebook))
    records = [record for _, record, _ in numbered]
    states = {record.record_id: state for _, record, state in numbered if state}
    found = recompute(rules, records, states, case.as_of)
    band = next(band.name for band in rules.bands if band.code == found.band_code)
    by_row = _points_by_row(found, {record.record_id: row for row, record, _ in numbered})
    written = [_points(row[5]) for row in case.rows]
    again = [by_row.get(number, 0) for number in range(len(case.rows))]
    if (found.score, band, again) != (case.score, case.band, written):
        raise InputRefused(
            "site_case_stale",
            f"{case.title}: the rules give {found.score}, {band}, {again}",
            where=str(FOLDER),
            do="correct the case or the rules; what is published must add up",
        )


@cache
def _rules_of(day: dt.date) -> RulesDocument:
    return published_document(load_rulebook(), day)


def _points_by_row(found: Recomputed, row_of: dict[str, int]) -> dict[int, int]:
    sums: dict[int, int] = {}
    for item in found.items:
        row = row_of[item.record_id]
        sums[row] = sums.get(row, 0) + item.points
    return sums


def _records(case: Case, rulebook: Rulebook) -> Iterator[tuple[int, RawRecord, str | None]]:
    facts = {fact.name: fact for fact in rulebook.facts}
    for row, (name, count, measure, day, state, *_) in enumerate(case.rows):
        if name not in facts:
            raise InputRefused("site_case_unreadable", f"{case.title}: no fact {name}")
        for copy in range(int(count)):
            record = RawRecord(
                kind=facts[name].kind,
                subject="",
                record_id=f"{row:03d}-{copy:03d}",
                outcome=facts[name].outcome,
                measure=_measure(measure),
                happened_on=dt.date.fromisoformat(day),
                department="",
                sequence=0,
                line=0,
            )
            yield row, record, STATES.get(state)


def _measure(text: str) -> int:
    digits = re.search(r"\d+", text)
    return int(digits[0]) if digits else LEVELS.get(text, 0)


def _points(text: str) -> int:
    return int(text.replace("+", ""))


def _chapter(number: int, chapter: Chapter) -> str:
    cases = "\n\n".join(
        _shown(f"case-{number}-{at}", case) for at, case in enumerate(chapter.cases, 1)
    )
    return f"## {escape(chapter.title)} {{#chapter-{number}}}\n\n{cases}"


def _shown(anchor: str, case: Case) -> str:
    heading = f"### {escape(case.title)} {{#{anchor}}}\n\n{escape(case.verdict)}"
    if not case.rows:
        return heading
    rows = [
        [escape(cell) if i != 5 else signed(_points(cell)) for i, cell in enumerate(row)]
        for row in case.rows
    ]
    return f"{heading}\n\n{table(case.title, COLUMNS, rows, frozenset({1, 5}))}"
