"""Joining and leaving reach every reader of a real store, in order, also after it forgot them."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from api.ledger import projection
from api.ledger.enrolment import EnrolmentService
from api.ledger.fold import folded
from api.ledger.projection import LiveMarks
from api.ledger.protocol import Appended, Enrolment, MarkPending
from api.ledger.sqlite import SqliteLedger, open_ledger
from api.store.protocol import StoreDown
from api.store.reader import ValkeyReader
from scoring.contract.pseudonyms import snapshot_subject_of
from scoring.store.embedded import EmbeddedStore
from tests.ledger.drafts import AT_MS, enrolled, pseudonym, withdrawn
from tests.support.patience import patient
from tests.support.snapshots import SNAPSHOT_KEY, city, write_snapshot
from tests.support.stores import connected, empty, publish_to
from tests.support.waiting import LONG_SECONDS, awaited_within, eventually

PERSON = pseudonym(1)


class Worker:
    """What one API process has."""

    def __init__(self, ledger: SqliteLedger, url: str) -> None:
        self.ledger = ledger
        self.reader = ValkeyReader(url, before_serving=self._replay)
        self.marks = LiveMarks(ledger, self.reader, SNAPSHOT_KEY)
        self.service = EnrolmentService(ledger, self.marks, lambda: AT_MS)

    async def _replay(self, position: int) -> None:
        await self.marks.before_serving(position)

    async def mark_of(self, subject: str) -> bytes | None:
        name = snapshot_subject_of(SNAPSHOT_KEY, subject)
        return (await self.reader.hot(self.reader.version(), name)).mark

    async def sees(self, subject: str, mark: bytes) -> None:
        async with asyncio.timeout(LONG_SECONDS):
            while await self.mark_of(subject) != mark:  # noqa: ASYNC110 set by another process
                await asyncio.sleep(0.01)


@pytest.fixture(scope="module")
def running_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    with EmbeddedStore(tmp_path_factory.mktemp("marks")) as store:
        yield store


@pytest.fixture
def store(running_store: EmbeddedStore, tmp_path: Path) -> EmbeddedStore:
    """Serving one snapshot made at position 0."""
    empty(running_store)
    publish_to(running_store, write_snapshot(tmp_path, "20260115-000000000001", city(10, 1)))
    return running_store


@asynccontextmanager
async def working(path: Path, url: str, follows: bool = True) -> AsyncIterator[Worker]:
    with patient():
        worker = Worker(await open_ledger(path), url)
    await worker.reader.open()
    if follows:
        worker.marks.start()
    try:
        yield worker
    finally:
        await worker.marks.stop()
        await worker.reader.close()
        await worker.ledger.close()


def two_workers(
    tmp_path: Path, store: EmbeddedStore, story: Callable[[Worker, Worker], Awaitable[None]]
) -> None:
    async def told() -> None:
        path = tmp_path / "ledger.sqlite"
        async with working(path, store.url) as one, working(path, store.url) as other:
            await story(one, other)

    asyncio.run(told())


def test_who_leaves_is_gone_for_every_worker_when_her_request_returns(
    tmp_path: Path, store: EmbeddedStore
) -> None:
    async def story(one: Worker, other: Worker) -> None:
        await one.ledger.append(enrolled(1))
        await one.service.withdraw(PERSON)
        assert await other.mark_of(PERSON) == b"w:2"
        assert await one.mark_of(PERSON) == b"w:2"

    two_workers(tmp_path, store, story)


def test_a_follower_marks_what_another_process_stored_and_did_not_live_to_mark(
    tmp_path: Path, store: EmbeddedStore
) -> None:
    async def story(one: Worker, other: Worker) -> None:
        numbers = itertools.count(1)

        async def joined() -> None:
            number = next(numbers)
            stored = await other.ledger.append(enrolled(number))
            assert isinstance(stored, Appended)
            await one.sees(pseudonym(number), b"e:2026-01:%d" % stored.event.seq)

        await awaited_within(1, joined)  # the promise of 1 s
        stored = await other.ledger.append(withdrawn(1))
        assert isinstance(stored, Appended)
        await one.sees(PERSON, b"w:%d" % stored.event.seq)

    two_workers(tmp_path, store, story)


def test_a_store_that_lost_its_marks_gets_them_back_before_it_serves(
    tmp_path: Path, store: EmbeddedStore
) -> None:
    async def story(one: Worker, other: Worker) -> None:
        await one.ledger.append(enrolled(1))
        await one.service.withdraw(PERSON)
        empty(store)
        publish_to(store, write_snapshot(tmp_path / "again", "20260115-000000000002", city(10, 1)))
        seen: dict[Worker, set[bytes | None]] = {one: set(), other: set()}
        looks = 0
        async with asyncio.timeout(LONG_SECONDS):
            while looks < 40 or not all(
                seen.values()
            ):  # never a moment at which she looks enrolled
                looks += 1
                for worker in (one, other):
                    try:
                        if worker.reader.version().manifest.snapshot.endswith("2"):
                            seen[worker].add(await worker.mark_of(PERSON))
                    except StoreDown:
                        pass
                await asyncio.sleep(0.02)
        assert set().union(*seen.values()) == {b"w:2"}

    two_workers(tmp_path, store, story)


def test_a_worker_that_starts_later_replays_what_happened_before(
    tmp_path: Path, store: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More events than one page and one round trip hold, each person's last one counting."""
    monkeypatch.setattr(projection, "PAGE_EVENTS", 50)
    monkeypatch.setattr(projection, "MARKS_AT_ONCE", 16)
    drafts = [make(n) for make in (enrolled, withdrawn, enrolled) for n in range(60)]

    async def told() -> None:
        path = tmp_path / "ledger.sqlite"
        ledger = await open_ledger(path)
        await ledger.append_many(drafts)
        await ledger.close()
        async with working(path, store.url, follows=False) as worker:
            await eventually(lambda: worker.reader.is_serving)
            marks = [await worker.mark_of(pseudonym(n)) for n in range(60)]
            assert marks == [b"e:2026-01:%d" % (121 + n) for n in range(60)]
            assert worker.marks.followed == 180

    asyncio.run(told())


def test_a_mark_never_goes_back(tmp_path: Path, store: EmbeddedStore) -> None:
    """A worker held up between storing and marking must not undo a later withdrawal."""

    async def story(one: Worker, other: Worker) -> None:
        joined = enrolled(1)
        await one.ledger.append(joined)
        await other.service.withdraw(PERSON)
        await one.marks.announce(PERSON, folded(1, "enrolled", AT_MS, joined.body))
        assert await other.mark_of(PERSON) == b"w:2"

    two_workers(tmp_path, store, story)


def test_following_twice_and_from_the_beginning_changes_nothing(
    tmp_path: Path, store: EmbeddedStore
) -> None:
    async def told() -> None:
        async with working(tmp_path / "ledger.sqlite", store.url, follows=False) as worker:
            await worker.ledger.append_many([enrolled(1), withdrawn(1), enrolled(2)])
            for _ in range(2):
                await worker.marks.follow_once()
            await worker.marks.before_serving(0)
            assert await worker.mark_of(PERSON) == b"w:2"
            assert await worker.mark_of(pseudonym(2)) == b"e:2026-01:3"
            assert worker.marks.followed == 3

    asyncio.run(told())


def test_after_a_rollback_the_older_snapshot_has_the_marks_it_needs(
    tmp_path: Path, store: EmbeddedStore
) -> None:
    async def told() -> None:
        async with working(tmp_path / "ledger.sqlite", store.url, follows=False) as worker:
            await worker.ledger.append(withdrawn(1))
            newer = write_snapshot(
                tmp_path, "20260116-000000000001", city(10, 2), ledger_position=1
            )
            publish_to(store, newer)
            await eventually(lambda: worker.reader.version().manifest.ledger_position == 1)
            await worker.marks.follow_once()
            with connected(store) as connection:  # as if a mark had been dropped meanwhile
                name = snapshot_subject_of(SNAPSHOT_KEY, PERSON)
                connection.call("DEL", f"l:{name}")
                connection.call("RENAME", "ptr:rollback", "current")
            await eventually(lambda: worker.reader.version().manifest.ledger_position == 0)
            await worker.marks.follow_once()
            assert await worker.mark_of(PERSON) == b"w:1"

    asyncio.run(told())


def test_with_the_store_gone_leaving_is_pending_within_its_budget_and_happens_later(
    tmp_path: Path,
) -> None:
    async def told() -> None:
        own = EmbeddedStore(tmp_path / "own")
        own.start()
        publish_to(own, write_snapshot(tmp_path, "20260115-000000000001", city(10, 1)))
        async with working(tmp_path / "ledger.sqlite", own.url) as worker:
            await worker.ledger.append(enrolled(1))
            await worker.sees(PERSON, b"e:2026-01:1")
            own.stop()

            async def left() -> None:  # again and again: it stays to be told
                with pytest.raises(MarkPending):
                    await worker.service.withdraw(PERSON)

            await awaited_within(1, left)
            own.start()
            publish_to(own, write_snapshot(tmp_path / "b", "20260115-000000000002", city(10, 1)))
            for _ in itertools.count():
                try:
                    await worker.sees(PERSON, b"w:2")
                    break
                except StoreDown:
                    await asyncio.sleep(0.02)
        own.stop()

    asyncio.run(told())


def test_the_status_of_an_announcement_is_the_mark() -> None:
    active = Enrolment(status="active", notice_version="2025-07", enrolled_at_ms=1, seq=7)
    gone = Enrolment(status="withdrawn", notice_version=None, enrolled_at_ms=None, seq=8)
    assert projection.mark_of(active) == b"e:2025-07:7"
    assert projection.mark_of(gone) == b"w:8"
