"""Consents reach every reader of a real store at once, in order, also after it forgot them."""

import asyncio
import itertools
import random
import shutil
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from api.consents.machine import IllegalStep
from api.consents.projection import LiveConsents
from api.ledger.enrolment import EnrolmentRefused
from api.ledger.protocol import Event, LedgerUnavailable, MarkPending
from api.ledger.sqlite import SqliteLedger
from api.store.protocol import StoreDown
from scoring.contract.snapshot import CONSENTS_KEY, consent_key
from scoring.store.embedded import EmbeddedStore
from tests.consents.consent_parts import CODEC, PERSON, Worker, enrol, working
from tests.ledger.drafts import enrolled, pseudonym, withdrawn
from tests.support.snapshots import city, write_snapshot
from tests.support.stores import connected, empty, publish_to
from tests.support.waiting import LONG_SECONDS, awaited_within, eventually

Story = Callable[[Worker, Worker], Awaitable[None]]


@pytest.fixture(scope="module")
def running_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    with EmbeddedStore(tmp_path_factory.mktemp("consents")) as store:
        yield store


@pytest.fixture
def store(running_store: EmbeddedStore, tmp_path: Path) -> EmbeddedStore:
    empty(running_store)
    publish_to(running_store, write_snapshot(tmp_path, "20260115-000000000001", city(10, 1)))
    return running_store


def two_workers(place: str, store: EmbeddedStore, story: Story) -> None:
    async def told() -> None:
        async with working(place, store.url) as one, working(place, store.url) as other:
            await enrol(one, 1, 2)
            await story(one, other)

    asyncio.run(told())


def test_a_change_is_seen_by_every_worker_when_its_request_returns(
    ledger_place: str, store: EmbeddedStore
) -> None:
    async def story(one: Worker, other: Worker) -> None:
        consent = await one.grant()
        assert await other.status(consent.handle) == "active"
        await other.consents.change(PERSON, consent.id, "paused")
        assert await one.status(consent.handle) == "paused"
        await one.consents.change(PERSON, consent.id, "active")
        assert await other.status(consent.handle) == "active"
        await one.consents.change(PERSON, consent.id, "revoked")
        assert await other.status(consent.handle) == "revoked"
        assert await other.status("x" * 22) is None

    two_workers(ledger_place, store, story)


def test_what_was_remembered_holds_only_while_its_own_bytes_are_read(
    ledger_place: str, store: EmbeddedStore
) -> None:
    """Also where another question has read the handle meanwhile, and remembers the new state."""

    async def story(one: Worker, other: Worker) -> None:
        handle = (await one.grant()).handle
        active = await other.live.live(handle)
        assert active is not None
        with connected(store) as reading:
            before = reading.call("GET", consent_key(handle))
            assert other.live.remembered(handle) is active
            assert other.live.is_still(handle, active, before)
            await one.consents.change(PERSON, active.id, "revoked")
            after = reading.call("GET", consent_key(handle))
        assert not other.live.is_still(handle, active, after)
        await other.live.live(handle)
        assert not other.live.is_still(handle, active, after)
        assert not other.live.is_still(handle, active, before)

    two_workers(ledger_place, store, story)


def test_fifty_at_once_end_in_the_last_acknowledged_state_and_no_yes_follows_a_revoke(
    ledger_place: str, store: EmbeddedStore
) -> None:
    """Pauses and resumes on two workers, then a revoke, while a partner asks both all the time."""

    async def story(one: Worker, other: Worker) -> None:
        consent = await one.grant()
        acknowledged: list[tuple[int, str]] = []
        revoked_at: list[float] = []
        late_yes: list[float] = []
        asked = 0
        draw = random.Random(7)

        async def change(worker: Worker, target: str) -> None:
            await asyncio.sleep(draw.random() * 0.3)
            try:
                changed = await worker.consents.change(PERSON, consent.id, target)  # type: ignore[arg-type]
            except (IllegalStep, MarkPending, LedgerUnavailable):
                return
            acknowledged.append((changed.seq, changed.status))
            if changed.status == "revoked" and not revoked_at:
                revoked_at.append(time.monotonic())

        async def ask(worker: Worker) -> None:
            nonlocal asked
            while not revoked_at or time.monotonic() < revoked_at[0] + 1.5 or asked < 500:
                began = time.monotonic()
                live = await worker.live.live(consent.handle)
                asked += 1
                is_late = revoked_at and began > revoked_at[0] + 1
                if live is not None and live.status == "active" and is_late:
                    late_yes.append(began)
                await asyncio.sleep(0.002)

        async def revoke() -> None:
            await asyncio.sleep(0.25)
            while not revoked_at:  # of so many at once one may be told to come again
                await change(other, "revoked")

        targets = [draw.choice(["active", "paused"]) for _ in range(50)]
        workers = itertools.cycle((one, other))
        await asyncio.gather(
            ask(one),
            ask(other),
            revoke(),
            *(change(worker, target) for worker, target in zip(workers, targets, strict=False)),
        )
        assert late_yes == []
        assert max(acknowledged)[1] == "revoked"
        for worker in (one, other):
            assert await worker.status(consent.handle) == "revoked"
            assert (await worker.consents.consent(PERSON, consent.id)).status == "revoked"

    two_workers(ledger_place, store, story)


def test_grants_and_revokes_of_the_same_terms_leave_each_consent_as_last_acknowledged(
    ledger_place: str, store: EmbeddedStore
) -> None:
    async def story(one: Worker, other: Worker) -> None:
        async def grant_and_revoke(worker: Worker, revokes: bool) -> tuple[str, str]:
            consent = await worker.grant()
            if revokes:
                await worker.consents.change(PERSON, consent.id, "revoked")
            return consent.handle, "revoked" if revokes else "active"

        jobs = [grant_and_revoke((one, other)[n % 2], n % 3 > 0) for n in range(50)]
        for handle, status in await asyncio.gather(*jobs):
            assert await one.status(handle) == status
            assert await other.status(handle) == status

    two_workers(ledger_place, store, story)


def test_an_older_state_never_replaces_a_newer_one_in_the_store(
    ledger_place: str, store: EmbeddedStore
) -> None:
    async def story(one: Worker, other: Worker) -> None:
        granted = await one.grant()
        before = await one.consents.consent(PERSON, granted.id)
        await other.consents.change(PERSON, granted.id, "revoked")
        await one.live.announce([before])  # a slow worker's late write
        assert await other.status(granted.handle) == "revoked"

    two_workers(ledger_place, store, story)


def test_a_follower_writes_what_another_process_stored_and_did_not_live_to_write(
    ledger_place: str, store: EmbeddedStore
) -> None:
    async def story(one: Worker, other: Worker) -> None:
        silent = Mute(one.live)
        one.consents._live = silent  # type: ignore[assignment]

        async def granted_and_revoked() -> None:
            consent = await one.grant()
            await sees(other, consent.handle, "active")
            await one.consents.change(PERSON, consent.id, "revoked")
            await sees(other, consent.handle, "revoked")

        await awaited_within(2, granted_and_revoked)  # a second for each of the two

    two_workers(ledger_place, store, story)


class Mute:
    """A process killed between the ledger's commit and its write to the store."""

    def __init__(self, live: LiveConsents) -> None:
        self.live = live.live

    async def announce(self, consents: object) -> None:
        del consents


async def sees(worker: Worker, handle: str, status: str) -> None:
    async with asyncio.timeout(LONG_SECONDS):
        while await worker.status(handle) != status:  # noqa: ASYNC110 set by another process
            await asyncio.sleep(0.01)


async def have_followed(*workers: Worker) -> None:
    """Until none of them has anything left to write."""
    position = await workers[0].ledger.position()
    for worker in workers:
        await eventually(lambda worker=worker: (worker.live._followed or 0) >= position)


def test_a_store_that_lost_everything_has_every_consent_again_before_it_serves(
    tmp_path: Path, ledger_place: str, store: EmbeddedStore
) -> None:
    async def story(one: Worker, other: Worker) -> None:
        kept, gone = await one.grant(1), await one.grant(2)
        await one.consents.change(pseudonym(2), gone.id, "revoked")
        empty(store)
        publish_to(store, write_snapshot(tmp_path / "again", "20260115-000000000002", city(10, 1)))
        seen: set[tuple[str | None, str | None]] = set()
        async with asyncio.timeout(LONG_SECONDS):
            while not seen:
                for worker in (one, other):
                    try:
                        status = (
                            await worker.status(kept.handle),
                            await worker.status(gone.handle),
                        )
                        seen.add(status)
                    except StoreDown:
                        await asyncio.sleep(0.02)
        assert seen == {("active", "revoked")}

    two_workers(ledger_place, store, story)


def test_a_store_restarted_with_old_data_gets_what_it_missed_before_it_serves(
    tmp_path: Path,
    ledger_place: str,
) -> None:
    """Saved, then a revoke, then killed: what it loads says active."""

    async def story() -> None:
        folder = tmp_path / "store"
        store = EmbeddedStore(folder)
        store.start()
        made = write_snapshot(tmp_path / "s", "20260115-000000000001", city(10, 1))
        publish_to(store, made)
        async with working(ledger_place, store.url) as one:
            await enrol(one)
            consent = await one.grant()
            await have_followed(one)
            with connected(store) as connection:
                connection.call("SAVE")
            shutil.copytree(folder, tmp_path / "saved", ignore=shutil.ignore_patterns("*.sock"))
            await one.consents.change(PERSON, consent.id, "revoked")
            assert await one.status(consent.handle) == "revoked"
        store.stop()
        with EmbeddedStore(tmp_path / "saved") as restored:
            with connected(restored) as connection:
                entry = connection.call("GET", consent_key(consent.handle))
                assert CODEC.decode(consent.handle, entry).status == "active"
            async with working(ledger_place, restored.url, follows=False) as again:
                assert await again.status(consent.handle) == "revoked"

    asyncio.run(story())


def test_a_withdrawal_ends_all_consents_for_every_worker(
    ledger_place: str, store: EmbeddedStore
) -> None:
    async def story(one: Worker, other: Worker) -> None:
        first, second = await one.grant(), await one.grant(policy="deposit")
        await one.enrolments.withdraw(PERSON)
        await one.consents.announce_all(PERSON)
        for handle in (first.handle, second.handle):
            assert await other.status(handle) == "revoked"
        with pytest.raises(IllegalStep):
            await other.consents.change(PERSON, first.id, "active")
        await one.ledger.append(enrolled(1))
        with pytest.raises(IllegalStep):  # coming back does not bring them back
            await other.consents.change(PERSON, first.id, "active")

    two_workers(ledger_place, store, story)


def test_a_follower_ends_the_consents_of_who_left_through_another_process(
    ledger_place: str, store: EmbeddedStore
) -> None:
    async def story(one: Worker, other: Worker) -> None:
        consent = await one.grant()
        await one.ledger.append(withdrawn(1))
        await sees(other, consent.handle, "revoked")

    two_workers(ledger_place, store, story)


def test_resuming_and_leaving_at_once_never_leaves_an_active_consent(
    ledger_place: str, store: EmbeddedStore
) -> None:
    async def story(one: Worker, other: Worker) -> None:
        for number in range(10, 18):
            await enrol(one, number)
            subject = pseudonym(number)
            consent = await one.grant(number)
            await one.consents.change(subject, consent.id, "paused")
            await asyncio.gather(
                one.consents.change(subject, consent.id, "active"),
                other.enrolments.withdraw(subject),
                return_exceptions=True,
            )
            await sees(other, consent.handle, "revoked")
            assert (await one.consents.consent(subject, consent.id)).status == "revoked"

    two_workers(ledger_place, store, story)


def test_a_revoke_that_cannot_reach_the_store_is_stored_and_not_confirmed(
    tmp_path: Path, ledger_place: str
) -> None:
    async def story() -> None:
        with EmbeddedStore(tmp_path / "store") as store:
            made = write_snapshot(tmp_path / "s", "20260115-000000000001", city(10, 1))
            publish_to(store, made)
            async with working(ledger_place, store.url) as one:
                await enrol(one)
                consent = await one.grant()
                store.stop()
                with pytest.raises(MarkPending):
                    await one.consents.change(PERSON, consent.id, "revoked")
                assert (await one.consents.consent(PERSON, consent.id)).status == "revoked"

    asyncio.run(story())


def test_the_position_of_the_replay_never_runs_ahead_of_the_entries(
    ledger_place: str, store: EmbeddedStore
) -> None:
    async def story(one: Worker, other: Worker) -> None:
        for number in range(100, 140):
            await enrol(one, number)
            await one.grant(number)
        await have_followed(one, other)
        with connected(store) as connection:
            position = int(connection.call("GET", CONSENTS_KEY))
        assert position == await one.ledger.position()

    two_workers(ledger_place, store, story)


def test_who_is_not_enrolled_cannot_consent_nor_withdraw(
    ledger_place: str, store: EmbeddedStore
) -> None:
    from api.consents.service import ConsentsRefused

    async def story(one: Worker, other: Worker) -> None:
        with pytest.raises(ConsentsRefused, match="not_enrolled"):
            await one.grant(99)
        with pytest.raises(EnrolmentRefused):
            await other.enrolments.withdraw(pseudonym(99))

    two_workers(ledger_place, store, story)


def test_a_position_never_moves_past_what_the_store_has_lost(
    ledger_place: str, store: EmbeddedStore
) -> None:
    """A follower that was at work when the store lost its data must not hide the gap."""

    async def story(one: Worker, other: Worker) -> None:
        lost = await one.grant()
        await have_followed(one, other)
        follower = LiveConsents(one.ledger, one.reader, CODEC)
        await follower.before_serving()
        for worker in (one, other):
            await worker.live.stop()
        with connected(store) as connection:
            connection.call("DEL", CONSENTS_KEY, consent_key(lost.handle))
        await one.ledger.append(withdrawn(2))  # something to follow
        await follower.follow_once()
        with connected(store) as connection:
            assert connection.call("GET", CONSENTS_KEY) is None
        await follower.follow_once()
        assert await other.status(lost.handle) == "active"

    two_workers(ledger_place, store, story)


def test_a_replay_cut_short_goes_on_where_it_was(
    ledger_place: str, store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a store with more consents than fit in one attempt would never serve."""
    monkeypatch.setattr("api.consents.projection.PAGE_EVENTS", 5)

    async def story(one: Worker, other: Worker) -> None:
        for number in range(200, 220):
            await enrol(one, number)
            await one.grant(number)
        with connected(store) as connection:
            connection.call("DEL", CONSENTS_KEY)
        pages = CutShort(one.ledger, after_pages=2)
        replay = LiveConsents(pages, one.reader, CODEC)  # type: ignore[arg-type]
        with pytest.raises(LedgerUnavailable):
            await replay.before_serving()
        with connected(store) as connection:
            reached = int(connection.call("GET", CONSENTS_KEY))
        assert 0 < reached < await one.ledger.position()
        await replay.before_serving()
        assert pages.asked_after[-1] >= reached

    two_workers(ledger_place, store, story)


class CutShort:
    """A ledger that answers some pages and then, once, is gone."""

    def __init__(self, ledger: SqliteLedger, after_pages: int) -> None:
        self._ledger = ledger
        self._left = after_pages
        self.asked_after: list[int] = []

    async def position(self) -> int:
        return await self._ledger.position()

    async def events_after(self, seq: int, **more: Any) -> list[Event]:
        self._left -= 1
        if self._left == -1:
            raise LedgerUnavailable("slow")
        self.asked_after.append(seq)
        return await self._ledger.events_after(seq, **more)
