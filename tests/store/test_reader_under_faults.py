"""Cancelled callers, a store that hangs, restarts, forgets or talks nonsense."""

import asyncio
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from api.store.backoff import Backoff
from api.store.pipe import Pipe
from api.store.protocol import Stored, StoreDown, Version
from api.store.reader import ReaderLimits, ValkeyReader
from scoring.contract.snapshot import decode_hot, live_key, tag_of
from scoring.store.embedded import EmbeddedStore
from tests.support.patience import PATIENT_READER
from tests.support.snapshots import city, score_in, subject, write_snapshot
from tests.support.stores import connected, publish_to
from tests.support.waiting import LONG_SECONDS, awaited_within, eventually

SIZE = 400


@pytest.fixture
def own_server(tmp_path: Path) -> EmbeddedStore:
    return EmbeddedStore(tmp_path / "own")


async def until_serving(reader: ValkeyReader) -> None:
    await eventually(lambda: reader.is_serving)


def run_with_reader(
    server: EmbeddedStore,
    case: Callable[[ValkeyReader], Awaitable[None]],
    before_serving: Callable[[int], Awaitable[None]] | None = None,
    limits: ReaderLimits = PATIENT_READER,
) -> None:
    async def run() -> None:
        reader = ValkeyReader(server.url, before_serving=before_serving, limits=limits)
        await reader.open()
        try:
            await case(reader)
        finally:
            await reader.close()

    asyncio.run(run())


def test_a_storm_of_cancelled_reads_gives_nobody_anothers_answer(
    server: EmbeddedStore, snapshots: Path
) -> None:
    publish_to(server, write_snapshot(snapshots, "s1", city(SIZE, 1)))
    draw = random.Random(1)
    answered = wrong = cancelled = 0

    async def read(reader: ValkeyReader, number: int) -> None:
        nonlocal answered, wrong
        name = subject(number)
        kind = number % 3  # record, record that is not there, explanation
        version = reader.version()
        if kind == 1:
            stored = await reader.hot(version, subject(SIZE + number))
            is_right = stored == Stored(None, None)
        elif kind == 2:
            stored = await reader.explanation(version, name)
            is_right = f"r-1-{number},".encode() in (stored.value or b"")
        else:
            stored = await reader.hot(version, name)
            is_right = decode_hot(stored.value or b"", tag_of(name)).score_points == score_in(1)
        answered += 1
        wrong += not is_right

    async def case(reader: ValkeyReader) -> None:
        nonlocal cancelled
        for _ in range(60):
            tasks = [asyncio.create_task(read(reader, draw.randrange(SIZE))) for _ in range(200)]
            for _ in range(draw.randrange(4)):
                await asyncio.sleep(0)
            for task in tasks:
                if draw.random() < 0.5:
                    task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            cancelled += sum(isinstance(result, asyncio.CancelledError) for result in results)
            assert not [r for r in results if isinstance(r, Exception)]

    run_with_reader(server, case)
    assert wrong == 0
    assert cancelled > 3000
    assert answered > 3000


def test_a_hung_store_fails_reads_within_the_deadline_then_at_once_and_comes_back(
    own_server: EmbeddedStore, snapshots: Path
) -> None:
    async def refused(reader: ValkeyReader, version: Version) -> None:
        with pytest.raises(StoreDown):
            await reader.hot(version, subject(1))

    async def refused_100_times(reader: ValkeyReader, version: Version) -> None:
        for _ in range(100):
            await refused(reader, version)

    async def case(reader: ValkeyReader) -> None:
        await until_serving(reader)
        version = reader.version()

        async def hung() -> float:
            os.kill(own_server.pid, signal.SIGSTOP)
            try:
                began = time.monotonic()
                await refused(reader, version)
                seconds = time.monotonic() - began
                await awaited_within(0.05, lambda: refused_100_times(reader, version))
                assert reader.version() is version
                await asyncio.sleep(0.5)
            finally:
                os.kill(own_server.pid, signal.SIGCONT)
            await until_serving(reader)
            return seconds

        # deadline 0.25 s and a second look after 0.01 s; the rest is for a busy machine
        await awaited_within(0.45, hung)
        assert await answers(reader, version, 1)

    with own_server:
        publish_to(own_server, write_snapshot(snapshots, "s1", city(SIZE, 1)))
        run_with_reader(own_server, case, limits=ReaderLimits())


def test_no_answer_to_a_call_given_up_reaches_a_later_one(
    own_server: EmbeddedStore, snapshots: Path
) -> None:
    async def case(reader: ValkeyReader) -> None:
        await until_serving(reader)
        version = reader.version()
        for number in range(3):
            os.kill(own_server.pid, signal.SIGSTOP)
            calls = [asked(reader, version, n) for n in range(50)]
            results = await asyncio.gather(*calls, return_exceptions=True)
            os.kill(own_server.pid, signal.SIGCONT)
            assert {type(result) for result in results} == {StoreDown}
            assert await answers(reader, version, 100 + number)

    with own_server:
        publish_to(own_server, write_snapshot(snapshots, "s1", city(SIZE, 1)))
        run_with_reader(own_server, case, limits=ReaderLimits())


async def asked(reader: ValkeyReader, version: Version, number: int) -> Stored:
    return await reader.hot(version, subject(number))


async def answers(reader: ValkeyReader, version: Version, number: int) -> bool:
    """Rightly, as soon as it does: a machine that pauses is a store that hangs."""
    async with asyncio.timeout(LONG_SECONDS):
        while True:
            try:
                await until_serving(reader)
                value = (await reader.hot(version, subject(number))).value
            except StoreDown:
                continue
            hot = decode_hot(value or b"", tag_of(subject(number)))
            return hot.score_points == score_in(1)


def test_a_restarted_empty_store_answers_again_only_after_marks_are_replayed(
    own_server: EmbeddedStore, snapshots: Path
) -> None:
    folder = write_snapshot(snapshots, "s1", city(SIZE, 1), ledger_position=40)
    positions: list[int] = []
    readers: list[ValkeyReader] = []

    async def replay(position: int) -> None:
        positions.append(position)
        await readers[0].mark(subject(1), b"w:41")

    async def run() -> None:
        reader = ValkeyReader(own_server.url, before_serving=replay, limits=PATIENT_READER)
        readers.append(reader)
        await reader.open()
        assert (await reader.hot(reader.version(), subject(1))).mark == b"w:41"
        own_server.kill()
        with pytest.raises(StoreDown):
            await reader.hot(reader.version(), subject(2))
        own_server.start()
        publish_to(own_server, folder)
        await eventually(lambda: len(positions) > 1 and reader.is_serving)
        assert (await reader.hot(reader.version(), subject(1))).mark == b"w:41"
        await reader.close()

    own_server.start()
    try:
        publish_to(own_server, folder)
        asyncio.run(run())
    finally:
        own_server.stop()
    assert positions[0] == 40
    assert len(positions) >= 2


def test_a_store_that_lost_only_the_last_marks_gets_them_after_every_connect(
    server: EmbeddedStore, snapshots: Path
) -> None:
    """A replica that was promoted, or an older dump: everything seems to be there."""
    publish_to(server, write_snapshot(snapshots, "s1", city(SIZE, 1), ledger_position=40))
    positions: list[int] = []
    readers: list[ValkeyReader] = []

    async def replay(position: int) -> None:
        positions.append(position)
        await readers[0].mark(subject(1), b"w:41")

    async def run() -> None:
        reader = ValkeyReader(server.url, before_serving=replay, limits=PATIENT_READER)
        readers.append(reader)
        await reader.open()
        with connected(server) as store:
            store.call("DEL", live_key(subject(1)))
            store.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        # The gap itself can be shorter than one look at it: wait for what it leaves behind.
        await eventually(lambda: len(positions) > 1 and reader.is_serving)
        assert (await reader.hot(reader.version(), subject(1))).mark == b"w:41"
        await reader.close()

    asyncio.run(run())


def test_a_store_that_was_emptied_in_place_gets_its_marks_again_before_a_new_version(
    server: EmbeddedStore, snapshots: Path
) -> None:
    folder = write_snapshot(snapshots, "s1", city(SIZE, 1))
    publish_to(server, folder)
    readers: list[ValkeyReader] = []

    async def replay(position: int) -> None:
        await readers[0].mark(subject(1), b"w:41")

    async def run() -> None:
        reader = ValkeyReader(server.url, before_serving=replay, limits=PATIENT_READER)
        readers.append(reader)
        await reader.open()
        with connected(server) as store:
            store.call("FLUSHALL")
        with pytest.raises(StoreDown):
            await reader.hot(reader.version(), subject(2))
        publish_to(server, write_snapshot(snapshots, "s2", city(SIZE, 2)))
        await eventually(lambda: reader.version().manifest.snapshot == "s2")
        assert (await reader.hot(reader.version(), subject(1))).mark == b"w:41"
        await reader.close()

    asyncio.run(run())


def test_reads_wait_for_a_replay_that_fails_and_is_tried_again(
    server: EmbeddedStore, snapshots: Path
) -> None:
    publish_to(server, write_snapshot(snapshots, "s1", city(SIZE, 1)))
    attempts = 0

    async def replay(position: int) -> None:
        nonlocal attempts
        attempts += 1
        if attempts < 3:
            raise RuntimeError("ledger is not there yet")

    async def case(reader: ValkeyReader) -> None:
        assert not reader.is_serving
        await until_serving(reader)
        assert attempts == 3

    run_with_reader(server, case, replay)


def test_a_store_that_is_not_there_does_not_keep_the_service_from_starting(tmp_path: Path) -> None:
    async def opened_and_closed() -> None:
        reader = ValkeyReader(f"unix://{tmp_path}/nobody.sock")
        await reader.open()
        with pytest.raises(StoreDown):
            reader.version()
        with pytest.raises(StoreDown):
            await reader.mark(subject(1), b"e:1")
        await reader.close()

    asyncio.run(awaited_within(1.0, opened_and_closed))


def test_the_row_of_waiting_reads_is_bounded(server: EmbeddedStore, snapshots: Path) -> None:
    publish_to(server, write_snapshot(snapshots, "s1", city(SIZE, 1)))

    async def run() -> None:
        reader = ValkeyReader(
            server.url, limits=msgspec.structs.replace(PATIENT_READER, most_waiting=50)
        )
        await reader.open()
        version = reader.version()
        accepted, refused = [], 0
        for number in range(100):
            try:
                accepted.append(reader.hot(version, subject(number)))
            except StoreDown:
                refused += 1
        results = await asyncio.gather(*accepted)
        assert len(results) + refused == 100
        assert refused >= 50
        assert all(stored.value for stored in results)
        await reader.close()

    asyncio.run(run())


def test_what_was_counted_is_counted_though_its_end_finds_no_room_and_ends_with_the_next(
    server: EmbeddedStore, snapshots: Path
) -> None:
    publish_to(server, write_snapshot(snapshots, "s1", city(SIZE, 1)))
    limits = msgspec.structs.replace(PATIENT_READER, most_waiting=2, poll_seconds=LONG_SECONDS)
    end = int(time.time()) + 1_000

    async def run() -> None:
        reader = ValkeyReader(server.url, limits=limits)
        await reader.open()
        before, counted = reader.get("u:other"), reader.count("u:full", 1, expires_at=end)
        assert [await before, await counted] == [None, 1]
        with connected(server) as store:
            assert store.call("TTL", "u:full") == -1
        assert await reader.count("u:full", 1, expires_at=end) == 2
        await reader.get("u:other")  # what was sent before it is done
        with connected(server) as store:
            assert store.call("TTL", "u:full") > 0
        await reader.close()

    asyncio.run(run())


class Wire(asyncio.Transport):
    """A transport that sends nothing."""

    is_aborted = False

    def write(self, data: bytes | bytearray | memoryview) -> None: ...

    def abort(self) -> None:
        self.is_aborted = True


@pytest.mark.parametrize("nonsense", [b"?what\r\n", b":1\r\n:2\r\n"])
def test_what_is_no_record_fails_the_read_that_waits_for_one(nonsense: bytes) -> None:
    async def run() -> None:
        pipe = Pipe(deadline_seconds=LONG_SECONDS, most_waiting=10)
        pipe.connection_made(Wire())
        pair = pipe.pair(b"", b"")
        pipe.data_received(nonsense)
        with pytest.raises(StoreDown):
            await asyncio.wait_for(pair, LONG_SECONDS)
        pipe.give_up("end of test")

    asyncio.run(run())


def test_an_answer_nobody_asked_for_closes_the_pipe() -> None:
    async def run() -> None:
        pipe, wire = Pipe(deadline_seconds=LONG_SECONDS, most_waiting=10), Wire()
        pipe.connection_made(wire)
        asked = pipe.call(b"")
        pipe.data_received(b"$1\r\na\r\n$1\r\nb\r\n")
        assert await asked == b"a"
        assert wire.is_aborted
        with pytest.raises(StoreDown):
            pipe.call(b"")

    asyncio.run(run())


def test_answers_may_come_cut_at_any_byte() -> None:
    answers = b"$3\r\nabc\r\n$-1\r\n:1\r\n$1\r\nx\r\n$3\r\ne:1\r\n"

    async def run() -> None:
        for cut in range(1, len(answers)):
            pipe = Pipe(deadline_seconds=LONG_SECONDS, most_waiting=10)
            pipe.connection_made(Wire())
            first, number, second = pipe.pair(b"", b""), pipe.call(b""), pipe.pair(b"", b"")
            pipe.data_received(answers[:cut])
            pipe.data_received(answers[cut:])
            assert await first == Stored(b"abc", None)
            assert await number == 1
            assert await second == Stored(b"x", b"e:1")
            pipe.give_up("end of test")

    asyncio.run(run())


def test_an_error_reply_fails_the_read_it_belongs_to_and_no_other(
    server: EmbeddedStore, snapshots: Path
) -> None:
    publish_to(server, write_snapshot(snapshots, "s1", city(SIZE, 1)))
    with connected(server) as store:
        store.call("HSET", f"l:{subject(1)}", "a", "hash where a mark should be")

    async def case(reader: ValkeyReader) -> None:
        version = reader.version()
        broken, whole = await asyncio.gather(
            reader.hot(version, subject(1)),
            reader.hot(version, subject(2)),
            return_exceptions=True,
        )
        assert isinstance(broken, StoreDown)
        assert isinstance(whole, Stored)
        assert decode_hot(whole.value or b"", tag_of(subject(2))).score_points == score_in(1)

    run_with_reader(server, case)


def test_waits_double_up_to_a_limit_and_start_anew_after_success() -> None:
    backoff = Backoff(0.1, 0.5, lambda: 1.0)
    assert [backoff.next_seconds() for _ in range(5)] == [0.1, 0.2, 0.4, 0.5, 0.5]
    backoff.reset()
    assert backoff.next_seconds() == 0.1
