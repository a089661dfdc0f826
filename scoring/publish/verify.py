"""Files against their signed manifest: nothing is believed that was not hashed."""

import hashlib
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from scoring import signing
from scoring.contract.snapshot import LookupPart, Manifest, SnapshotPart
from scoring.errors import VerificationFailed
from scoring.publish.lookups import check_lookup
from scoring.publish.records import Command, ExpectedKeys, damaged, take_documents

MANIFEST_FILE = "manifest.json"
SIGNATURE_FILE = "manifest.sig"
HASHING_AT_A_TIME = 2  # beside the one thread that looks into the files
DO = "build the snapshot again, or fetch it again from where it was built"


class RecordFile(msgspec.Struct, frozen=True):
    """A RESP part and its commands, in file order."""

    path: Path
    part: SnapshotPart
    commands: list[Command]


class VerifiedSnapshot(msgspec.Struct, frozen=True):
    """A snapshot whose every byte is what its signed manifest says."""

    manifest: Manifest
    manifest_bytes: bytes
    files: list[RecordFile]
    documents: dict[str, bytes]


def verify(snapshot_dir: Path, public_key: Ed25519PublicKey) -> VerifiedSnapshot:
    """Raises VerificationFailed with the part's name: signature, size, SHA-256, counts."""
    body = _signed_bytes(snapshot_dir, public_key)
    try:
        manifest = msgspec.json.decode(body, type=Manifest)
    except msgspec.DecodeError as error:
        raise VerificationFailed(
            "manifest_unreadable", str(error), where=MANIFEST_FILE, do=DO
        ) from error
    with ThreadPoolExecutor(HASHING_AT_A_TIME, thread_name_prefix="verify") as hashing:
        whole = {
            part.path: hashing.submit(_check_bytes, _path_of(snapshot_dir, part), part)
            for part in manifest.files
        }
        try:
            return _checked_counts(snapshot_dir, manifest, body, whole)
        finally:
            hashing.shutdown(cancel_futures=True)


def _signed_bytes(snapshot_dir: Path, public_key: Ed25519PublicKey) -> bytes:
    body = _read(snapshot_dir, MANIFEST_FILE)
    signing.verify(public_key, body, _read(snapshot_dir, SIGNATURE_FILE))
    return body


def _read(snapshot_dir: Path, name: str) -> bytes:
    try:
        return (snapshot_dir / name).read_bytes()
    except OSError as error:
        raise VerificationFailed(
            "snapshot_part_missing",
            error.strerror or "cannot be read",
            where=f"{snapshot_dir.name}/{name}",
            do=DO,
        ) from error


def _path_of(snapshot_dir: Path, part: SnapshotPart | LookupPart) -> Path:
    path = (snapshot_dir / part.path).resolve()
    if not path.is_relative_to(snapshot_dir.resolve()):
        raise damaged(part, "lies outside the snapshot's folder")
    return path


def _check_bytes(path: Path, part: SnapshotPart | LookupPart) -> None:
    try:
        size_bytes = path.stat().st_size
        if size_bytes != part.size_bytes:
            raise damaged(part, f"has {size_bytes} bytes instead of {part.size_bytes}")
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise VerificationFailed(
            "snapshot_part_missing", error.strerror or "cannot be read", where=part.path, do=DO
        ) from error
    if digest != part.sha256:
        raise damaged(part, "its SHA-256 is not the manifest's")


def _checked_counts(
    snapshot_dir: Path, manifest: Manifest, body: bytes, whole: Mapping[str, Future[None]]
) -> VerifiedSnapshot:
    """`whole`: by path, done where a file is what the manifest says. Each is looked into after that,
    while the next ones are hashed."""
    expected = ExpectedKeys(manifest)
    files: list[RecordFile] = []
    documents: dict[str, bytes] = {}
    for part in manifest.parts:
        path = _path_of(snapshot_dir, part)
        whole[part.path].result()
        if part.role == "records":
            files.append(RecordFile(path, part, expected.take(path, part)))
        elif path.suffix == ".resp":
            commands, found = take_documents(path, part, manifest)
            documents |= found
            files.append(RecordFile(path, part, commands))
        elif path.suffix == ".parquet":
            _check_rows(path, part)
    for file in files:
        if len(file.commands) != file.part.keys:
            raise damaged(file.part, f"sets {len(file.commands)} keys, not {file.part.keys}")
        records = sum(command.field_count for command in file.commands)
        if records != file.part.rows:
            raise damaged(file.part, f"holds {records} records, not {file.part.rows}")
    for what, held in (("citizens", expected.citizens), ("explanations", expected.explained)):
        if held != manifest.citizens:  # every score has an explanation
            raise VerificationFailed(
                "snapshot_counts_differ",
                f"record parts hold {held} {what} instead of {manifest.citizens}",
                where=MANIFEST_FILE,
                do=DO,
            )
    commands_in = {file.part.path: file.commands for file in files if file.part.role == "records"}
    if manifest.lookups and {lookup.records for lookup in manifest.lookups} != set(commands_in):
        raise VerificationFailed(
            "snapshot_counts_differ", "lookups of some parts only", where=MANIFEST_FILE, do=DO
        )
    for lookup in manifest.lookups:
        whole[lookup.path].result()
        check_lookup(_path_of(snapshot_dir, lookup), lookup, commands_in[lookup.records])
    return VerifiedSnapshot(manifest, body, files, documents)


def _check_rows(path: Path, part: SnapshotPart) -> None:
    import polars as pl  # verification by the API's neighbours must not pay for it at import

    try:
        rows = pl.scan_parquet(path).select(pl.len()).collect().item()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise damaged(part, "is not a Parquet file") from error
    if rows != part.rows:
        raise damaged(part, f"has {rows} rows instead of {part.rows}")
