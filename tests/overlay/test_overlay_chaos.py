"""Overlays killed at any moment and cut off at every step, under readers: what a citizen is shown is
of one moment, and the next round puts everything right.

Some kills always; CHENGXIN_CHAOS=1 kills a hundred processes and each step of one, and prints what
was seen.
"""

import os
import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import msgspec
import polars as pl
import pytest

from api.commands.overlay import overlay_of
from api.ledger.protocol import EventDraft
from api.rights.case import DecidedBody, OpenedBody
from scoring.contract.pseudonyms import snapshot_subject_of
from scoring.contract.snapshot import (
    ITEM_STATUSES,
    OVERLAY_POSITION_FIELD,
    bucket_of,
    decode_explanation,
    decode_history,
    decode_hot,
    explanation_key,
    field_of,
    history_key,
    hot_key,
    overlay_key,
    tag_of,
)
from scoring.errors import StoreUnavailable
from scoring.overlay import lay
from scoring.publish.pointers import manifest_in, served_id
from scoring.store.connection import StoreConnection
from tests.overlay.dying import DyingConnection, Moment, start_overlay
from tests.overlay.town import AS_OF, Town

BASE = 600
CROWD = 24
MOMENTS: tuple[Moment, ...] = ("before", "half-way", "after")
# Two readings of what is served, the version's position, a script for each two of six citizens, and
# the one that says how far the round came.
STEPS = 3 + 3 + 1
CHANGED_AT_ONCE = 6

_READ = """
return {redis.call('HGET', KEYS[1], ARGV[1]), redis.call('HGET', KEYS[2], ARGV[1]),
  redis.call('HGET', KEYS[3], ARGV[1])}
"""


class Life(msgspec.Struct, frozen=True):
    score: int
    disputed: frozenset[str]


class Crowd:
    """Enrolled people of the town, and what the ledger says of each."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.draw = random.Random(CROWD)
        everybody = _people_of(town.road.data / "lake") - set(town.cast.values())
        self.people = sorted(everybody)[:CROWD]
        town.road.enrol(self.people, AS_OF)
        town.publish_next()
        self.names = {s: snapshot_subject_of(town.key, s) for s in self.people}
        self.disputed: dict[str, str] = {}
        self._cases: dict[str, str] = {}
        with StoreConnection.open(town.store.url) as connection:
            self.before = {s: self._life(connection, s)[0] for s in self.people}
            self._records = {
                s: [i.record_id for i in self._life(connection, s)[1] if i.points]
                for s in self.people
            }

    def change(self) -> int:
        """Some dispute a record that counts, some disputes are decided; the ledger's position."""
        counting = [s for s in self.people if self._records[s]]
        changed = self.draw.sample(counting, CHANGED_AT_ONCE)
        return self.town.append(*[self._changed(subject) for subject in changed])

    def _changed(self, subject: str) -> EventDraft:
        if subject in self.disputed:
            decided = DecidedBody(
                outcome="rejected", reason_digest="0" * 64, by="clerk", confirmed_by="two"
            )
            del self.disputed[subject]
            case_id = self._cases.pop(subject)
            return self.town.case_draft(subject, "dispute_decided", decided, case_id)
        record = self.draw.choice(self._records[subject])
        opened = OpenedBody(
            due_on=AS_OF, is_due_provisional=False, policy_version="t", record_id=record
        )
        self.disputed[subject] = record
        self._cases[subject] = f"{subject}-{self.draw.random()}"
        return self.town.case_draft(subject, "dispute_opened", opened, self._cases[subject])

    def require_whole(self, position: int) -> None:
        """One round by whoever comes next, and the store says what the ledger does."""
        with StoreConnection.open(self.town.store.url) as connection:
            laid = overlay_of(self.town.road.data).round(connection)
            assert laid is not None
            assert (laid.position, laid.is_moved) == (position, False)
            reached = connection.call("HGET", overlay_key(laid.snapshot), OVERLAY_POSITION_FIELD)
            assert int(reached) == position
            for subject in self.people:
                life, _ = self._life(connection, subject)
                record = self.disputed.get(subject)
                assert life.disputed == (frozenset({record}) if record else frozenset())
                if record is None:
                    assert life == self.before[subject]

    def _life(self, connection: StoreConnection, subject: str):
        """Raises AssertionError where her three records are not of one moment."""
        name = snapshot_subject_of(self.town.key, subject)
        snapshot = served_id(connection)
        assert snapshot is not None
        manifest = manifest_in(connection, snapshot)
        assert manifest is not None
        bucket = bucket_of(name, manifest.bucket_count)
        keys = [key(snapshot, bucket) for key in (hot_key, explanation_key, history_key)]
        hot, told, past = connection.call("EVAL", _READ, 3, *keys, field_of(name))
        score = decode_hot(hot, tag_of(name)).score_points
        items = decode_explanation(told, tag_of(name))
        rows = decode_history(past, tag_of(name))
        assert BASE + sum(item.points for item in items) == score
        assert BASE + sum(row.change_points for row in rows) == score
        disputed = ITEM_STATUSES.index("disputed")
        return Life(
            score, frozenset(i.record_id for i in items if i.status_index == disputed)
        ), items

    def look(self, connection: StoreConnection) -> None:
        self._life(connection, random.choice(self.people))


def _people_of(lake: Path) -> set[str]:
    facts = pl.scan_parquet(lake / "facts" / "kind=contract_performance" / "**" / "*.parquet")
    return set(facts.select("subject").unique().collect()["subject"])


class Readers:
    """Two of them; `wrong`: the first thing that did not add up."""

    def __init__(self, crowd: Crowd) -> None:
        self.answers = 0
        self.wrong: BaseException | None = None
        self._crowd = crowd
        self._is_ended = threading.Event()
        self._threads = [threading.Thread(target=self._read) for _ in range(2)]

    def _read(self) -> None:
        with StoreConnection.open(self._crowd.town.store.url) as connection:
            while not self._is_ended.wait(0.001):
                try:
                    self._crowd.look(connection)
                except (AssertionError, ValueError) as error:
                    self.wrong = self.wrong or error
                self.answers += 1

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_ended.set()
        for thread in self._threads:
            thread.join()


@pytest.fixture
def crowd(town: Town, monkeypatch: pytest.MonkeyPatch) -> Iterator[Crowd]:
    monkeypatch.setattr(lay, "CITIZENS_AT_ONCE", 2)
    return Crowd(town)


def _told(readers: Readers, at_least: int) -> None:
    if readers.wrong is not None:
        raise readers.wrong
    assert readers.answers > at_least


def test_an_overlay_cut_off_at_any_step_is_made_whole_by_the_next(crowd: Crowd) -> None:
    with Readers(crowd) as readers:
        for at in range(1, STEPS + 1):
            for moment in MOMENTS:
                position = crowd.change()
                overlay = overlay_of(crowd.town.road.data)
                with (
                    pytest.raises(StoreUnavailable),
                    DyingConnection(crowd.town.store.url, at, moment, lambda: None) as connection,
                ):
                    overlay.round(connection)
                crowd.require_whole(position)
    _told(readers, 100)


def test_those_are_all_the_steps_of_a_round(crowd: Crowd) -> None:
    crowd.change()
    with DyingConnection(crowd.town.store.url, STEPS + 1, "before", lambda: None) as connection:
        assert overlay_of(crowd.town.road.data).round(connection) is not None


def kill_overlays(crowd: Crowd, kills: int, *, at_each_step: bool = False) -> str:
    """Returns what was seen, in one line."""
    killed = 0
    town = crowd.town
    boundaries = [(at, moment) for at in range(1, STEPS + 1) for moment in MOMENTS]
    ends: list[tuple[int, Moment]] = [(0, "after")] * kills + (boundaries if at_each_step else [])
    start = [start_overlay(town.road.data, town.store.url, at=a, moment=m) for a, m in ends[:1]]
    with Readers(crowd) as readers:
        for number, _ in enumerate(ends):
            running = start.pop()
            start += [
                start_overlay(town.road.data, town.store.url, at=a, moment=m)
                for a, m in ends[number + 1 : number + 2]
            ]
            position = crowd.change()
            running.begin()
            killed += running.kill(crowd.draw.uniform(0, 0.3) if number < kills else 10) == -9
            crowd.require_whole(position)
    _told(readers, 10 * kills)
    assert killed == len(ends)
    return f"{killed} overlays killed; {readers.answers:,} lives read, none of two moments"


def test_overlays_killed_at_any_moment_leave_nothing_half_told(crowd: Crowd) -> None:
    kill_overlays(crowd, kills=6)


@pytest.mark.chaos
@pytest.mark.skipif(
    "CHENGXIN_CHAOS" not in os.environ, reason="a hundred kills take minutes: make chaos"
)
def test_hundreds_of_killed_overlays_leave_nothing_half_told(
    crowd: Crowd, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = kill_overlays(crowd, kills=100, at_each_step=True)
    with capsys.disabled():
        print(f"\n{seen}")  # noqa: T201 the figures are what this run is for
