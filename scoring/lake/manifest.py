"""The lake's manifest: the one file whose atomic replacement makes accepted records exist."""

import datetime as dt
from pathlib import Path

import msgspec

from scoring.contract.snapshot import SourcePart
from scoring.durable import write_durably
from scoring.errors import VerificationFailed

MANIFEST_NAME = "manifest.json"


class LakeFile(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted source file. `file_id`: first 16 hex digits of its SHA-256."""

    file_id: str
    name: str
    sha256: str
    kind: str
    department: str
    sequence: int
    sent_on: dt.date
    catalogue_version: str
    submitted: int
    accepted: int
    rejected: int
    parts: list[SourcePart]


class LakeManifest(msgspec.Struct, frozen=True, kw_only=True):
    """`key_check`: a keyed hash by which the door notices another lake key or digest; empty in a
    lake made without a door."""

    schema: int = 1
    key_check: str = ""
    files: list[LakeFile] = []


def read_manifest(lake: Path) -> LakeManifest:
    """The lake's manifest; an empty one where nothing was ever accepted."""
    path = lake / MANIFEST_NAME
    if not path.exists():
        return LakeManifest()
    try:
        return msgspec.json.decode(path.read_bytes(), type=LakeManifest)
    except msgspec.DecodeError as error:
        raise VerificationFailed(
            "lake_manifest_unreadable", str(error), where=str(path), do="restore it from backup"
        ) from error


def write_manifest(lake: Path, manifest: LakeManifest) -> None:
    """Replace the lake's manifest atomically: from here on its files exist, before they did not."""
    lines = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    write_durably(lake / MANIFEST_NAME, lines + b"\n")
