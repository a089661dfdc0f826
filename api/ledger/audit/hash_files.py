"""Hashes of complete subtrees in files: a head over ten million events in a few reads.

Every eighth level is kept: 32 bytes an event, and 1/256 of that for each level above. What lies
between is computed from at most 128 neighbours. The files can be made again from the ledger; kept,
they name the very event that was changed, once their own root has been held against a signed one.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from api.ledger.merkle.growing import complete_root
from api.ledger.merkle.hashing import HASH_BYTES, TreeHash

LEVEL_STEP = 8
FAN = 1 << LEVEL_STEP  # nodes of one kept level below a node of the next
LEVELS = range(0, 40, LEVEL_STEP)  # 2^40 events are 70 years at 500 a second
READ_HASHES = 1 << 16


def sync_folder(folder: Path) -> None:
    """The names in it, on disk."""
    entry = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(entry)
    finally:
        os.close(entry)


class HashFiles:
    """The Subtrees of `merkle.tree`, as far as they are kept in `folder`; a context manager.
    `is_writable` makes what is missing; else what is missing holds nothing."""

    def __init__(self, folder: Path, tree_hash: TreeHash, *, is_writable: bool = False) -> None:
        self._tree_hash = tree_hash
        self._folder = folder
        flags = os.O_CLOEXEC | (os.O_RDWR | os.O_CREAT if is_writable else os.O_RDONLY)
        if is_writable:
            folder.mkdir(parents=True, exist_ok=True)
        paths = {level: folder / f"level-{level:02}" for level in LEVELS}
        self._files = {
            level: os.open(path, flags, 0o644)
            for level, path in paths.items()
            if is_writable or path.exists()
        }

    def __enter__(self) -> "HashFiles":
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            os.close(file)

    @property
    def tree_hash(self) -> TreeHash:
        return self._tree_hash

    @property
    def size(self) -> int:
        return self._count(0)

    def node(self, level: int, index: int) -> bytes:
        kept = level - level % LEVEL_STEP
        while kept and (index + 1) << (level - kept) > self._count(kept):
            kept -= LEVEL_STEP  # being written just now, or never finished
        width = 1 << (level - kept)
        return complete_root(self._tree_hash, self._read(kept, index * width, width))

    def leaves(self, size: int) -> Iterator[bytes]:
        """The first `size` leaf hashes."""
        for start in range(0, size, READ_HASHES):
            yield from self._read(0, start, min(READ_HASHES, size - start))

    def leaf_run(self, start: int, count: int) -> bytes:
        """Leaf hashes side by side, fewer where there are no more."""
        return (
            os.pread(self._files[0], count * HASH_BYTES, start * HASH_BYTES) if self.size else b""
        )

    @contextlib.contextmanager
    def sole_writer(self) -> Iterator[None]:
        """Waits for another process that adds."""
        lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def cut(self, size: int) -> None:
        """Forget the leaves from `size` on: nobody has signed them, and a crash may have left
        anything there. Only inside sole_writer."""
        for level, file in self._files.items():
            count = min(self._count(level), size >> level)
            if level:
                count = min(count, self._count(level - LEVEL_STEP) // FAN)
            os.ftruncate(file, count * HASH_BYTES)
        self._complete_levels()

    def add(self, leaf_hashes: Sequence[bytes]) -> None:
        """Only inside sole_writer, after cut."""
        self._append(0, leaf_hashes)
        self._complete_levels()

    def sync(self) -> None:
        for file in self._files.values():
            os.fsync(file)
        sync_folder(self._folder)

    def _complete_levels(self) -> None:
        for level in LEVELS[1:]:
            below = level - LEVEL_STEP
            missing = range(self._count(level), self._count(below) // FAN)
            hashes = [self._read(below, index * FAN, FAN) for index in missing]
            self._append(level, [complete_root(self._tree_hash, run) for run in hashes])

    def _append(self, level: int, hashes: Sequence[bytes]) -> None:
        data, at = memoryview(b"".join(hashes)), self._count(level) * HASH_BYTES
        while data:
            written = os.pwrite(self._files[level], data, at)
            data, at = data[written:], at + written

    def _count(self, level: int) -> int:
        if level not in self._files:
            return 0
        return os.fstat(self._files[level]).st_size // HASH_BYTES

    def _read(self, level: int, start: int, count: int) -> list[bytes]:
        run = os.pread(self._files[level], count * HASH_BYTES, start * HASH_BYTES)
        if len(run) != count * HASH_BYTES:
            raise IndexError(f"level {level} ends before node {start + count}")
        return [run[at : at + HASH_BYTES] for at in range(0, len(run), HASH_BYTES)]
