"""A citizen's live records, and her score on a later day with some of them gone."""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from typing import Literal

import msgspec

from scoring.contract.documents import PublishedRule

Way = Literal["expiry", "fulfilment", "repair", "correction"]


class LiveRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record that counts or would but for its rule's cap. `points`: before the cap, not 0."""

    record_id: str
    rule_id: str
    points: int
    expires_on: dt.date


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A record stops counting, from the day `on`."""

    record_id: str
    rule_id: str
    way: Way
    on: dt.date


class World(msgspec.Struct, frozen=True, kw_only=True):
    """`caps` by rule id. `records`: all live on `today`. `ways`: what else than time can end a
    losing record, and the first day of it. Nothing new happens in it, and no rule changes."""

    today: dt.date
    base: int
    caps: Mapping[str, int]
    records: list[LiveRecord]
    ways: Mapping[str, list[tuple[Way, dt.date]]]

    def score_on(self, day: dt.date, gone: Collection[str] = ()) -> int:
        """Score on `day` if the records `gone` no longer count and time takes the rest."""
        sums = dict.fromkeys(self.caps, 0)
        for record in self.records:
            if day < record.expires_on and record.record_id not in gone:
                sums[record.rule_id] += record.points
        return self.base + sum(cut(points, self.caps[rule]) for rule, points in sums.items())

    def earliest_change(self, record: LiveRecord) -> dt.date:
        return min([record.expires_on, *(on for _, on in self.ways.get(record.record_id, []))])

    def change_by(self, record: LiveRecord, day: dt.date) -> Change:
        """How it is gone by `day`: by itself where time does it, else the first way there is."""
        ways: list[tuple[Way, dt.date]] = [("expiry", record.expires_on)]
        if day < record.expires_on:
            ways = sorted(self.ways[record.record_id], key=lambda way: way[1])
        way, on = ways[0]
        return Change(record_id=record.record_id, rule_id=record.rule_id, way=way, on=on)


def cut(points: int, cap: int) -> int:
    return min(points, cap) if cap > 0 else max(points, cap)


def live_points(rule: PublishedRule, measure: int) -> int:
    """Points of one record before the cap; 0 where its measure is below the first step."""
    if isinstance(rule.points, int):
        return rule.points
    reached = [step for step in rule.points if step.at_least <= measure]
    return max(reached, key=lambda step: step.at_least).points if reached else 0


def losing(records: Iterable[LiveRecord]) -> list[LiveRecord]:
    return [record for record in records if record.points < 0]
