"""The inputs a served snapshot was made from, found again and checked, once a version."""

from pathlib import Path

import msgspec
import polars as pl
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from scoring.build.corrections import deliveries, stale_rows
from scoring.build.folder import MANIFEST_NAME
from scoring.build.inputs import FactsFile, facts_files
from scoring.contract.snapshot import Manifest
from scoring.durable import sha256_of
from scoring.errors import VerificationFailed
from scoring.history.previous import Previous, verified_previous


class ServedInputs(msgspec.Struct, frozen=True, kw_only=True):
    """`own`: the snapshot itself, as what histories of today continue; `stale`: rows of its lake
    that a later file replaced."""

    manifest: Manifest
    lake: Path
    files: list[FactsFile]
    stale: pl.DataFrame
    own: Previous


def served_inputs(
    manifest: Manifest, snapshots: Path, lake: Path, key: Ed25519PublicKey
) -> ServedInputs:
    """`manifest`: as the store has it. Raises VerificationFailed where snapshot or lake on the disk
    are not what is being served."""
    folder = snapshots / manifest.snapshot
    own = verified_previous(folder, key)
    if msgspec.json.decode((folder / MANIFEST_NAME).read_bytes(), type=Manifest) != manifest:
        raise VerificationFailed(
            "snapshot_differs",
            "the store serves another snapshot of this name",
            where=str(folder),
            do="publish a new build",
        )
    files = _files(lake, manifest)
    stale = [stale_rows(lake, group) for group in deliveries(files)]
    return ServedInputs(
        manifest=manifest,
        lake=lake,
        files=files,
        stale=pl.concat(stale).drop("lake_bucket") if stale else pl.DataFrame(),
        own=own,
    )


def _files(lake: Path, manifest: Manifest) -> list[FactsFile]:
    """The lake may have grown since."""
    sources = {source.path: source for source in manifest.sources}
    files = [file for file in facts_files(lake) if sources.get(file.part.path) == file.part]
    for file in files:
        path = lake / file.part.path
        if not path.exists() or sha256_of(path) != file.part.sha256:
            raise _changed(str(path))
    if len(files) != len(sources):
        raise _changed(str(lake))
    return files


def _changed(where: str) -> VerificationFailed:
    return VerificationFailed(
        "lake_differs",
        "the lake is not the one the served snapshot was made from",
        where=where,
        do="restore the lake from backup, or publish a new build",
    )
