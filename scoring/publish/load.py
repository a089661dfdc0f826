"""Verified bytes into the store, under a version that nobody reads yet."""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence

from scoring.contract.snapshot import manifest_key
from scoring.errors import StoreUnavailable
from scoring.publish.records import Command, damaged
from scoring.publish.verify import RecordFile, VerifiedSnapshot
from scoring.store.connection import StoreConnection

Progress = Callable[[int], None]  # bytes done since the last call

# In flight at most twice this: one slice being worked on, one on its way.
SLICE_BYTES = 64 << 10
# The publisher rests this share of the time the store took for its slices. The store turns to its
# readers after every 16 kB of a loader in any case, about 0.1 ms; the rest is for their median: 74 us
# without a publisher, 122 beside this one, 181 beside one that never rests.
REST_SHARE = 0.25
# Rests are saved up until they are this long: waking up takes 0.06 ms, however short the sleep.
SHORTEST_REST_SECONDS = 0.0005


class Rest:
    """Time owed to the store's other users."""

    def __init__(self) -> None:
        self._owed_seconds = 0.0

    def after(self, busy_seconds: float) -> None:
        self._owed_seconds += busy_seconds * REST_SHARE
        if self._owed_seconds >= SHORTEST_REST_SECONDS:
            time.sleep(self._owed_seconds)
            self._owed_seconds = 0.0


def slices(commands: Sequence[Command], slice_bytes: int) -> Iterator[Sequence[Command]]:
    """Neighbours that together are about `slice_bytes`; a larger command is a slice of its own."""
    first = 0
    for last, command in enumerate(commands):
        if command.end - commands[first].start > slice_bytes and last > first:
            yield commands[first:last]
            first = last
    if commands:
        yield commands[first:]


def load(store: StoreConnection, snapshot: VerifiedSnapshot, progress: Progress) -> None:
    """All keys but the manifest's. Raises StoreUnavailable or VerificationFailed; never retries."""
    for file in snapshot.files:
        _load_file(store, file, progress)


def complete(store: StoreConnection, snapshot: VerifiedSnapshot) -> None:
    """The manifest's key, last: from now on readers may believe that what is missing is missing."""
    store.call("SET", manifest_key(snapshot.manifest.snapshot), snapshot.manifest_bytes)


def _load_file(store: StoreConnection, file: RecordFile, progress: Progress) -> None:
    digest = hashlib.sha256()
    rest = Rest()
    in_flight: Sequence[Command] = ()
    with file.path.open("rb") as part:
        for commands in slices(file.commands, SLICE_BYTES):
            data = part.read(commands[-1].end - commands[0].start)
            began = time.perf_counter()
            store.send(data)
            digest.update(data)  # while the store takes it in
            _check_replies(store, in_flight, file)
            in_flight = commands
            rest.after(time.perf_counter() - began)
            progress(len(data))
    if digest.hexdigest() != file.part.sha256:
        raise damaged(file.part, "changed after it was verified")
    _check_replies(store, in_flight, file)


def _check_replies(store: StoreConnection, commands: Sequence[Command], file: RecordFile) -> None:
    """HSET answers how many fields are new: all of them, for the keys did not exist."""
    for command, reply in zip(commands, store.replies(len(commands)), strict=True):
        if reply != command.field_count:
            raise StoreUnavailable(
                "store_counts_differ",
                f"a bucket took {reply} new records instead of {command.field_count}",
                where=f"{file.part.path} {command.key.decode()}",
                do="publish again; if it happens again, look who else writes to this store",
            )
