"""What a build is made from, and the id that says so."""

import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Iterable
from concurrent.futures import Executor
from itertools import chain
from pathlib import Path

import msgspec
import polars as pl
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from scoring.contract.ledger_tables import (
    ENROLMENT_COLUMNS,
    ENROLMENTS_TABLE,
    RECORD_STATE_COLUMNS,
    RECORD_STATES_TABLE,
    ExportManifest,
)
from scoring.contract.snapshot import SCHEMA_VERSION, SourcePart
from scoring.durable import sha256_of
from scoring.errors import VerificationFailed
from scoring.lake.manifest import MANIFEST_NAME, read_manifest
from scoring.policy.coverage import NoticeCoverage

FILES_PER_JOB = 64  # hashed together: handing one file to a cluster costs more than its hash
EXPORT_NAME = "export.json"
_FACTS_PATH = re.compile(r"facts/kind=(?P<kind>\w+)/bucket=(?P<bucket>\d\d)/[^/]+\.parquet")


class BuildKeys(msgspec.Struct, frozen=True):
    """`snapshot_key`: 32 bytes, makes snapshot subjects; never leaves the coordinating process."""

    snapshot_key: bytes
    signing_key: Ed25519PrivateKey


class FactsFile(msgspec.Struct, frozen=True, kw_only=True):
    """One Parquet file of person records; `department` sent all of it."""

    kind: str
    department: str
    bucket: int
    part: SourcePart


class Export(msgspec.Struct, frozen=True):
    folder: Path
    manifest: ExportManifest

    def read(self, name: str, columns: Iterable[str]) -> pl.DataFrame:
        """Raises VerificationFailed where the export lacks the table or one of its columns."""
        for table in self.manifest.tables:
            if table.name == name:
                return _read_table(self.folder / table.path, columns)
        raise VerificationFailed(
            "export_incomplete", f"no table {name}", where=str(self.folder), do="export again"
        )

    def enrolments(self) -> pl.DataFrame:
        return self.read(ENROLMENTS_TABLE, ENROLMENT_COLUMNS)

    def record_states(self) -> pl.DataFrame:
        return self.read(RECORD_STATES_TABLE, RECORD_STATE_COLUMNS)


def facts_files(lake: Path) -> list[FactsFile]:
    """Person records of the lake's manifest in the order of their paths; a file on the disk that
    the manifest does not name does not exist. Raises VerificationFailed where there is no manifest:
    a disk that is not mounted looks like a city without records."""
    if not (lake / MANIFEST_NAME).exists():
        raise VerificationFailed(
            "lake_missing",
            "there is no lake",
            where=str(lake),
            do="mount or restore it; a new city begins with chengxin ingest",
        )
    named = (
        (_FACTS_PATH.fullmatch(part.path), file.department, part)
        for file in read_manifest(lake).files
        for part in file.parts
    )
    found = [
        FactsFile(kind=match["kind"], department=department, bucket=int(match["bucket"]), part=part)
        for match, department, part in named
        if match is not None
    ]
    return sorted(found, key=lambda file: file.part.path)


def read_export(folder: Path) -> Export:
    path = folder / EXPORT_NAME
    try:
        return Export(folder, msgspec.json.decode(path.read_bytes(), type=ExportManifest))
    except (OSError, msgspec.DecodeError) as error:
        raise VerificationFailed(
            "export_unreadable", str(error), where=str(path), do="export the ledger again"
        ) from error


def verify_inputs(lake: Path, files: list[FactsFile], export: Export, executor: Executor) -> None:
    """Raises VerificationFailed `hash_differs` for the first file that is not what its manifest
    says; nothing has been written then."""
    expected = [(lake / file.part.path, file.part.sha256) for file in files]
    expected += [(export.folder / table.path, table.sha256) for table in export.manifest.tables]
    paths = [path for path, _ in expected]
    groups = [paths[at : at + FILES_PER_JOB] for at in range(0, len(paths), FILES_PER_JOB)]
    hashes = chain.from_iterable(executor.map(_hashes, groups))
    for (path, sha256), found in zip(expected, hashes, strict=True):
        if found != sha256:
            raise VerificationFailed(
                "hash_differs" if found else "file_missing",
                f"SHA-256 is {found}, the manifest says {sha256}"
                if found
                else "the manifest names it, and it is not there",
                where=str(path),
                do="restore the file from backup; nothing was built",
            )


def snapshot_id(
    *,
    as_of: dt.date,
    files: list[FactsFile],
    export: ExportManifest,
    documents: Iterable[bytes],
    snapshot_key: bytes,
    previous: str,
    notices: NoticeCoverage | None,
) -> str:
    """`<yyyymmdd>-<12 hex>`: the day and a digest of everything that can change a byte."""
    described = msgspec.json.encode(
        {
            "schema": SCHEMA_VERSION,
            "as_of": as_of,
            "facts": [(file.department, file.part) for file in files],
            "export": export,
            "documents": [hashlib.sha256(document).hexdigest() for document in documents],
            "snapshot_key": hmac.digest(snapshot_key, b"key id", "sha256").hex()[:16],
            "digest": "sha256",  # of snapshot subjects
            "previous": previous,
            "notices": notices,
        },
        order="sorted",
    )
    return f"{as_of:%Y%m%d}-{hashlib.sha256(described).hexdigest()[:12]}"


def _hashes(paths: list[Path]) -> list[str | None]:
    return [sha256_of(path) if path.exists() else None for path in paths]


def _read_table(path: Path, columns: Iterable[str]) -> pl.DataFrame:
    try:
        return pl.read_parquet(path, columns=list(columns))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise VerificationFailed(
            "export_unreadable", str(error), where=str(path), do="export the ledger again"
        ) from error
