"""Every case of `cases/` comes out of a whole build as it is written, and every limit has cases."""

import datetime as dt
from itertools import groupby

import polars as pl
import pytest

from scoring.contract.documents import RulesDocument
from scoring.contract.snapshot import ITEM_STATUSES
from scoring.recompute import RawRecord, recompute
from scoring.rulebook import RuleInForce, load_rulebook, published_document
from tests.spec.case_files import Case, Line, read_cases, world_of
from tests.support.lake import Built, Record, State, build_snapshot

CASES = read_cases()
RULEBOOK = load_rulebook()


def _by_day() -> list[tuple[dt.date, list[Case]]]:
    ordered = sorted(CASES, key=lambda case: case.as_of)
    return [(day, list(cases)) for day, cases in groupby(ordered, lambda case: case.as_of)]


class Told:
    """A case's citizen as the build sees her."""

    def __init__(
        self, subject: str, built: Built, records: list[Record], states: list[State]
    ) -> None:
        self.subject = subject
        self.score = built.scores()[subject]
        self.items = built.items().filter(pl.col("subject") == subject)
        self.rules = built.folder / "documents" / "rules.json"
        self.records = [record for record in records if record.subject == subject]
        self.states = {state.record_id: state.state for state in states}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Told]:
    citizens: dict[str, Told] = {}
    for day, cases in _by_day():
        subjects, records, states = world_of(cases, RULEBOOK)
        built = build_snapshot(
            tmp_path_factory.mktemp("spec"),
            records=records,
            enrolled=subjects.values(),
            as_of=day,
            states=states,
        )
        citizens |= {
            title: Told(subject, built, records, states) for title, subject in subjects.items()
        }
    return citizens


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_the_build_gives_the_score_and_the_reasons_of_the_case(
    case: Case, told: dict[str, Told]
) -> None:
    citizen = told[case.title]
    assert citizen.score == case.score
    assert 600 + citizen.items["points"].sum() == case.score
    for line in _added_up(case.lines):
        shown = _shown(citizen.items, line)
        assert shown.height == line.count, line
        assert shown["points"].sum() == line.points, line
        assert set(shown["expires_on"]) == {line.expires_on}, line
    assert citizen.items.height == sum(line.count for line in case.lines)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_recomputing_from_raw_records_gives_the_same_case(
    case: Case, told: dict[str, Told]
) -> None:
    citizen = told[case.title]
    rules = published_document(RULEBOOK, case.as_of)
    again = recompute(rules, _raw(citizen.records), citizen.states, case.as_of)
    assert again.score == case.score
    assert _band_name(rules, again.band_code) == case.band
    built = dict(citizen.items.select("record_id", "points").iter_rows())
    assert {item.record_id: item.points for item in again.items} == built


def _added_up(lines: list[Line]) -> list[Line]:
    """A line stands for all alike records; two lines of a case are never alike."""
    keys = [(line.name, line.happened_on, line.measure, line.status) for line in lines]
    assert len(set(keys)) == len(keys)
    return lines


def _shown(items: pl.DataFrame, line: Line) -> pl.DataFrame:
    fact = next(i for i, fact in enumerate(RULEBOOK.facts) if fact.name == line.name)
    return items.filter(
        pl.col("fact_index") == fact,
        pl.col("measure") == line.measure,
        pl.col("happened_on") == line.happened_on,
        pl.col("status_index") == ITEM_STATUSES.index(line.status),
    )


def _raw(records: list[Record]) -> list[RawRecord]:
    return [
        RawRecord(
            kind=record.kind,
            subject=record.subject,
            record_id=record.record_id,
            outcome=record.outcome,
            measure=record.measure,
            happened_on=record.happened_on,
            department=record.department,
            sequence=record.file,
            line=2,
        )
        for record in records
    ]


def _band_name(rules: RulesDocument, code: str) -> str:
    return next(band.name for band in rules.bands if band.code == code)


# What every limit must have a case on both sides of, found by the rulebook itself: a new rule, step,
# cap or period without cases fails here.

RULES = RULEBOOK.in_force(dt.date(2026, 6, 30)).rules


def _lines(entry: RuleInForce) -> list[tuple[Case, Line]]:
    names = {
        fact.name
        for fact in RULEBOOK.facts
        if (fact.kind, fact.outcome) == (entry.rule.kind, entry.rule.outcome)
    }
    return [(case, line) for case in CASES for line in case.lines if line.name in names]


@pytest.mark.parametrize("entry", RULES, ids=lambda entry: entry.rule.id)
def test_every_rule_has_a_case_on_its_last_day_and_on_the_day_it_expires(
    entry: RuleInForce,
) -> None:
    ages = {((case.as_of - line.happened_on).days, line.status) for case, line in _lines(entry)}
    assert (entry.value.validity_days - 1, "counted") in ages
    assert (entry.value.validity_days, "expired") in ages


@pytest.mark.parametrize("entry", RULES, ids=lambda entry: entry.rule.id)
def test_every_cap_has_a_case_that_reaches_it_and_one_that_goes_beyond(entry: RuleInForce) -> None:
    reaching = {
        case.title
        for case, _ in _lines(entry)
        if sum(line.points for other, line in _lines(entry) if other == case) == entry.value.cap
    }
    beyond = {case.title for case, line in _lines(entry) if line.status == "capped"}
    assert reaching
    assert beyond <= reaching
    assert beyond


@pytest.mark.parametrize("entry", RULES, ids=lambda entry: entry.rule.id)
def test_every_step_has_a_case_on_it_and_one_just_below(entry: RuleInForce) -> None:
    measures = {line.measure for _, line in _lines(entry)}
    for step in entry.value.steps or []:
        assert {step.at_least, step.at_least - 1} <= measures
