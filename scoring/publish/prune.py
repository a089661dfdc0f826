"""Old versions and old live marks out of the store, in slices, found by name."""

import time
from collections.abc import Iterator
from itertools import islice

import msgspec

from scoring.contract.snapshot import (
    VERSIONS_KEY,
    StoredVersion,
    documents_key,
    explanation_key,
    history_key,
    hot_key,
    live_key,
    overlay_key,
)
from scoring.publish import pointers, scripts
from scoring.store.connection import StoreConnection

KEPT_OLD_VERSIONS = 2
# A reader asks for `current` every 0.25 s and gives up a read after 0.25 s; twice that and more.
GRACE_SECONDS = 2.0
KEYS_PER_SLICE = 64  # 64 buckets of 20 kB are freed in about 0.1 ms
MARKS_PER_SLICE = 250
REST_SECONDS = 0.0005


class Pruned(msgspec.Struct, frozen=True, kw_only=True):
    versions: list[str]
    waiting: list[str]  # retired too recently; the next run takes them
    marks: int


def prune(store: StoreConnection, *, is_waiting: bool = True) -> Pruned:
    """Remove all but the served version and the two before it. `is_waiting`: wait until readers
    have left the others; else leave those. Raises PublishLost while a publisher is at work."""
    with pointers.held_pen(store) as pen:
        pointers.clear_stage(store)
        return prune_held(store, pen, is_waiting=is_waiting)


def prune_held(store: StoreConnection, pen: str, *, is_waiting: bool) -> Pruned:
    """As `prune`, by the holder of the pen."""
    removed: list[str] = []
    waiting: list[str] = []
    versions = pointers.versions_in(store)
    for snapshot in _removable(versions, pointers.served_id(store)):
        wait_seconds = _grace_left(store, versions[snapshot])
        if wait_seconds > 0 and not is_waiting:
            waiting.append(snapshot)
            continue
        time.sleep(wait_seconds)
        remove(store, pen, snapshot, versions[snapshot].bucket_count)
        removed.append(snapshot)
    return Pruned(versions=removed, waiting=waiting, marks=_drop_marks(store))


def _removable(versions: dict[str, StoredVersion], served: str | None) -> list[str]:
    if served is None or served not in versions:
        return list(versions)
    number = versions[served].flip_number
    older = [name for name, entry in versions.items() if 0 < entry.flip_number < number]
    older.sort(key=lambda name: versions[name].flip_number, reverse=True)
    kept = {served, *older[:KEPT_OLD_VERSIONS]}
    return [name for name in versions if name not in kept]


def _grace_left(store: StoreConnection, version: StoredVersion) -> float:
    if version.retired_ms == 0:
        return 0.0
    seconds, microseconds = store.call("TIME")
    age_seconds = int(seconds) + int(microseconds) / 1e6 - version.retired_ms / 1e3
    return max(0.0, GRACE_SECONDS - age_seconds)


def wait_for_readers(store: StoreConnection, version: StoredVersion) -> None:
    time.sleep(_grace_left(store, version))


def remove(store: StoreConnection, pen: str, snapshot: str, bucket_count: int) -> None:
    """All keys of a version that is not served. Killed half-way, the next prune ends it."""
    pointers.condemn(store, pen, snapshot)
    keys = _keys_of(snapshot, bucket_count)
    while names := list(islice(keys, KEYS_PER_SLICE)):
        store.call("UNLINK", *names)
        time.sleep(REST_SECONDS)
    store.call("HDEL", VERSIONS_KEY, snapshot)


def _keys_of(snapshot: str, bucket_count: int) -> Iterator[str]:
    yield documents_key(snapshot)
    yield overlay_key(snapshot)
    for bucket in range(bucket_count):
        yield hot_key(snapshot, bucket)
        yield explanation_key(snapshot, bucket)
        yield history_key(snapshot, bucket)


def _drop_marks(store: StoreConnection) -> int:
    """Marks at or below the ledger position of every version that can be served again are folded
    into all of them. The only SCAN: marks are written by the service, and nobody lists them."""
    kept = [v.ledger_position for v in pointers.versions_in(store).values() if v.flip_number]
    if not kept:
        return 0
    dropped, cursor = 0, b"0"
    while True:
        cursor, keys = store.call(
            "SCAN", cursor, "MATCH", live_key("*"), "COUNT", MARKS_PER_SLICE, "TYPE", "string"
        )
        if keys:
            dropped += store.call("EVAL", scripts.DROP_MARKS, len(keys), *keys, min(kept))
        if cursor == b"0":
            return dropped
        time.sleep(REST_SECONDS / 5)
