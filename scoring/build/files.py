"""Files that are whole or not there."""

import hashlib
import os
import secrets
from pathlib import Path

import polars as pl

_CHUNK_BYTES = 1 << 20


def write_whole(path: Path, content: bytes) -> None:
    """Durable when it returns; a reader sees the old content, the new or none, never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = _unfinished(path)
    with unfinished.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def _unfinished(path: Path) -> Path:
    """A name of its own: a job that was given up may still run beside the one in its place, on
    another machine with the same process id."""
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}")


def sync_folder(folder: Path) -> None:
    """Make renames inside `folder` survive power loss."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def spill(frame: pl.DataFrame, folder: Path, by: str, name: str) -> None:
    """Write `folder/<by>=NN/<name>.arrow` for every value of the small integer column `by`.

    Not synced: spilled files live and die within one build.
    """
    for (value,), rows in frame.partition_by(by, as_dict=True).items():
        path = spilled(folder, by, value) / f"{name}.arrow"
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = _unfinished(path)
        rows.write_ipc(unfinished)
        unfinished.replace(path)


def spilled(folder: Path, by: str, value: int) -> Path:
    return folder / f"{by}={value:02d}"


def read_spilled(folder: Path, columns: dict[str, pl.DataType]) -> pl.LazyFrame:
    """All rows spilled into `folder`, in no particular order; none where nothing was spilled."""
    paths = sorted(folder.glob("*.arrow"))
    if not paths:
        return pl.LazyFrame(schema=columns)
    return pl.scan_ipc(paths).select(*columns)
