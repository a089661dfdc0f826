"""Where heads and kept hashes lie, and how a head is written: whole, and never twice."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from api.ledger.audit.hash_files import sync_folder
from api.ledger.audit.heads import HeadWrong, TreeHead, verify_head

HEAD_SUFFIX = ".head"


class StoredHead(msgspec.Struct, frozen=True):
    name: str
    note: str
    head: TreeHead


def heads_folder(data: Path) -> Path:
    return data / "heads"


def tree_folder(data: Path) -> Path:
    return data / "tree"


def stored_heads(folder: Path, key: Ed25519PublicKey, origin: str | None) -> list[StoredHead]:
    """In the order of their names, which is that of time. Raises HeadWrong, naming the file."""
    return [read_head(path, key, origin) for path in head_paths(folder)]


def newest_head(folder: Path, key: Ed25519PublicKey, origin: str | None) -> StoredHead | None:
    """Raises HeadWrong."""
    paths = head_paths(folder)
    return read_head(paths[-1], key, origin) if paths else None


def head_paths(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*{HEAD_SUFFIX}"))


def read_head(path: Path, key: Ed25519PublicKey, origin: str | None) -> StoredHead:
    """Raises HeadWrong, naming the file; OSError."""
    try:
        note = path.read_text("utf-8")
        return StoredHead(path.name, note, verify_head(note, key, origin))
    except (HeadWrong, UnicodeDecodeError) as error:
        raise HeadWrong(f"{path.name}: {error}") from error


def write_head(folder: Path, head: TreeHead, note: str) -> Path:
    """Raises FileExistsError where this second has its head."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{head.at:%Y%m%dT%H%M%SZ}{HEAD_SUFFIX}"
    with _unfinished(folder) as (descriptor, unfinished):
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(note)
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
        os.link(unfinished, path)
    return path


@contextlib.contextmanager
def _unfinished(folder: Path) -> Iterator[tuple[int, str]]:
    """A temporary file that is gone afterwards, and the folder synced."""
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=".head-")
    try:
        yield descriptor, name
    finally:
        Path(name).unlink()
        sync_folder(folder)
