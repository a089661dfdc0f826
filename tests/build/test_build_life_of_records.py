"""Corrections, changes of the law, and people without records."""

import datetime as dt
from pathlib import Path

import msgspec
import polars as pl
import pytest

from scoring.build.totals import scores
from scoring.contract.documents import Step
from scoring.errors import InputRefused
from scoring.rulebook import Rulebook, load_rulebook
from tests.support.lake import (
    Built,
    Record,
    build_snapshot,
    plan_on,
    rebuild,
    record_id,
    subject,
)

AS_OF = dt.date(2026, 6, 30)
LI, WANG = subject(1), subject(2)
SERIOUS = Record(
    subject=LI,
    record_id=record_id(1),
    kind="penalty",
    outcome="serious",
    happened_on=dt.date(2026, 3, 1),
    department="market_regulation",
)


def _built(tmp_path: Path, *records: Record) -> Built:
    return build_snapshot(tmp_path, records=records, enrolled=[LI, WANG], as_of=AS_OF)


def test_of_two_files_of_one_day_the_one_accepted_last_is_the_truth(tmp_path: Path) -> None:
    corrected = msgspec.structs.replace(SERIOUS, outcome="general", file=2)
    assert _built(tmp_path, SERIOUS, corrected).scores() == {LI: 560, WANG: 600}


def test_a_correction_counts_whatever_its_place_in_the_file(tmp_path: Path) -> None:
    before = msgspec.structs.replace(SERIOUS, subject=WANG, record_id=record_id(2))
    corrected = msgspec.structs.replace(SERIOUS, outcome="general", file=2)
    assert _built(tmp_path, before, SERIOUS, corrected).scores() == {LI: 560, WANG: 500}


def test_a_record_moved_to_another_person_leaves_the_first_one(tmp_path: Path) -> None:
    """The two rows lie in different buckets: neither bucket alone could tell."""
    moved = msgspec.structs.replace(SERIOUS, subject=WANG, file=2)
    assert _built(tmp_path, SERIOUS, moved).scores() == {LI: 600, WANG: 500}


def test_a_record_moved_to_somebody_not_enrolled_is_gone(tmp_path: Path) -> None:
    moved = msgspec.structs.replace(SERIOUS, subject=subject(3), file=2)
    built = _built(tmp_path, SERIOUS, moved)
    assert built.scores() == {LI: 600, WANG: 600}
    assert built.items().is_empty()


def test_a_band_begins_with_its_first_point() -> None:
    plan = plan_on(AS_OF, load_rulebook())
    reached = [*plan.band_starts, *(start - 1 for start in plan.band_starts[1:])]
    citizens = pl.DataFrame({"citizen": range(len(reached))})
    items = citizens.with_columns(points=pl.Series(reached) - plan.base)
    bands = scores(citizens.lazy(), items.lazy(), plan).collect()["band_index"].to_list()
    last = len(plan.band_starts)
    assert bands == [*range(last), *range(last - 1)]


def test_a_record_of_tomorrow_is_not_shown_today(tmp_path: Path) -> None:
    tomorrow = msgspec.structs.replace(SERIOUS, happened_on=dt.date(2026, 7, 1))
    assert _built(tmp_path, tomorrow).items().is_empty()


def test_enrolled_people_without_a_record_have_the_base_score(tmp_path: Path) -> None:
    built = _built(tmp_path)
    assert built.scores() == {LI: 600, WANG: 600}
    assert (built.manifest.citizens, built.manifest.items) == (2, 0)


def test_a_city_in_which_nobody_is_enrolled_builds_to_an_empty_snapshot(tmp_path: Path) -> None:
    built = build_snapshot(tmp_path, records=[SERIOUS], enrolled=[], as_of=AS_OF)
    assert (built.manifest.citizens, built.manifest.items) == (0, 0)
    assert built.manifest.score_sum_points == 0


def _raised(rulebook: Rulebook, effective_on: dt.date) -> Rulebook:
    """Serious penalties give -50 from that day on."""
    rules = []
    for rule in rulebook.rules:
        values = list(rule.value)
        if rule.id == "penalty_serious":
            changed = msgspec.structs.replace(values[-1], effective_on=effective_on, points=-50)
            values.append(changed)
        rules.append(msgspec.structs.replace(rule, value=values))
    return msgspec.structs.replace(rulebook, rules=rules)


@pytest.mark.parametrize(
    ("as_of", "score"), [(dt.date(2026, 6, 30), 500), (dt.date(2026, 7, 1), 550)]
)
def test_a_changed_rule_counts_from_its_day_and_not_before(
    tmp_path: Path, as_of: dt.date, score: int
) -> None:
    built = build_snapshot(
        tmp_path,
        records=[SERIOUS],
        enrolled=[LI],
        as_of=as_of,
        rulebook=_raised(load_rulebook(), dt.date(2026, 7, 1)),
    )
    assert built.scores() == {LI: score}


def test_a_rule_changed_to_come_changes_nothing_of_today_but_what_is_announced(
    tmp_path: Path,
) -> None:
    today = _built(tmp_path / "today", SERIOUS)
    to_come = build_snapshot(
        tmp_path / "to_come",
        records=[SERIOUS],
        enrolled=[LI, WANG],
        as_of=AS_OF,
        rulebook=_raised(load_rulebook(), dt.date(2026, 7, 1)),
    )
    assert to_come.scores() == today.scores()
    assert to_come.manifest.rules_version == today.manifest.rules_version
    announced = to_come.rules()
    assert [change.rule_id for change in announced.upcoming] == ["penalty_serious"]
    assert msgspec.structs.replace(announced, upcoming=[]) == today.rules()


def test_a_past_day_is_never_built_again_under_other_values(tmp_path: Path) -> None:
    first = _built(tmp_path, SERIOUS)
    edited = _raised(load_rulebook(), dt.date(2026, 3, 1))
    with pytest.raises(InputRefused, match=r"rules_work_backwards.*penalty_serious"):
        rebuild(tmp_path, as_of=dt.date(2026, 7, 1), rulebook=edited, previous=first.folder)
    dated = _raised(load_rulebook(), dt.date(2026, 7, 1))
    later = rebuild(tmp_path, as_of=dt.date(2026, 7, 1), rulebook=dated, previous=first.folder)
    assert (first.scores()[LI], later.scores()[LI]) == (500, 550)
    again = rebuild(tmp_path, as_of=AS_OF, rulebook=dated, out="again")
    assert again.scores() == first.scores()


def test_steps_may_be_written_in_any_order(tmp_path: Path) -> None:
    rulebook = load_rulebook()
    rules = [
        msgspec.structs.replace(
            rule,
            value=[
                msgspec.structs.replace(value, steps=list(reversed(value.steps)))
                if value.steps
                else value
                for value in rule.value
            ],
        )
        for rule in rulebook.rules
    ]
    late = msgspec.structs.replace(SERIOUS, kind="contract_performance", outcome="late", measure=95)
    built = build_snapshot(
        tmp_path,
        records=[late],
        enrolled=[LI],
        as_of=AS_OF,
        rulebook=msgspec.structs.replace(rulebook, rules=rules),
    )
    assert built.scores() == {LI: 580}
    assert Step(at_least=90, points=-20) in rulebook.rules[4].value[0].steps  # type: ignore[operator]
