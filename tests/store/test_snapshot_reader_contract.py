"""What the service may rely on, whatever the store: run on every reader and way to reach it."""

import asyncio
import itertools
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from api.store.protocol import CountedRead, SnapshotReader, Stored, StoreDown, Version
from api.store.reader import ValkeyReader
from scoring.contract.snapshot import (
    DOCUMENTS,
    bucket_of,
    decode_explanation,
    decode_hot,
    manifest_key,
    tag_of,
)
from scoring.overlay.lay import lay
from scoring.overlay.rebuild import OverlaidCitizen
from scoring.publish import pointers
from scoring.store.connection import StoreConnection
from scoring.store.embedded import EmbeddedStore
from tests.support.patience import PATIENT_READER
from tests.support.snapshots import (
    BASE_POINTS,
    city,
    explanation_value,
    hot_value,
    item,
    subject,
    write_snapshot,
)
from tests.support.stores import connected, publish_to
from tests.support.waiting import LONG_SECONDS, awaited_within, eventually, seconds_until

Case = Callable[[SnapshotReader], Awaitable[None]]


@pytest.fixture(params=["unix", "tcp"])
def url(request: pytest.FixtureRequest, server: EmbeddedStore) -> str:
    return server.url if request.param == "unix" else f"redis://127.0.0.1:{server.port}/0"


def with_reader(url: str, case: Case) -> None:
    async def run() -> None:
        reader: SnapshotReader = ValkeyReader(url, limits=PATIENT_READER)
        await reader.open()
        try:
            await case(reader)
        finally:
            await reader.close()

    asyncio.run(run())


def is_at(reader: SnapshotReader, snapshot: str) -> bool:
    try:
        return reader.version().manifest.snapshot == snapshot
    except StoreDown:
        return False


def test_a_citizens_records_come_back_as_they_were_written(
    url: str, server: EmbeddedStore, snapshots: Path
) -> None:
    publish_to(server, write_snapshot(snapshots, "s1", city(500, 7)))

    async def case(reader: SnapshotReader) -> None:
        version = reader.version()
        for number in (0, 250, 499):
            name = subject(number)
            hot = await reader.hot(version, name)
            explanation = await reader.explanation(version, name)
            assert hot.value is not None
            assert explanation.value is not None
            assert decode_hot(hot.value, tag_of(name)).score_points == 607
            (record,) = decode_explanation(explanation.value, tag_of(name))
            assert record.record_id == f"r-7-{number}"

    with_reader(url, case)


def test_a_stranger_has_neither_record_nor_mark(
    url: str, server: EmbeddedStore, snapshots: Path
) -> None:
    publish_to(server, write_snapshot(snapshots, "s1", city(10, 1)))

    async def case(reader: SnapshotReader) -> None:
        assert await reader.hot(reader.version(), subject(11)) == Stored(None, None)
        assert await reader.explanation(reader.version(), subject(11)) == Stored(None, None)

    with_reader(url, case)


def test_a_counted_read_gives_record_mark_string_and_number_of_uses(
    url: str, server: EmbeddedStore, snapshots: Path
) -> None:
    publish_to(server, write_snapshot(snapshots, "s1", city(10, 1)))

    async def case(reader: SnapshotReader) -> None:
        version = reader.version()
        await reader.mark(subject(3), b"e:5")
        await reader.keep_newer("c:handle", b"7 state")

        def read(number: int, beside: str = "c:handle") -> Awaitable[CountedRead]:
            return reader.counted(
                version, subject(number), beside=beside, counter="u:h:1", expires_at=4_102_444_800
            )

        known = await reader.hot(version, subject(3))
        assert await read(3) == CountedRead(b"7 state", 1, known)
        assert known.mark == b"e:5"
        assert await read(11) == CountedRead(b"7 state", 2, Stored(None, None))
        assert await read(11, "c:nobody") == CountedRead(None, 3, Stored(None, None))
        with connected(server) as store:
            assert int(str(store.call("EXPIRETIME", "u:h:1"))) == 4_102_444_800
            store.call("DEL", manifest_key("s1"))
        with pytest.raises(StoreDown):
            await read(3)

    with_reader(url, case)


def test_a_counted_read_of_a_counter_that_is_none_is_an_error_and_the_next_reads_go_on(
    url: str, server: EmbeddedStore, snapshots: Path
) -> None:
    publish_to(server, write_snapshot(snapshots, "s1", city(10, 1)))

    async def case(reader: SnapshotReader) -> None:
        version = reader.version()
        await reader.keep_newer("c:handle", b"7 state")
        wrong = reader.counted(
            version, subject(3), beside="c:handle", counter="c:handle", expires_at=4_102_444_800
        )
        hot = reader.hot(version, subject(3))
        with pytest.raises(StoreDown):
            await wrong
        assert (await hot).value is not None

    with_reader(url, case)


def test_a_mark_is_seen_by_the_next_read_of_every_reader(
    url: str, server: EmbeddedStore, snapshots: Path
) -> None:
    publish_to(server, write_snapshot(snapshots, "s1", city(10, 1)))

    async def case(reader: SnapshotReader) -> None:
        other = ValkeyReader(url, limits=PATIENT_READER)
        await other.open()
        await reader.mark(subject(3), b"w:5")
        stored = await other.hot(other.version(), subject(3))
        await other.close()
        assert stored.mark == b"w:5"
        assert stored.value is not None

    with_reader(url, case)


def test_an_older_mark_never_replaces_a_newer_one(
    url: str, server: EmbeddedStore, snapshots: Path
) -> None:
    publish_to(server, write_snapshot(snapshots, "s1", city(10, 1)))

    async def case(reader: SnapshotReader) -> None:
        for mark in (b"e:9", b"w:10", b"w:10", b"e:9"):
            await reader.mark(subject(3), mark)
        assert (await reader.hot(reader.version(), subject(3))).mark == b"w:10"

    with_reader(url, case)


def test_marks_can_be_set_in_a_full_store(url: str, server: EmbeddedStore, snapshots: Path) -> None:
    publish_to(server, write_snapshot(snapshots, "s1", city(10, 1)))
    with connected(server) as store:
        store.call("CONFIG", "SET", "maxmemory", "1")

    async def case(reader: SnapshotReader) -> None:
        await reader.mark(subject(3), b"w:1")
        assert (await reader.hot(reader.version(), subject(3))).mark == b"w:1"

    with_reader(url, case)


def test_the_version_carries_every_document_and_the_manifest(
    url: str, server: EmbeddedStore, snapshots: Path
) -> None:
    publish_to(server, write_snapshot(snapshots, "s1", city(10, 1)))

    async def case(reader: SnapshotReader) -> None:
        version = reader.version()
        assert set(version.documents) == set(DOCUMENTS)
        assert (version.manifest.snapshot, version.manifest.citizens) == ("s1", 10)

    with_reader(url, case)


def test_a_flip_and_a_rollback_are_seen_within_a_second(
    url: str, server: EmbeddedStore, snapshots: Path
) -> None:
    publish_to(server, write_snapshot(snapshots, "s1", city(10, 1)))

    names = (f"s{number}" for number in itertools.count(2))

    async def case(reader: SnapshotReader) -> None:
        async def flipped() -> float:
            name = next(names)
            publish_to(server, write_snapshot(snapshots, name, city(10, 2)))
            return await seconds_until(lambda: is_at(reader, name))

        async def rolled_back() -> float:
            with connected(server) as store:
                _, name = pointers.rollback(store)
            seconds = await seconds_until(lambda: is_at(reader, name))
            await flipped()
            return seconds

        await awaited_within(1.0, flipped)
        await awaited_within(1.0, rolled_back)

    with_reader(url, case)


def test_a_request_in_flight_ends_on_the_version_it_began_with(
    url: str, server: EmbeddedStore, snapshots: Path
) -> None:
    publish_to(server, write_snapshot(snapshots, "s1", city(300, 1)))

    async def case(reader: SnapshotReader) -> None:
        began_with = reader.version()
        publish_to(server, write_snapshot(snapshots, "s2", city(300, 2)))
        await eventually(lambda: is_at(reader, "s2"))
        old = await reader.hot(began_with, subject(5))
        new = await reader.hot(reader.version(), subject(5))
        assert old.value is not None
        assert new.value is not None
        assert decode_hot(old.value, tag_of(subject(5))).score_points == 601
        assert decode_hot(new.value, tag_of(subject(5))).score_points == 602

    with_reader(url, case)


def test_a_snapshot_for_newer_readers_is_not_taken(
    url: str, server: EmbeddedStore, snapshots: Path
) -> None:
    publish_to(server, write_snapshot(snapshots, "s1", city(10, 1)))

    async def case(reader: SnapshotReader) -> None:
        newer = write_snapshot(snapshots, "s2", city(10, 2), min_reader=99)
        with connected(server) as store:
            store.call("SET", "m:s2", (newer / "manifest.json").read_bytes())
            store.call("SET", "current", "s2")
            await asyncio.sleep(0.6)
            assert reader.version().manifest.snapshot == "s1"
            assert (await reader.hot(reader.version(), subject(1))).value is not None

    with_reader(url, case)


def test_absence_is_not_believed_once_the_snapshot_is_gone(
    url: str, server: EmbeddedStore, snapshots: Path
) -> None:
    publish_to(server, write_snapshot(snapshots, "s1", city(10, 1)))

    async def case(reader: SnapshotReader) -> None:
        version = reader.version()
        with connected(server) as store:
            store.call("DEL", "m:s1", "h:s1:{0}")
        with pytest.raises(StoreDown, match="no longer in the store"):
            await reader.hot(version, subject(1))

    with_reader(url, case)


def test_an_empty_store_has_no_version_until_one_is_published(
    url: str, server: EmbeddedStore, snapshots: Path
) -> None:
    async def case(reader: SnapshotReader) -> None:
        with pytest.raises(StoreDown):
            reader.version()
        publish_to(server, write_snapshot(snapshots, "s1", city(10, 1)))
        await eventually(lambda: is_at(reader, "s1"))
        version = reader.version()
        assert (await reader.hot(version, subject(1))).value is not None

    with_reader(url, case)


def test_a_subject_of_another_length_never_reaches_the_wire(
    url: str, server: EmbeddedStore, snapshots: Path
) -> None:
    publish_to(server, write_snapshot(snapshots, "s1", city(10, 1)))

    async def case(reader: SnapshotReader) -> None:
        with pytest.raises(ValueError, match="22 characters"):
            await reader.hot(reader.version(), subject(1) + "\r\nFLUSHALL\r\n")
        assert (await reader.hot(reader.version(), subject(1))).value is not None

    with_reader(url, case)


def test_score_and_explanation_of_one_moment(
    url: str, server: EmbeddedStore, snapshots: Path
) -> None:
    """Read while another connection lays new records over both, hundreds of times a second: never
    the one of one overlay with the other of another."""
    publish_to(server, write_snapshot(snapshots, "s1", city(10, 1)))

    async def case(reader: SnapshotReader) -> None:
        version, name = reader.version(), subject(3)
        stop = threading.Event()
        writer = threading.Thread(target=_lay_over_and_over, args=(url, version, name, stop))
        writer.start()
        try:
            seen: set[tuple[int, int | None]] = set()
            looks, ends = 0, time.monotonic() + LONG_SECONDS
            while looks < 400 or (len(seen) <= 10 and time.monotonic() < ends):
                looks += 1
                life = await reader.life(version, name, "explanation")
                assert life.hot.value is not None
                assert life.beside is not None
                record = decode_hot(life.hot.value, tag_of(name))
                (item,) = decode_explanation(life.beside, tag_of(name))
                assert record.score_points == BASE_POINTS + item.points
                seen.add((record.score_points, life.overlaid_position))
            assert len(seen) > 10
        finally:
            stop.set()
            writer.join()

    with_reader(url, case)


def _lay_over_and_over(url: str, version: Version, name: str, stop: threading.Event) -> None:
    manifest = version.manifest
    with StoreConnection.open(url) as connection:
        position = 0
        while not stop.is_set():
            position += 1
            points = position % 300
            citizen = OverlaidCitizen(
                snapshot_subject=name,
                bucket=bucket_of(name, manifest.bucket_count),
                hot=hot_value(name, BASE_POINTS + points).decode(),
                explanation=explanation_value(name, [item(points)]).decode(),
            )
            assert lay(connection, manifest.snapshot, position, [citizen])


def test_the_life_of_nobody_is_empty_and_of_a_lost_snapshot_an_outage(
    url: str, server: EmbeddedStore, snapshots: Path
) -> None:
    publish_to(server, write_snapshot(snapshots, "s1", city(10, 1)))

    async def case(reader: SnapshotReader) -> None:
        life = await reader.life(reader.version(), subject(10_000), "history")
        assert (life.hot, life.beside, life.overlaid_position) == (Stored(None, None), None, None)
        with StoreConnection.open(url) as connection:
            connection.call("FLUSHALL")
        with pytest.raises(StoreDown):
            await reader.life(reader.version(), subject(3), "explanation")

    with_reader(url, case)
