"""Last stage: parts, reject list and manifest reach the lake together or not at all.

Parts are named by the file's id, so an intent file that names kind and id is enough to find what a
killed run left behind. The manifest's replacement is the moment at which the file exists.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec

from scoring.contract.snapshot import SourcePart
from scoring.durable import sync_folder, write_durably
from scoring.errors import StoreUnavailable, VerificationFailed
from scoring.ingest.parts import Part, parquet_of
from scoring.lake.manifest import LakeFile, LakeManifest, read_manifest, write_manifest

LOCK_NAME = ".lock"
INTENT_NAME = ".intent.json"

_WRITERS = 8


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    file_id: str
    kind: str


@contextmanager
def locked_lake(lake: Path) -> Iterator[None]:
    """One writer at a time; the kernel lets go when a process dies. Cleans up after a killed one.

    Raises StoreUnavailable where another ingest is running.
    """
    lake.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(lake / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreUnavailable(
                "lake_busy", "another ingest is writing", where=str(lake), do="wait for its end"
            ) from None
        _clean_up(lake)
        yield
    finally:
        os.close(descriptor)


def announce(lake: Path, intent: Intent) -> None:
    """Say what is about to be written; a run that dies after this leaves nothing that stays."""
    write_durably(lake / INTENT_NAME, msgspec.json.encode(intent))


def write_parts(lake: Path, parts: Iterable[Part]) -> list[SourcePart]:
    """Several at a time: waiting for the disk is most of it, and syncs at once share a journal."""
    with ThreadPoolExecutor(_WRITERS) as writers:
        named = list(writers.map(partial(_write_part, lake), parts))
    for folder in _new_names({(lake / part.path).parent for part in named}, lake):
        sync_folder(folder)
    return named


def _write_part(lake: Path, part: Part) -> SourcePart:
    content = parquet_of(part.rows)
    path = lake / part.path
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, content)
    sync_folder(path.parent)
    digest = hashlib.sha256(content).hexdigest()
    return SourcePart(path=part.path, rows=part.rows.height, sha256=digest)


def write_rejects(lake: Path, path: str, content: bytes) -> None:
    folder = (lake / path).parent
    folder.mkdir(exist_ok=True)
    _write(lake / path, content)
    sync_folder(folder)


def commit(lake: Path, manifest: LakeManifest, file: LakeFile, key_check: str) -> None:
    written = msgspec.structs.replace(manifest, files=[*manifest.files, file], key_check=key_check)
    write_manifest(lake, written)
    _forget_intent(lake)


def roll_back(lake: Path) -> None:
    """After an error in this process: as the next run would do after a kill."""
    _clean_up(lake)


def _clean_up(lake: Path) -> None:
    path = lake / INTENT_NAME
    if not path.exists():
        return
    try:
        intent = msgspec.json.decode(path.read_bytes(), type=Intent)
    except msgspec.DecodeError as error:
        raise VerificationFailed(
            "lake_intent_unreadable",
            str(error),
            where=str(path),
            do="somebody else wrote it: restore the lake from backup",
        ) from error
    if intent.file_id not in {file.file_id for file in read_manifest(lake).files}:
        for orphan in _files_of(lake, intent):
            orphan.unlink()
    _forget_intent(lake)


def _files_of(lake: Path, intent: Intent) -> list[Path]:
    name = f"{intent.file_id}.parquet"
    return [
        *lake.glob(f"facts/kind={intent.kind}/bucket=*/{name}"),
        *lake.glob(f"organisations/kind={intent.kind}/{name}"),
        *lake.glob(f"rejects/{intent.file_id}.csv"),
    ]


def _forget_intent(lake: Path) -> None:
    (lake / INTENT_NAME).unlink()
    sync_folder(lake)


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _new_names(folders: set[Path], lake: Path) -> set[Path]:
    """The folders above the parts' own: a new bucket or kind is a new name in one of them."""
    above = {parent for folder in folders for parent in folder.parents}
    return {folder for folder in above if folder == lake or lake in folder.parents}
