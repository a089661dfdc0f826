"""Where a repaired or removed record can still be seen: one answer for each channel it could leave by.

Repair ends publication, sharing and consequences (《信用修复管理办法》): the record may still be shown to
its citizen, as repaired and without points; for anybody else it is gone. A record removed after an
upheld dispute is gone for her as well.
"""

import mmap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import msgspec
import polars as pl

from scoring.contract.documents import TablesDocument
from scoring.contract.ledger_tables import RECORD_STATES_TABLE
from scoring.contract.snapshot import (
    CURRENT_KEY,
    ITEM_STATUSES,
    TABLES_DOCUMENT,
    ExplanationItem,
    Manifest,
    bucket_of,
    decode_explanation,
    decode_hot,
    documents_key,
    explanation_key,
    field_of,
    hot_key,
    manifest_key,
    tag_of,
)
from scoring.errors import StoreUnavailable
from scoring.store.connection import StoreConnection

LastingState = Literal["repaired", "removed"]
REPAIRED = ITEM_STATUSES.index("repaired")


class Channel(msgspec.Struct, frozen=True):
    """`note`: why, in a few words."""

    name: str
    is_gone: bool
    note: str = ""


class Sought(msgspec.Struct, frozen=True, kw_only=True):
    """The record, and what the ledger has decided about it."""

    record_id: str
    subject: str
    snapshot_subject: str
    state: LastingState


def export_channels(exports: Path, sought: Sought) -> list[Channel]:
    """The newest ledger export, and with it what the next build makes of the lake."""
    folders = sorted((int(p.name) for p in exports.glob("[0-9]*") if p.is_dir()), reverse=True)
    if not folders:
        missing = "no export yet"
        return [Channel("ledger export", False, missing), Channel("lake view", False, missing)]
    table = exports / str(folders[0]) / f"{RECORD_STATES_TABLE}.parquet"
    own = pl.scan_parquet(table).filter(pl.col("record_id") == sought.record_id).collect()
    is_told = sought.state in own["state"].to_list()
    note = f"position {folders[0]}"
    left_out = "the department's row stays, the build leaves it out" if is_told else note
    return [Channel("ledger export", is_told, note), Channel("lake view", is_told, left_out)]


def snapshot_channel(folder: Path, sought: Sought) -> Channel:
    items = (
        pl.scan_parquet(folder / "items.parquet" / "*.parquet")
        .filter(
            pl.col("snapshot_subject") == sought.snapshot_subject,
            pl.col("record_id") == sought.record_id,
        )
        .select("points", "status_index")
        .collect()
    )
    rows = list(items.iter_rows())
    is_gone = all(_is_harmless(points, status, sought.state) for points, status in rows)
    return Channel("snapshot files", is_gone, f"{folder.name}, {len(rows)} row(s)")


def _is_harmless(points: int, status_index: int, state: LastingState) -> bool:
    return state == "repaired" and points == 0 and status_index == REPAIRED


def store_channels(store: StoreConnection, sought: Sought) -> list[Channel]:
    """What the API answers with: the records being served. Raises StoreUnavailable, RecordCorrupt."""
    current = store.call("GET", CURRENT_KEY)
    manifest = store.call("GET", manifest_key(current.decode())) if current else None
    if manifest is None:
        raise StoreUnavailable("no_snapshot", "the store serves nothing", do="publish a build")
    version = msgspec.json.decode(manifest, type=Manifest)
    hot, explanation = _records(store, version, sought.snapshot_subject)
    if hot is None or explanation is None:
        return [Channel(name, True, "no score is served") for name in SERVED]
    tag = tag_of(sought.snapshot_subject)
    items = decode_explanation(explanation, tag)
    base = _tables(store, version).base
    rest = base + sum(item.points for item in items if item.record_id != sought.record_id)
    is_scored_without = decode_hot(hot, tag).score_points == rest
    is_explained = _explained(items, sought)
    shown = [item for item in items if item.record_id == sought.record_id]
    to_her = ", ".join(
        f"{ITEM_STATUSES[item.status_index]}, {item.points} points, to the citizen alone"
        for item in shown
    )
    return [
        Channel("api score", is_scored_without, version.snapshot),
        Channel("api explanation", is_explained, to_her or "not in it"),
        Channel("api export", is_explained, to_her or "not in it"),
        Channel("api eligibility", is_scored_without, "answers from the score"),
    ]


SERVED = ("api score", "api explanation", "api export", "api eligibility")


def _explained(items: Iterable[ExplanationItem], sought: Sought) -> bool:
    return all(
        _is_harmless(item.points, item.status_index, sought.state)
        for item in items
        if item.record_id == sought.record_id
    )


def _records(
    store: StoreConnection, version: Manifest, snapshot_subject: str
) -> tuple[bytes | None, bytes | None]:
    bucket, field = bucket_of(snapshot_subject, version.bucket_count), field_of(snapshot_subject)
    hot, explanation = store.calls(
        [
            ("HGET", hot_key(version.snapshot, bucket), field),
            ("HGET", explanation_key(version.snapshot, bucket), field),
        ]
    )
    return hot, explanation


def _tables(store: StoreConnection, version: Manifest) -> TablesDocument:
    found = store.call("HGET", documents_key(version.snapshot), TABLES_DOCUMENT)
    return msgspec.json.decode(found, type=TablesDocument)


def public_channel(name: str, folder: Path, sought: Sought) -> Channel:
    """Whatever stands in a public folder: natural persons are never in it, so the id must not be."""
    if not folder.exists():
        return Channel(name, True, "not built")
    for path in _files(folder):
        if _holds(path, sought.record_id.encode()):
            return Channel(name, False, str(path.relative_to(folder)))
    return Channel(name, True, "no file names it")


def _files(folder: Path) -> Iterator[Path]:
    yield from (path for path in sorted(folder.rglob("*")) if path.is_file())


def _holds(path: Path, text: bytes) -> bool:
    if path.stat().st_size == 0:
        return False
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(text) >= 0
