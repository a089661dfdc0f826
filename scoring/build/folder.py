"""A snapshot's folder: under its name it is whole, or it is not there."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from scoring.contract.snapshot import Manifest
from scoring.durable import sha256_of, sync_folder
from scoring.errors import ChengxinError, StoreUnavailable, VerificationFailed
from scoring.signing import verify

MANIFEST_NAME = "manifest.json"
SIGNATURE_NAME = "manifest.sig"


def is_complete(target: Path, key: Ed25519PublicKey) -> bool:
    """Signed with `key`, and every part is what the manifest says."""
    try:
        content = (target / MANIFEST_NAME).read_bytes()
        verify(key, content, (target / SIGNATURE_NAME).read_bytes())
        manifest = msgspec.json.decode(content, type=Manifest)
        return all(sha256_of(target / part.path) == part.sha256 for part in manifest.files)
    except (OSError, msgspec.DecodeError, VerificationFailed):
        return False


@contextmanager
def unfinished_folder(target: Path) -> Iterator[tuple[Path, Path]]:
    """A work folder and the snapshot's folder under a name nobody reads; on success the second is
    renamed to `target`, in any case the rest is removed, what a killed build left included. Only
    inside `only_build`. Raises StoreUnavailable for every error of the disk inside it."""
    scratch = target.parent / ".building"
    shutil.rmtree(scratch, ignore_errors=True)
    work, unfinished = scratch / "work", scratch / target.name
    work.mkdir(parents=True)
    unfinished.mkdir()
    try:
        yield work, unfinished
        _replace_folder(unfinished, target, scratch / "broken")
    except OSError as error:
        raise StoreUnavailable(
            "snapshot_not_written",
            str(error),
            where=str(target.parent),
            do="make room, or see that it may be written; nothing of this build is left",
        ) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def only_build(out: Path) -> Iterator[None]:
    with (out / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ChengxinError(
                "build_running",
                "another build, or a retention run, is at work here",
                where=str(out),
                do="wait for it to end",
            ) from error
        yield


def _replace_folder(unfinished: Path, target: Path, broken: Path) -> None:
    if target.exists():
        target.rename(broken)
    for folder, _, _ in os.walk(unfinished):
        sync_folder(Path(folder))
    unfinished.rename(target)
    sync_folder(target.parent)
