"""Load, read back, flip, roll back, prune against the real store, also when it is full."""

import itertools
import time
from pathlib import Path

import pytest

from scoring.contract.snapshot import (
    CURRENT_KEY,
    NEXT_KEY,
    PUBLISHER_KEY,
    ROLLBACK_KEY,
    explanation_key,
    hot_key,
    live_key,
    manifest_key,
)
from scoring.errors import ChengxinError, PublishLost, StoreUnavailable, VerificationFailed
from scoring.publish import pointers, prune
from scoring.publish.load import complete, load
from scoring.publish.publish import publish
from scoring.publish.read_back import read_back
from scoring.publish.verify import verify
from scoring.store.connection import StoreRefused
from scoring.store.embedded import EmbeddedStore
from tests.support.snapshots import PUBLIC_KEY, city, subject, write_snapshot
from tests.support.stores import (
    Bystander,
    all_keys,
    connected,
    fill_to_the_brim,
    has_work_in_progress,
    publish_to,
    race,
    stray_keys,
)
from tests.support.waiting import LONG_SECONDS, within


@pytest.fixture(autouse=True)
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests have no readers in flight; test_prune_waits_for_readers sets it again."""
    monkeypatch.setattr(prune, "GRACE_SECONDS", 0.0)


def published(server: EmbeddedStore, root: Path, *versions: int, size: int = 200) -> list[Path]:
    folders = [write_snapshot(root, f"s{version}", city(size, version)) for version in versions]
    for folder in folders:
        publish_to(server, folder)
    return folders


def served(server: EmbeddedStore) -> str | None:
    with connected(server) as store:
        return pointers.served_id(store)


def test_a_published_snapshot_is_in_the_store_byte_for_byte(
    server: EmbeddedStore, snapshots: Path
) -> None:
    (folder,) = published(server, snapshots, 1, size=1000)
    with connected(server) as store:
        snapshot = verify(folder, PUBLIC_KEY)
        read_back(store, snapshot, lambda done: None)
        assert store.call("GET", CURRENT_KEY) == b"s1"
        assert store.call("GET", manifest_key("s1")) == snapshot.manifest_bytes
        assert stray_keys(store) == set()
        assert not has_work_in_progress(store)


def test_every_bucket_stays_a_listpack(server: EmbeddedStore, snapshots: Path) -> None:
    published(server, snapshots, 1, size=1000)
    with connected(server) as store:
        buckets = [key for key in all_keys(store) if key[:2] in {"h:", "x:"}]
        assert len(buckets) == 32
        encodings = store.calls(("OBJECT", "ENCODING", key) for key in buckets)
        assert set(encodings) == {b"listpack"}


def test_a_store_without_our_limits_is_refused(server: EmbeddedStore, snapshots: Path) -> None:
    with connected(server) as store:
        store.call("CONFIG", "SET", "hash-max-listpack-entries", "8")
        try:
            with pytest.raises(StoreUnavailable, match="store_not_configured"):
                published(server, snapshots, 1)
            assert all_keys(store) == set()
        finally:
            store.call("CONFIG", "SET", "hash-max-listpack-entries", "512")


def test_publishing_the_served_snapshot_again_changes_nothing(
    server: EmbeddedStore, snapshots: Path
) -> None:
    (folder,) = published(server, snapshots, 1)
    assert publish_to(server, folder).outcome == "already_served"


def test_two_old_versions_stay_and_the_third_goes(server: EmbeddedStore, snapshots: Path) -> None:
    published(server, snapshots, 1, 2, 3, 4)
    with connected(server) as store:
        assert set(pointers.versions_in(store)) == {"s2", "s3", "s4"}
        assert stray_keys(store) == set()
        assert not [key for key in all_keys(store) if ":s1" in key]


def test_rollback_walks_back_along_the_kept_versions_and_no_further(
    server: EmbeddedStore, snapshots: Path
) -> None:
    published(server, snapshots, 1, 2, 3)
    with connected(server) as store:
        assert pointers.rollback(store) == ("s3", "s2")
        assert pointers.rollback(store) == ("s2", "s1")
        with pytest.raises(ChengxinError, match="nothing_to_roll_back_to"):
            pointers.rollback(store)
        assert pointers.served_id(store) == "s1"


def test_a_rollback_takes_less_than_a_second(server: EmbeddedStore, snapshots: Path) -> None:
    (folder,) = published(server, snapshots, 1)
    names = (f"s{number}" for number in itertools.count(2))

    def rolled_back() -> float:
        name = next(names)
        publish_to(server, write_snapshot(snapshots, name, city(200, 2)))
        with connected(server) as store:
            began = time.monotonic()
            assert pointers.rollback(store) == (name, folder.name)
            return time.monotonic() - began

    within(1.0, rolled_back)


def test_what_was_rolled_back_from_is_not_returned_to(
    server: EmbeddedStore, snapshots: Path
) -> None:
    published(server, snapshots, 1, 2)
    with connected(server) as store:
        pointers.rollback(store)
        published(server, snapshots, 3)
        assert pointers.rollback(store) == ("s3", "s1")
        prune.prune(store)
        assert set(pointers.versions_in(store)) == {"s1"}
        assert stray_keys(store) == set()


def test_the_pointer_can_be_rolled_back_by_hand_too(server: EmbeddedStore, snapshots: Path) -> None:
    published(server, snapshots, 1, 2)
    with connected(server) as store:
        store.call("RENAME", ROLLBACK_KEY, CURRENT_KEY)
        assert pointers.served_id(store) == "s1"
        published(server, snapshots, 3)
        assert pointers.rollback(store) == ("s3", "s1")


def test_a_snapshot_rolled_back_from_can_be_published_again(
    server: EmbeddedStore, snapshots: Path
) -> None:
    folders = published(server, snapshots, 1, 2)
    with connected(server) as store:
        pointers.rollback(store)
        publish_to(server, folders[1])
        assert pointers.served_id(store) == "s2"
        read_back(store, verify(folders[1], PUBLIC_KEY), lambda done: None)


def test_flip_and_rollback_work_in_a_full_store(server: EmbeddedStore, snapshots: Path) -> None:
    published(server, snapshots, 1)
    snapshot = verify(write_snapshot(snapshots, "s2", city(200, 2)), PUBLIC_KEY)
    with connected(server) as store, pointers.held_pen(store) as pen:
        pointers.stage(store, pen, snapshot.manifest)
        load(store, snapshot, lambda done: None)
        complete(store, snapshot)
        store.call("CONFIG", "SET", "maxmemory", "1")
        with pytest.raises(StoreRefused, match="store_full"):
            store.call("SET", "any", "thing")
        pointers.flip(store, pen, "s2", "s1")
        assert pointers.served_id(store) == "s2"
        assert pointers.rollback(store) == ("s2", "s1")
        assert pointers.served_id(store) == "s1"


def test_a_store_that_fills_up_during_the_load_keeps_the_old_version_and_no_rest(
    server: EmbeddedStore, snapshots: Path
) -> None:
    published(server, snapshots, 1)
    folder = write_snapshot(snapshots, "s2", city(3000, 2))
    with connected(server) as store:
        before = all_keys(store)
        fill_to_the_brim(store, spare_bytes=300_000)
        with pytest.raises(StoreUnavailable, match="store_full"):
            publish_to(server, folder, accepted=["count_shift"])
        assert all_keys(store) == before
        assert pointers.served_id(store) == "s1"
        store.call("CONFIG", "SET", "maxmemory", "0")
        assert publish_to(server, folder, accepted=["count_shift"]).outcome == "flipped"


def test_a_key_of_another_type_stops_the_load_midway(
    server: EmbeddedStore, snapshots: Path
) -> None:
    published(server, snapshots, 1)
    folder = write_snapshot(snapshots, "s2", city(1000, 2))
    with connected(server) as store:
        store.call("SET", explanation_key("s2", 7), "not a hash")
        with pytest.raises(StoreRefused, match="WRONGTYPE"):
            publish_to(server, folder)
        assert pointers.served_id(store) == "s1"
        assert stray_keys(store) == set()
        assert publish_to(server, folder).outcome == "flipped"


def test_records_of_somebody_else_in_a_bucket_stop_the_load(
    server: EmbeddedStore, snapshots: Path
) -> None:
    folder = write_snapshot(snapshots, "s1", city(200, 1))
    field = next(iter(city(1, 1)))[:16]
    with connected(server) as store:
        for bucket in range(4):
            store.call("HSET", hot_key("s1", bucket), field, "x")
    with pytest.raises(StoreUnavailable, match="store_counts_differ"):
        publish_to(server, folder)
    assert served(server) is None


def test_a_value_changed_in_the_store_before_the_flip_is_found(
    server: EmbeddedStore, snapshots: Path
) -> None:
    published(server, snapshots, 1)
    folder = write_snapshot(snapshots, "s2", city(200, 2))

    def tamper() -> None:
        with connected(server) as other:
            field, value = other.call("HGETALL", hot_key("s2", 1))[:2]
            other.call("HSET", hot_key("s2", 1), field, value[:-1] + b"9")

    with pytest.raises(StoreUnavailable, match="store_differs"):
        publish_to(server, folder, steps=Bystander("read back", tamper))
    assert served(server) == "s1"


def test_a_record_lost_in_the_store_before_the_flip_is_found_at_once(
    server: EmbeddedStore, snapshots: Path
) -> None:
    folder = write_snapshot(snapshots, "s1", city(200, 1))

    def lose() -> None:
        with connected(server) as other:
            other.call("DEL", hot_key("s1", 3))

    def found() -> None:
        with pytest.raises(StoreUnavailable, match="store_differs"):
            publish_to(server, folder, steps=Bystander("read back", lose))

    within(2.0, found)


def test_a_part_that_changes_after_it_was_verified_is_not_served(
    server: EmbeddedStore, snapshots: Path
) -> None:
    published(server, snapshots, 1)
    folder = write_snapshot(snapshots, "s2", city(200, 2))
    part = folder / "records-00.resp"

    def edit() -> None:
        part.write_bytes(part.read_bytes().replace(b"602,1", b"999,1"))

    with pytest.raises(VerificationFailed, match="changed after it was verified"):
        publish_to(server, folder, steps=Bystander("load", edit))
    assert served(server) == "s1"


def test_a_cut_part_is_refused_and_the_old_version_stays(
    server: EmbeddedStore, snapshots: Path
) -> None:
    published(server, snapshots, 1)
    folder = write_snapshot(snapshots, "s2", city(200, 2))
    part = folder / "records-00.resp"
    part.write_bytes(part.read_bytes()[:-100])
    with pytest.raises(VerificationFailed, match="records-00"):
        publish_to(server, folder)
    assert served(server) == "s1"


def test_a_rollback_during_a_publish_wins(server: EmbeddedStore, snapshots: Path) -> None:
    published(server, snapshots, 1, 2)
    folder = write_snapshot(snapshots, "s3", city(200, 3))

    def roll_back() -> None:
        with connected(server) as other:
            pointers.rollback(other)

    with pytest.raises(PublishLost, match="publish_moved"):
        publish_to(server, folder, steps=Bystander("read back", roll_back))
    assert served(server) == "s1"


def test_a_publisher_that_lost_its_pen_cannot_flip(server: EmbeddedStore, snapshots: Path) -> None:
    published(server, snapshots, 1)
    folder = write_snapshot(snapshots, "s2", city(200, 2))

    def usurp() -> None:
        with connected(server) as other:
            other.call("SET", PUBLISHER_KEY, "somebody:1")

    with pytest.raises(PublishLost, match="publish_fenced"):
        publish_to(server, folder, steps=Bystander("read back", usurp))
    assert served(server) == "s1"


@pytest.mark.parametrize(
    ("command", "refusal"),
    [(("SET", NEXT_KEY, "s9"), "publish_restaged"), (("DEL", "m:s2"), "publish_incomplete")],
)
def test_only_what_was_staged_and_is_complete_can_be_flipped_to(
    server: EmbeddedStore, snapshots: Path, command: tuple[str, ...], refusal: str
) -> None:
    published(server, snapshots, 1)
    folder = write_snapshot(snapshots, "s2", city(200, 2))

    def disturb() -> None:
        with connected(server) as other:
            other.call(*command)

    with pytest.raises(PublishLost, match=refusal):
        publish_to(server, folder, steps=Bystander("flip", disturb))
    assert served(server) == "s1"


def test_a_second_publisher_is_told_that_one_is_at_work(
    server: EmbeddedStore, snapshots: Path
) -> None:
    first = write_snapshot(snapshots, "s1", city(200, 1))
    second = write_snapshot(snapshots, "s2", city(200, 2))
    codes = []

    def publish_second() -> None:
        with pytest.raises(PublishLost, match="at work") as lost:
            publish_to(server, second)
        codes.append(lost.value.exit_code)

    publish_to(server, first, steps=Bystander("load", publish_second))
    assert (served(server), codes) == ("s1", [3])


def test_of_two_publishers_at_once_one_wins_and_the_other_ends_with_3(
    server: EmbeddedStore, snapshots: Path
) -> None:
    published(server, snapshots, 1)
    for round_number in range(20):
        names = [f"r{round_number}-{letter}" for letter in "ab"]
        codes = race(server.url, [write_snapshot(snapshots, name, city(200, 5)) for name in names])
        winner = served(server)
        assert winner in names
        assert codes[winner] == 0
        assert sorted(codes.values()) == [0, 3]
        with connected(server) as store:
            assert stray_keys(store) == set()
            read_back(store, verify(snapshots / winner, PUBLIC_KEY), lambda done: None)


def test_the_slower_of_two_publishers_that_began_together_loses(
    server: EmbeddedStore, snapshots: Path
) -> None:
    published(server, snapshots, 1)
    slow = write_snapshot(snapshots, "s2", city(200, 2))
    quick = write_snapshot(snapshots, "s3", city(200, 3))
    with pytest.raises(PublishLost, match="moved the pointer first"):
        publish_to(server, slow, steps=Bystander("verify", lambda: publish_to(server, quick)))
    assert served(server) == "s3"


def test_prune_waits_for_readers(
    server: EmbeddedStore, snapshots: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(server, snapshots, 1, 2)
    with connected(server) as store:
        pointers.rollback(store)
        retired = time.monotonic()
        monkeypatch.setattr(prune, "GRACE_SECONDS", LONG_SECONDS)
        assert prune.prune(store, is_waiting=False).waiting == ["s2"]
        monkeypatch.setattr(prune, "GRACE_SECONDS", 0.4)
        assert prune.prune(store).versions == ["s2"]
        assert time.monotonic() - retired >= 0.35


def test_live_marks_go_when_every_kept_version_has_folded_them_in(
    server: EmbeddedStore, snapshots: Path
) -> None:
    for version, position in ((1, 10), (2, 20), (3, 30)):
        folder = write_snapshot(
            snapshots, f"s{version}", city(200, version), ledger_position=position
        )
        publish_to(server, folder)
    with connected(server) as store:
        for number, mark in enumerate(("e:9", "w:10", "w:11", "e:31")):
            store.call("SET", live_key(subject(number)), mark)
        assert prune.prune(store).marks == 2
        marks = store.call("MGET", *(live_key(subject(number)) for number in range(4)))
        assert marks == [None, None, b"w:11", b"e:31"]


def test_a_hung_store_ends_the_command_within_its_timeout(
    server: EmbeddedStore, snapshots: Path
) -> None:
    import os
    import signal

    from scoring.store.connection import StoreConnection

    folder = write_snapshot(snapshots, "s1", city(200, 1))
    os.kill(server.pid, signal.SIGSTOP)
    try:

        def given_up() -> None:
            with (
                pytest.raises(StoreUnavailable, match="hung"),
                StoreConnection.open(server.url, timeout_seconds=0.3) as store,
            ):
                publish(folder, store, PUBLIC_KEY)

        within(2.0, given_up)
    finally:
        os.kill(server.pid, signal.SIGCONT)
