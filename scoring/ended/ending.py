"""The end of old versions, safe to repeat and to kill at any moment.

In this order for each: `ended/<snapshot>` is written whole, the folder is renamed into
`snapshots/.ending/`, where nobody looks, and removed there. A killed run leaves the folder, or the
remains and something in `.ending/`; the next run ends both.
"""

import shutil
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from scoring.build.folder import only_build
from scoring.durable import sync_folder
from scoring.ended.remains import Answers, erase_answers, keep_remains
from scoring.ended.which import OldVersion, needed_by_store, versions_on_disk
from scoring.overlay.journal import journal_path
from scoring.publish import pointers
from scoring.store.connection import StoreConnection

ENDING = ".ending"
OVER = ".over"
# An export that is being written has a hidden name; after a day nobody writes it any more.
LEFTOVER_SECONDS = 86_400


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """`versions`, `exports`: names of the folders removed; `kept`: what the store needs after all."""

    versions: list[str]
    exports: list[str]
    kept: list[str]


def end_versions(
    data: Path,
    versions: Iterable[OldVersion],
    answers: Mapping[str, Answers],
    store: StoreConnection,
    snapshot_key: bytes,
) -> Ended:
    """`answers`: of every version that partners were answered from. Raises PublishLost while a
    publisher is at work, ChengxinError while a build is: nothing is then removed."""
    snapshots = data / "snapshots"
    with only_build(snapshots):
        _remove(snapshots / ENDING)
        with pointers.held_pen(store):
            needed, asked = needed_by_store(store), list(versions)
            if needed is None:
                return Ended(versions=[], exports=[], kept=[each.snapshot for each in asked])
            over = [each.snapshot for each in asked if each.snapshot not in needed]
            for name in over:
                keep_remains(data, name, answers.get(name), snapshot_key)
                _put_aside(snapshots, name)
        _remove(snapshots / ENDING)
        for name in without_folder(data):
            if name not in needed:
                journal_path(data / "overlays", name).unlink()
        exports = _end_exports(data)
    return Ended(
        versions=over,
        exports=exports,
        kept=[each.snapshot for each in asked if each.snapshot in needed],
    )


def is_unfinished(data: Path) -> bool:
    """Whether a killed run, build or export left something to `end_versions`."""
    return (
        (data / "snapshots" / ENDING).exists()
        or bool(without_folder(data))
        or bool(_exports_over(data))
        or bool(_export_leftovers(data))
    )


def without_folder(data: Path) -> list[str]:
    """Versions of which an overlay journal is there and the folder is not."""
    journals = (data / "overlays").glob("*.jsonl")
    return sorted(file.stem for file in journals if not (data / "snapshots" / file.stem).exists())


def end_answers(data: Path, snapshots: Iterable[str]) -> None:
    for snapshot in snapshots:
        erase_answers(data, snapshot)


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _put_aside(snapshots: Path, name: str) -> None:
    (snapshots / ENDING).mkdir(exist_ok=True)
    (snapshots / name).rename(snapshots / ENDING / name)
    sync_folder(snapshots / ENDING)
    sync_folder(snapshots)


def _exports_over(data: Path) -> list[str]:
    """Those no version on the disk was made from, but the newest, which the next build may take."""
    named = {each.ledger_position for each in versions_on_disk(data / "snapshots")}
    folders = (data / "exports").glob("*")
    positions = sorted(int(each.name) for each in folders if each.name.isdecimal())
    return [str(position) for position in positions[:-1] if position not in named]


def _export_leftovers(data: Path) -> list[Path]:
    """Of a killed run, and of exports killed long ago."""
    return [each for each in (data / "exports").glob(".*") if _is_leftover(each)]


def _is_leftover(folder: Path) -> bool:
    try:
        age_seconds = time.time() - folder.stat().st_mtime
    except FileNotFoundError:  # an export that has just ended
        return False
    return folder.suffix == OVER or age_seconds > LEFTOVER_SECONDS


def _end_exports(data: Path) -> list[str]:
    over = _exports_over(data)
    for name in over:
        # Under a name that is no export's first: half of one must not look like a whole one.
        (data / "exports" / name).rename(data / "exports" / f".{name}{OVER}")
    for leftover in _export_leftovers(data):
        shutil.rmtree(leftover)
    return over
