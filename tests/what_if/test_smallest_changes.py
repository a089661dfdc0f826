"""The smallest set of changes against a search through all of them, and against the engine's own
second opinion in a world to which the changes were applied."""

import datetime as dt
import os
from collections.abc import Iterator, Sequence
from itertools import combinations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.recompute import RawRecord, recompute
from scoring.rulebook import load_rulebook, published_document
from scoring.what_if import LiveRecord, Way, World, best_reachable, live_points, smallest_changes

TODAY = dt.date(2026, 6, 30)
RULES = published_document(load_rulebook(), TODAY)
BY_ID = {rule.id: rule for rule in RULES.rules}
LAWS = settings(max_examples=int(os.environ.get("CHENGXIN_LAW_CASES", "150")), deadline=None)


class Draft(msgspec.Struct, frozen=True):
    """`ways`: what else than time ends it, with the days from today."""

    rule_id: str
    measure: int
    age_days: int
    ways: list[tuple[Way, int]]


def _draft(rule_id: str) -> st.SearchStrategy[Draft]:
    rule = BY_ID[rule_id]
    ways = st.sampled_from(
        [
            [],
            [("repair", 0)],
            [("repair", 40)],
            [("fulfilment", 0)],
            [("fulfilment", 90), ("repair", 10)],
        ]
    )
    return st.builds(
        Draft,
        st.just(rule_id),
        st.sampled_from([1, 2, 3] if rule.measure == "honour_level" else [1, 30, 90]),
        st.integers(0, rule.validity_days - 1),
        ways,
    )


LIVES = st.lists(st.sampled_from(sorted(BY_ID)).flatmap(_draft), max_size=8)
TARGETS = st.integers(0, 1000)


def _records(life: Sequence[Draft]) -> list[RawRecord]:
    return [
        RawRecord(
            kind=BY_ID[draft.rule_id].kind,
            subject="",
            record_id=f"r{number}",
            outcome=BY_ID[draft.rule_id].outcome,
            measure=draft.measure,
            happened_on=TODAY - dt.timedelta(draft.age_days),
            department="approval",
            sequence=1,
            line=2,
        )
        for number, draft in enumerate(life)
    ]


def _world(life: Sequence[Draft]) -> World:
    rules = [BY_ID[draft.rule_id] for draft in life]
    records = [
        LiveRecord(
            record_id=f"r{number}",
            rule_id=rule.id,
            points=live_points(rule, draft.measure),
            expires_on=TODAY + dt.timedelta(rule.validity_days - draft.age_days),
        )
        for number, (draft, rule) in enumerate(zip(life, rules, strict=True))
    ]
    return World(
        today=TODAY,
        base=RULES.base,
        caps={rule.id: rule.cap for rule in RULES.rules},
        records=records,
        ways={
            f"r{number}": [(way, TODAY + dt.timedelta(days)) for way, days in draft.ways]
            for number, draft in enumerate(life)
            if BY_ID[draft.rule_id].cap < 0
        },
    )


def _score(life: Sequence[Draft], day: dt.date, states: dict[str, str]) -> int:
    return recompute(RULES, _records(life), states, day).score


def _held(life: Sequence[Draft], day: dt.date, gone: set[str]) -> int:
    """Score on `day` if only `gone` and what raises the score ended: losing records as fresh."""
    records = [
        msgspec.structs.replace(record, happened_on=day) if BY_ID[draft.rule_id].cap < 0 else record
        for record, draft in zip(_records(life), life, strict=True)
    ]
    return recompute(RULES, records, dict.fromkeys(gone, "removed"), day).score


def _every_set(life: Sequence[Draft]) -> Iterator[tuple[int, dt.date, set[str]]]:
    """All sets of losing records with the first day on which all of them can be gone."""
    world = _world(life)
    losing = [record for record in world.records if record.points < 0]
    for count in range(len(losing) + 1):
        for chosen in combinations(losing, count):
            days = [min([r.expires_on, *(on for _, on in world.ways[r.record_id])]) for r in chosen]
            yield count, max([TODAY, *days]), {r.record_id for r in chosen}


@LAWS
@given(LIVES, TARGETS)
def test_no_smaller_set_and_no_earlier_day_reaches_the_target(
    life: list[Draft], target: int
) -> None:
    found = smallest_changes(_world(life), target)
    sufficient = [
        (count, day) for count, day, gone in _every_set(life) if _held(life, day, gone) >= target
    ]
    if found is None:
        assert sufficient == []
    else:
        assert (len(found.changes), found.reached_on) == min(sufficient)


@LAWS
@given(LIVES, TARGETS)
def test_a_world_with_the_changes_applied_has_the_promised_score(
    life: list[Draft], target: int
) -> None:
    found = smallest_changes(_world(life), target)
    if found is None:
        return
    acted = {change.record_id: "repaired" for change in found.changes if change.way != "expiry"}
    assert _score(life, found.reached_on, acted) == found.score >= target
    for change in found.changes:
        assert TODAY <= change.on <= found.reached_on


@LAWS
@given(LIVES)
def test_the_best_score_is_reached_by_changes_and_one_point_more_is_not(life: list[Draft]) -> None:
    world = _world(life)
    best = best_reachable(world)
    found = smallest_changes(world, best.score)
    assert found is not None
    assert found.score == best.score
    assert smallest_changes(world, best.score + 1) is None


@LAWS
@given(LIVES)
def test_today_without_changes_the_score_is_the_score(life: list[Draft]) -> None:
    assert _world(life).score_on(TODAY) == _score(life, TODAY, {})
