"""The smallest set of changes that reaches a target, and the first day on which it does.

A set suffices when it reaches the target by itself: records that lower the score and are not in it
are taken to stay, records that raise it end on their day. So waiting names every expiry it needs.

Exact: a rule's sum depends on the removed points alone, so of k removals within a rule the k largest
are best; how many fall on which rule is found by dynamic programming, day by day.
"""

import datetime as dt
from collections.abc import Iterator

import msgspec

from scoring.what_if.world import Change, LiveRecord, World, cut, losing


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """`score`: on `reached_on` with these changes and with all that has expired by then."""

    changes: list[Change]
    reached_on: dt.date
    score: int


class Best(msgspec.Struct, frozen=True, kw_only=True):
    """The highest score that changes can reach, and the first day of it."""

    score: int
    on: dt.date


def smallest_changes(world: World, target: int) -> Changes | None:
    """None where no set reaches it. Of equally small sets the one that does so first, then the one
    with the higher score, then by record id."""
    best: tuple[int, dt.date, list[LiveRecord]] | None = None
    for day in _days(world):
        chosen = _fewest_on(world, day, target, limit=None if best is None else best[0] - 1)
        if chosen is not None:
            best = (len(chosen), day, chosen)
    if best is None:
        return None
    _, day, chosen = best
    gone = {record.record_id for record in chosen}
    changes = sorted(
        (world.change_by(record, day) for record in chosen),
        key=lambda change: (change.on, change.record_id),
    )
    return Changes(changes=changes, reached_on=day, score=world.score_on(day, gone))


def best_reachable(world: World) -> Best:
    scores = [(world.score_on(day, _changeable(world, day)), day) for day in _days(world)]
    score = max(score for score, _ in scores)
    return Best(score=score, on=next(day for found, day in scores if found == score))


def _days(world: World) -> list[dt.date]:
    """Days on which more can change than the day before; on others the score can only be lower."""
    days = {max(world.today, world.earliest_change(record)) for record in losing(world.records)}
    return sorted({world.today, *days})


def _changeable(world: World, day: dt.date) -> set[str]:
    records = losing(world.records)
    return {record.record_id for record in records if world.earliest_change(record) <= day}


def _fewest_on(
    world: World, day: dt.date, target: int, limit: int | None
) -> list[LiveRecord] | None:
    """The fewest records to remove on `day`, at most `limit`; None where that is not enough."""
    held = _held_points(world, day)
    # gains[n]: the most that n removals win, and which; one rule after another
    gains: list[tuple[int, list[LiveRecord]]] = [(0, [])]
    for options in _options_by_rule(world, day):
        gains = _joined(gains, options, limit)
    needed = target - held
    return next((chosen for gain, chosen in gains if gain >= needed), None)


def _held_points(world: World, day: dt.date) -> int:
    """The score on `day` if none of the losing records ended, not even by itself."""
    sums = dict.fromkeys(world.caps, 0)
    for record in world.records:
        if record.points < 0 or day < record.expires_on:
            sums[record.rule_id] += record.points
    return world.base + sum(cut(points, world.caps[rule]) for rule, points in sums.items())


def _options_by_rule(world: World, day: dt.date) -> Iterator[list[tuple[int, list[LiveRecord]]]]:
    """For each rule with losing records: what removing its n largest wins, n = 0, 1, …"""
    for rule, cap in world.caps.items():
        own = [record for record in losing(world.records) if record.rule_id == rule]
        total = sum(record.points for record in own)
        free = sorted(
            (record for record in own if world.earliest_change(record) <= day),
            key=lambda record: (record.points, world.earliest_change(record), record.record_id),
        )
        options, left = [(0, free[:0])], total
        for number, record in enumerate(free, start=1):
            left -= record.points
            options.append((cut(left, cap) - cut(total, cap), free[:number]))
        yield options


def _joined(
    gains: list[tuple[int, list[LiveRecord]]],
    options: list[tuple[int, list[LiveRecord]]],
    limit: int | None,
) -> list[tuple[int, list[LiveRecord]]]:
    most = len(gains) + len(options) - 2
    most = most if limit is None else min(most, limit)
    joined = []
    for count in range(most + 1):
        splits = range(max(0, count - len(options) + 1), min(count, len(gains) - 1) + 1)
        best = max(splits, key=lambda split: gains[split][0] + options[count - split][0])
        won = gains[best][0] + options[count - best][0]
        joined.append((won, gains[best][1] + options[count - best][1]))
    return joined
