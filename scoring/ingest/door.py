"""The door: a delivered file is taken into the lake, or nothing of it is."""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec
import polars as pl

from scoring.catalogue.kinds import Catalogue, SourceKind
from scoring.contract.pseudonyms import Digest
from scoring.delivery import DeliveryNote
from scoring.errors import InputRefused, StoreUnavailable, VerificationFailed
from scoring.ingest import rejects
from scoring.ingest.checking import CheckedFile, check_file
from scoring.ingest.delivery_note import check_note, read_note
from scoring.ingest.file_bytes import FileBytes, inspect_bytes, refuse_if_changed
from scoring.ingest.lake_commit import (
    Intent,
    announce,
    commit,
    locked_lake,
    roll_back,
    write_parts,
    write_rejects,
)
from scoring.ingest.limits import Limits, standard_limits
from scoring.ingest.parts import Part, parts_of
from scoring.ingest.pseudonyms import key_check, with_record_ids, with_subjects
from scoring.ingest.report import IngestReport
from scoring.lake.manifest import LakeFile, LakeManifest, read_manifest

FILE_ID_CHARS = 16


@dataclass(frozen=True, kw_only=True)
class Door:
    """What every file meets: where it goes, what is allowed, with which key, on which day. The key
    has no repr."""

    lake: Path
    catalogue: Catalogue
    lake_key: bytes = field(repr=False)
    digest: Digest = "sha256"
    limits: Limits = field(default_factory=standard_limits)
    received_on: dt.date = dt.date.max


def ingest_file(
    file: Path,
    *,
    lake: Path,
    catalogue: Catalogue,
    lake_key: bytes,
    digest: Digest = "sha256",
    limits: Limits | None = None,
    received_on: dt.date = dt.date.max,
    on_rows: Callable[[int], None] = lambda rows: None,
) -> IngestReport:
    """Take `file` into `lake`, or find that it is there already and change nothing.

    `received_on`: the day in the city; what says that it was sent later is refused. `on_rows` is
    told how many more rows have been checked. Raises InputRefused where the file as a
    whole is not acceptable (the lake is then as before), StoreUnavailable where another ingest
    runs, VerificationFailed where the lake was made with another key or digest.
    """
    door = Door(
        lake=lake,
        catalogue=catalogue,
        lake_key=lake_key,
        digest=digest,
        limits=limits or standard_limits(),
        received_on=received_on,
    )
    with locked_lake(lake):
        return take(file, door, on_rows)


def take(file: Path, door: Door, on_rows: Callable[[int], None]) -> IngestReport:
    """As `ingest_file`, for a caller that holds the lake's lock."""
    manifest = read_manifest(door.lake)
    _refuse_other_key(manifest, door)
    note = read_note(file)
    kind = check_note(file, note, door.catalogue, door.received_on)
    seen = inspect_bytes(file, note)
    earlier = _earlier(manifest, seen, note)
    if earlier is not None:
        return _report(earlier, {}, "already_loaded")
    checked = check_file(file, kind, note, door.limits, on_rows)
    refuse_if_changed(file, seen)
    accepted = _lake_file(seen, note, checked, manifest, door.catalogue)
    facts = _pseudonymous(checked.facts, kind, accepted, door)
    written = _write(door, manifest, accepted, parts_of(facts, kind, accepted.file_id), checked)
    return _report(written, rejects.counts_by_rule(checked.rejects), "accepted")


def _refuse_other_key(manifest: LakeManifest, door: Door) -> None:
    if manifest.key_check not in ("", key_check(door.lake_key, door.digest)):
        raise VerificationFailed(
            "lake_key_differs",
            "this lake was made with another key or digest: people would get second pseudonyms",
            where=str(door.lake),
            do="use the lake's own key",
        )


def _earlier(manifest: LakeManifest, seen: FileBytes, note: DeliveryNote) -> LakeFile | None:
    """The same bytes accepted before, from the same sender."""
    for file in manifest.files:
        if file.sha256 != seen.sha256:
            continue
        if (file.kind, file.department) != (note.kind, note.department_code):
            raise InputRefused(
                "sent_by_another",
                f"these bytes came before as {file.name} of {file.department}",
                where=note.file,
            )
        return file
    return None


def _lake_file(
    seen: FileBytes,
    note: DeliveryNote,
    checked: CheckedFile,
    manifest: LakeManifest,
    catalogue: Catalogue,
) -> LakeFile:
    return LakeFile(
        file_id=seen.sha256[:FILE_ID_CHARS],
        name=note.file,
        sha256=seen.sha256,
        kind=note.kind,
        department=note.department_code,
        sequence=max((file.sequence for file in manifest.files), default=0) + 1,
        sent_on=note.sent_on,
        catalogue_version=catalogue.version,
        submitted=checked.submitted,
        accepted=checked.facts.height,
        rejected=checked.rejected,
        parts=[],
    )


def _pseudonymous(
    facts: pl.DataFrame, kind: SourceKind, file: LakeFile, door: Door
) -> pl.DataFrame:
    if kind.subject_class == "person":
        subjects = with_subjects(facts, door.lake_key, door.digest)
        facts = with_record_ids(subjects, door.lake_key, door.digest, kind.id, file.department)
    return facts.with_columns(
        department=pl.lit(file.department),
        sent_on=pl.lit(file.sent_on),
        sequence=pl.lit(file.sequence, dtype=pl.Int64),
    )


def _write(
    door: Door, manifest: LakeManifest, file: LakeFile, parts: Iterable[Part], checked: CheckedFile
) -> LakeFile:
    try:
        announce(door.lake, Intent(file_id=file.file_id, kind=file.kind))
        written = msgspec.structs.replace(file, parts=write_parts(door.lake, parts))
        if not checked.rejects.is_empty():
            content = rejects.as_csv(checked.rejects, file.name)
            write_rejects(door.lake, rejects_path(file), content)
        commit(door.lake, manifest, written, key_check(door.lake_key, door.digest))
    except OSError as error:
        roll_back(door.lake)
        raise StoreUnavailable(
            "lake_not_writable", str(error.strerror), where=str(door.lake), do="free the disk"
        ) from error
    except BaseException:
        roll_back(door.lake)
        raise
    return written


def rejects_path(file: LakeFile) -> str:
    """Reject list of an accepted file, relative to the lake."""
    return f"rejects/{file.file_id}.csv"


def _report(
    file: LakeFile, by_rule: dict[str, int], status: Literal["accepted", "already_loaded"]
) -> IngestReport:
    return IngestReport(
        file=file.name,
        file_id=file.file_id,
        kind=file.kind,
        department=file.department,
        status=status,
        submitted=file.submitted,
        accepted=file.accepted,
        rejected=file.rejected,
        rejects_by_rule=by_rule,
        rejects_path=rejects_path(file) if file.rejected else None,
    )
