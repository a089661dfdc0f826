"""Which snapshot the pages show: the one being served, as the interface answers from it."""

import datetime as dt
from pathlib import Path

import msgspec

from scoring.contract.served import told_as_served
from scoring.contract.snapshot import Manifest
from scoring.durable import sha256_of
from scoring.errors import VerificationFailed

MANIFEST = "manifest.json"


class Shown(msgspec.Struct, frozen=True):
    """`why`: in the operator's words."""

    folder: Path
    why: str


def shown_snapshot(data: Path) -> Shown | None:
    """The version told as served, where its documents are as its manifest says, else the newest;
    None before the first build. Raises VerificationFailed where neither can be read."""
    snapshots = data / "snapshots"
    told = told_as_served(snapshots)
    if told is not None and (folder := _whole(snapshots, told)) is not None:
        return Shown(folder, "which is served")
    newest = newest_snapshot(snapshots)
    if newest is None:
        return None
    missing = "nothing is told as served" if told is None else f"{told} is served and not whole"
    return Shown(newest, f"the newest: {missing}")


class _SnapshotDay(msgspec.Struct):
    """The manifest's members that order snapshots; the rest is not read here."""

    as_of: dt.date
    ledger_position: int


def newest_snapshot(snapshots: Path) -> Path | None:
    """The folder with the latest as-of day, then ledger position, then id."""
    manifests = snapshots.glob(f"*/{MANIFEST}")
    found = [order for manifest in manifests if (order := _order(manifest)) is not None]
    return snapshots / max(found)[-1] if found else None


def _order(manifest: Path) -> tuple[dt.date, int, str] | None:
    try:
        day = msgspec.json.decode(manifest.read_bytes(), type=_SnapshotDay)
    except FileNotFoundError:  # one that is just ending is none
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise VerificationFailed(
            "site_document_unreadable",
            str(error),
            where=str(manifest),
            do="build the snapshot again",
        ) from error
    return day.as_of, day.ledger_position, manifest.parent.name


def _whole(snapshots: Path, told: str) -> Path | None:
    """The folder, where everything the pages read of it is there as it was built."""
    folder = snapshots / told
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
        documents = [part for part in manifest.parts if part.role == "documents"]
        is_whole = all(sha256_of(folder / part.path) == part.sha256 for part in documents)
    except (OSError, msgspec.DecodeError):
        return None
    # A name from a file is no path: the manifest must call itself so.
    return folder if is_whole and manifest.snapshot == told == folder.name else None
