"""Records whose time is over leave the lake: each kind after the days of its catalogue entry, the
door's own rule for what it no longer takes.

A part that holds such a row is written anew without it, under another name; the manifest's
replacement is the moment of the change. An intent names the parts on both sides of it, so that a
run that was killed leaves nothing: the next one removes whichever side the manifest does not name.
"""

import contextlib
import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec
import polars as pl

from scoring.catalogue.loading import load_catalogue
from scoring.contract.snapshot import SourcePart
from scoring.durable import sync_folder, write_durably
from scoring.ingest.lake_commit import locked_lake, write_parts
from scoring.ingest.parts import Part
from scoring.lake.manifest import LakeFile, LakeManifest, read_manifest, write_manifest

INTENT_NAME = ".erasing.json"
FILE_ID_CHARS = 16


class Intent(msgspec.Struct, frozen=True):
    """Paths relative to the lake."""

    old: list[str]
    new: list[str]


def kept_days() -> dict[str, int]:
    """kind -> days a person's record is kept, counted from `happened_on`."""
    kinds = load_catalogue().kinds
    return {kind.id: kind.retention_days for kind in kinds if kind.subject_class == "person"}


def rows_over(lake: Path, as_of: dt.date, days: Mapping[str, int]) -> int:
    """How many `erase_records` would erase."""
    parts = _parts(read_manifest(lake), days)
    return sum(_over(lake / part.path, kind, as_of, days) for kind, part in parts)


def ended_records(
    lake: Path, as_of: dt.date, days: Mapping[str, int], records: Iterable[str]
) -> set[str]:
    """Those of `records` of which every version in the lake is over."""
    asked = sorted(set(records))
    found: dict[str, bool] = {}
    if not asked:
        return set()
    for kind, part in _parts(read_manifest(lake), days):
        is_over = pl.col("happened_on") <= _last_day_over(kind, as_of, days)
        rows = pl.scan_parquet(lake / part.path).filter(pl.col("record_id").is_in(asked))
        for record_id, over in rows.select("record_id", is_over).collect().iter_rows():
            found[record_id] = over and found.get(record_id, True)
    return {record_id for record_id, over in found.items() if over}


def erase_records(lake: Path, as_of: dt.date, days: Mapping[str, int]) -> int:
    """Rows erased; none of them is in any file of the lake when it returns. Raises StoreUnavailable
    while an ingest is writing."""
    with undisturbed(lake):
        return erase_undisturbed(lake, as_of, days)


@contextlib.contextmanager
def undisturbed(lake: Path) -> Iterator[None]:
    """Nothing is delivered meanwhile: a record that was over does not come back with a new version
    while the words beside it are erased. Raises StoreUnavailable while an ingest is writing."""
    if lake.exists():
        with locked_lake(lake):
            yield
    else:
        yield


def erase_undisturbed(lake: Path, as_of: dt.date, days: Mapping[str, int]) -> int:
    """As `erase_records`, inside `undisturbed`."""
    if not lake.exists():
        return 0
    _finish(lake)
    manifest = read_manifest(lake)
    files = [_without(lake, file, as_of, days) for file in manifest.files]
    old = _paths(manifest.files) - _paths([file for file, _ in files])
    if not old:
        return 0
    written = [part for _, parts in files for part in parts]
    intent = Intent(old=sorted(old), new=[part.path for part in written])
    write_durably(lake / INTENT_NAME, msgspec.json.encode(intent))
    made = {part.path: part for part in write_parts(lake, written)}
    kept = [
        msgspec.structs.replace(f, parts=[made.get(p.path, p) for p in f.parts]) for f, _ in files
    ]
    before = sum(part.rows for file in manifest.files for part in file.parts)
    write_manifest(lake, msgspec.structs.replace(manifest, files=kept))
    _finish(lake)
    return before - sum(part.rows for file in kept for part in file.parts)


def _finish(lake: Path) -> None:
    """After the manifest was replaced, or after a kill on either side of that moment."""
    path = lake / INTENT_NAME
    if not path.exists():
        return
    intent = msgspec.json.decode(path.read_bytes(), type=Intent)
    named = _paths(read_manifest(lake).files)
    for part in {*intent.old, *intent.new} - named:
        (lake / part).unlink(missing_ok=True)
        if (lake / part).parent.exists():
            sync_folder((lake / part).parent)
    path.unlink()
    sync_folder(lake)


def _without(
    lake: Path, file: LakeFile, as_of: dt.date, days: Mapping[str, int]
) -> tuple[LakeFile, list[Part]]:
    """The file as it will be, and its parts still to be written."""
    kept: list[SourcePart] = []
    written: list[Part] = []
    for part in file.parts:
        if file.kind not in days or not _over(lake / part.path, file.kind, as_of, days):
            kept.append(part)
            continue
        rows = pl.read_parquet(lake / part.path)
        rest = rows.filter(pl.col("happened_on") > _last_day_over(file.kind, as_of, days))
        if rest.height:
            written.append(Part(_renamed(part.path, as_of), rest))
            kept.append(SourcePart(path=written[-1].path, rows=rest.height, sha256=""))
    return msgspec.structs.replace(file, parts=kept), written


def _renamed(path: str, as_of: dt.date) -> str:
    folder, _, name = path.rpartition("/")
    digest = hashlib.sha256(f"{name} without what was over on {as_of}".encode()).hexdigest()
    return f"{folder}/{digest[:FILE_ID_CHARS]}.parquet"


def _over(path: Path, kind: str, as_of: dt.date, days: Mapping[str, int]) -> int:
    is_over = pl.col("happened_on") <= _last_day_over(kind, as_of, days)
    count: int = pl.scan_parquet(path).select(is_over.sum()).collect().item()
    return count


def _last_day_over(kind: str, as_of: dt.date, days: Mapping[str, int]) -> dt.date:
    return as_of - dt.timedelta(days=days[kind])


def _parts(manifest: LakeManifest, days: Mapping[str, int]) -> Iterator[tuple[str, SourcePart]]:
    for file in manifest.files:
        if file.kind in days:
            yield from ((file.kind, part) for part in file.parts)


def _paths(files: Iterable[LakeFile]) -> set[str]:
    return {part.path for file in files for part in file.parts}
