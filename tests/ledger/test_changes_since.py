"""Who has changed since a snapshot's position: known at once, and never believed for long."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from api.ledger.changes import (
    CASE_KINDS,
    FRESH_SECONDS,
    SCORE_KINDS,
    Accepted,
    ChangesNotKnown,
    ChangesSince,
)
from api.ledger.fold import enrolment_stream
from api.ledger.protocol import EventDraft, Ledger, LedgerUnavailable
from api.ledger_export import rows
from tests.ledger.conftest import Implementation


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def happened(kind: str, subject: str, stream: str | None = None) -> EventDraft:
    subject = subject.ljust(22, "-")
    stream = stream or enrolment_stream(subject)
    body = b'{"notice_language":"zh","notice_sha256":"","notice_version":"1","receipt_id":"r"}'
    return EventDraft(
        kind=kind,
        stream=stream,
        subject=subject,
        at_ms=1,
        body=body if kind == "enrolled" else b"{}",
    )


def told(
    implementation: Implementation,
    place: Path,
    story: Callable[[Ledger, ChangesSince, Clock], Awaitable[None]],
    **options: int,
) -> None:
    async def run(ledger: Ledger) -> None:
        clock = Clock()
        changes = ChangesSince(ledger, lambda s: f"named {s.rstrip('-')}", clock=clock, **options)
        await story(ledger, changes, clock)

    implementation.run(place, run)


async def insisted(act: Callable[[], Awaitable[object]]) -> None:
    """Again while a busy machine's database takes longer than the ledger waits."""
    while True:
        try:
            await act()
        except LedgerUnavailable:
            await asyncio.sleep(0.01)
        else:
            return


def test_the_kinds_are_those_that_the_overlay_rebuilds_for() -> None:
    assert rows._listed(CASE_KINDS) == rows.CASE_KINDS
    assert rows._listed(SCORE_KINDS) == rows.SCORE_KINDS


def test_each_citizen_is_told_by_what_happened_last_to_her(
    implementation: Implementation, tmp_path: Path
) -> None:
    async def story(ledger: Ledger, changes: ChangesSince, clock: Clock) -> None:
        before = await ledger.append_many(
            [happened("enrolled", who) for who in ("ann", "bob", "cat", "dan", "eve", "fay", "gil")]
        )
        await ledger.append_many(
            [
                happened("withdrawn", "ann"),
                happened("dispute_opened", "bob", "dispute:1"),
                happened("withdrawn", "cat"),
                happened("enrolled", "cat"),
                happened("review_opened", "dan", "review:1"),
                happened("dispute_opened", "eve", "dispute:2"),
                happened("withdrawn", "eve"),
                happened("dispute_decided", "eve", "dispute:2"),
                happened("enrolled", "fay"),
                happened("enrolled", "gil"),
                happened("repair_opened", "gil", "repair:1"),
                happened("enrolled", "gil"),
            ]
        )
        await changes.follow(before)
        people = ("ann", "bob", "cat", "dan", "eve", "fay", "gil")
        found = {who: changes.of(f"named {who}", before) for who in people}
        assert found == {
            "ann": "withdrawn",
            "bob": "changed",
            "cat": "changed",
            "dan": None,
            "eve": "withdrawn",
            "fay": Accepted("1"),
            "gil": "changed",
        }
        await ledger.append_many([happened("withdrawn", "dan")])
        assert changes.of("named dan", before) is None  # not heard yet
        await changes.follow(before)
        assert changes.of("named dan", before) == "withdrawn"
        await changes.follow(0)  # an older snapshot, after a rollback, knows less
        assert changes.of("named eve", 0) == "withdrawn"
        assert changes.of("named dan", 0) == "withdrawn"
        assert changes.of("named nobody", 0) is None

    told(implementation, tmp_path, story)


def test_what_was_heard_holds_for_less_than_a_second_and_for_its_position_alone(
    implementation: Implementation, tmp_path: Path
) -> None:
    async def story(ledger: Ledger, changes: ChangesSince, clock: Clock) -> None:
        with pytest.raises(ChangesNotKnown):
            changes.of("named ann", 0)
        await changes.follow(0)
        clock.now += FRESH_SECONDS - 0.01
        assert changes.of("named ann", 0) is None
        with pytest.raises(ChangesNotKnown):
            changes.of("named ann", 1)
        clock.now += 0.02
        with pytest.raises(ChangesNotKnown):
            changes.of("named ann", 0)
        await changes.follow(0)
        assert changes.of("named ann", 0) is None

    told(implementation, tmp_path, story)


def test_a_look_that_fails_makes_nothing_fresh(
    implementation: Implementation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(ledger: Ledger, changes: ChangesSince, clock: Clock) -> None:
        async def slow(seq: int, **_: object) -> None:
            raise LedgerUnavailable("slow")

        monkeypatch.setattr(ledger, "events_after", slow)
        with pytest.raises(LedgerUnavailable):
            await changes.follow(0)
        with pytest.raises(ChangesNotKnown):
            changes.require_known(0)

    told(implementation, tmp_path, story)


def test_a_ledger_that_has_not_come_so_far_is_not_believed(
    implementation: Implementation, tmp_path: Path
) -> None:
    """One restored from an older backup knows nothing of those who left since."""

    async def story(ledger: Ledger, changes: ChangesSince, clock: Clock) -> None:
        position = await ledger.append_many([happened("enrolled", "ann")])
        with pytest.raises(LedgerUnavailable):
            await changes.follow(position + 1)
        with pytest.raises(ChangesNotKnown):
            changes.require_known(position + 1)

    told(implementation, tmp_path, story)


def test_more_changes_than_are_kept_make_everybody_unknown(
    implementation: Implementation, tmp_path: Path
) -> None:
    async def story(ledger: Ledger, changes: ChangesSince, clock: Clock) -> None:
        await ledger.append_many([happened("enrolled", f"{number}") for number in range(3)])
        await changes.follow(0)
        assert changes.of("named 2", 0) == Accepted("1")
        await ledger.append_many([happened("enrolled", "3")])
        await changes.follow(0)
        with pytest.raises(ChangesNotKnown):
            changes.of("named 2", 0)

    told(implementation, tmp_path, story, most_changed=3)


def test_more_events_than_a_page_are_all_heard(
    implementation: Implementation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.ledger.changes.PAGE_EVENTS", 4)

    async def story(ledger: Ledger, changes: ChangesSince, clock: Clock) -> None:
        for size in (4, 5, 3):
            subjects = [f"{size}-{number}" for number in range(size)]
            await ledger.append_many([happened("enrolled", who) for who in subjects])
            await changes.follow(0)
            assert {changes.of(f"named {who}", 0) for who in subjects} == {Accepted("1")}

    told(implementation, tmp_path, story)


def test_followers_and_writers_at_once_lose_nothing(
    implementation: Implementation, tmp_path: Path
) -> None:
    async def story(ledger: Ledger, changes: ChangesSince, clock: Clock) -> None:
        async def write(number: int) -> None:
            await insisted(lambda: ledger.append(happened("enrolled", f"{number}")))

        async def follow() -> None:
            for _ in range(20):
                await insisted(lambda: changes.follow(0))
                await asyncio.sleep(0)

        await asyncio.gather(follow(), *(write(number) for number in range(60)))
        await insisted(lambda: changes.follow(0))
        assert {changes.of(f"named {number}", 0) for number in range(60)} == {Accepted("1")}

    told(implementation, tmp_path, story)
