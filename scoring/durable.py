"""Writing that survives a kill and a power cut: the bytes reach the disk before the name does."""

import hashlib
import os
import secrets
from pathlib import Path

_CHUNK_BYTES = 1 << 20


def write_durably(path: Path, content: bytes) -> None:
    """Create or replace `path` atomically; its folder must exist. On an error all is as before."""
    temporary = path.with_name(f".{path.name}.new")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make created, replaced and removed names in `folder` last."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(path: Path, content: bytes) -> None:
    """Create or replace `path` atomically, its folder too; the name lasts once that is synced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = unfinished(path)
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def write_new(path: Path, content: bytes, *, mode: int) -> None:
    """Create `path` whole; what is there stays: FileExistsError, also where somebody else was first
    by a moment. Its folder must exist."""
    temporary = unfinished(path)
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def unfinished(path: Path) -> Path:
    """A name of its own: a job that was given up may still run beside the one in its place, on
    another machine with the same process id."""
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}")


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
