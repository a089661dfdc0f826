"""One person's score again, from raw lake records and the published rules alone.

A second opinion on the build: plain Python, written from the words of `RulesDocument` and not from
the engine, which it must not import. Parquet is only read through polars.
"""

import datetime as dt
import hashlib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import msgspec
import polars as pl

from scoring.contract.documents import PublishedRule, RulesDocument
from scoring.contract.snapshot import ItemStatus, SourcePart
from scoring.errors import VerificationFailed
from scoring.lake.tables import BASE64URL, scan_facts

# Facts that no rule can count, and what they are called (国办发〔2025〕22号: 轻微 is not counted).
_STATUS_WITHOUT_RULE: dict[tuple[str, str], ItemStatus] = {
    ("penalty", "minor"): "minor",
    ("court_obligation", "fulfilled"): "fulfilled",
}


class RawRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the lake."""

    kind: str
    subject: str
    record_id: str
    outcome: str
    measure: int
    happened_on: dt.date
    department: str
    sent_on: dt.date | None = None
    sequence: int
    line: int


class RecomputedItem(msgspec.Struct, frozen=True, kw_only=True):
    record_id: str
    rule_id: str | None
    points: int
    status: ItemStatus
    happened_on: dt.date
    expires_on: dt.date | None


class Recomputed(msgspec.Struct, frozen=True, kw_only=True):
    """`items`: newest first, then record id; base + Σ points = score."""

    score: int
    band_code: str
    items: list[RecomputedItem]


def recompute(
    rules: RulesDocument, records: Iterable[RawRecord], states: Mapping[str, str], as_of: dt.date
) -> Recomputed:
    """`records`: one person's, each in its last version; `states`: record id -> disputed,
    repaired or removed."""
    items: list[RecomputedItem] = []
    left = {rule.id: abs(rule.cap) for rule in rules.rules}
    for record in sorted(records, key=lambda r: (-r.happened_on.toordinal(), r.record_id)):
        state = states.get(record.record_id)
        if state == "removed" or record.happened_on > as_of:
            continue
        items.append(_item(rules, record, state, as_of, left))
    score = rules.base + sum(item.points for item in items)
    band = next(band.code for band in rules.bands if band.from_ <= score <= band.to)
    return Recomputed(score=score, band_code=band, items=items)


def _item(
    rules: RulesDocument,
    record: RawRecord,
    state: str | None,
    as_of: dt.date,
    left: dict[str, int],
) -> RecomputedItem:
    rule = _rule_of(rules, record)
    expires_on = record.happened_on + dt.timedelta(days=rule.validity_days) if rule else None
    status = _status(record, state, expires_on, as_of)
    points = 0
    if rule is not None and status == "counted":
        wanted = _points(rule, record.measure) or 0
        granted = min(abs(wanted), left[rule.id])
        left[rule.id] -= granted
        points = granted if wanted > 0 else -granted
        status = "capped" if wanted and not granted else "counted"
    return RecomputedItem(
        record_id=record.record_id,
        rule_id=rule.id if rule else None,
        points=points,
        status=status,
        happened_on=record.happened_on,
        expires_on=expires_on,
    )


def _rule_of(rules: RulesDocument, record: RawRecord) -> PublishedRule | None:
    for rule in rules.rules:
        is_about = rule.kind == record.kind and rule.outcome == record.outcome
        if is_about and _points(rule, record.measure) is not None:
            return rule
    return None


def _points(rule: PublishedRule, measure: int) -> int | None:
    """None where the measure is below the first step."""
    if isinstance(rule.points, int):
        return rule.points
    reached = [step for step in rule.points if step.at_least <= measure]
    return max(reached, key=lambda step: step.at_least).points if reached else None


def _status(
    record: RawRecord, state: str | None, expires_on: dt.date | None, as_of: dt.date
) -> ItemStatus:
    if state == "repaired":
        return "repaired"
    if state == "disputed":
        return "disputed"
    if expires_on is None:
        return _STATUS_WITHOUT_RULE.get((record.kind, record.outcome), "no_rule")
    return "expired" if as_of >= expires_on else "counted"


def read_records(lake: Path, sources: Iterable[SourcePart], subject: str) -> list[RawRecord]:
    """A person's records in their last version; see `read_records_of`."""
    return read_records_of(lake, sources, [subject])[subject]


def read_records_of(
    lake: Path, sources: Iterable[SourcePart], subjects: Collection[str]
) -> dict[str, list[RawRecord]]:
    """Everybody's records in their last version, from exactly these files of the lake.

    All of them are hashed and looked through: a correction may have moved a record to somebody
    else. Raises VerificationFailed where a file is missing or changed.
    """
    by_kind: dict[str, list[Path]] = {}
    for source in sources:
        _check(lake, source)
        kind = source.path.split("/")[1].removeprefix("kind=")
        by_kind.setdefault(kind, []).append(lake / source.path)
    buckets = {f"bucket={BASE64URL.index(subject[0]):02d}" for subject in subjects}
    found: dict[str, list[RawRecord]] = {subject: [] for subject in subjects}
    for kind, paths in by_kind.items():
        here = [path for path in paths if path.parent.name in buckets]
        ids = {row.record_id for row in _rows(kind, here, pl.col("subject").is_in(list(found)))}
        versions = _rows(kind, paths if ids else [], pl.col("record_id").is_in(list(ids)))
        for row in _last_versions(versions):
            if row.subject in found:
                found[row.subject].append(row)
    return found


def _check(lake: Path, source: SourcePart) -> None:
    path = lake / source.path
    content = path.read_bytes() if path.exists() else b""
    if hashlib.sha256(content).hexdigest() != source.sha256:
        raise VerificationFailed(
            "hash_differs",
            "the file is not the one the snapshot was made from",
            where=str(path),
            do="restore the lake from backup",
        )


def _rows(kind: str, paths: list[Path], wanted: pl.Expr) -> list[RawRecord]:
    if not paths:
        return []
    columns = [name for name in RawRecord.__struct_fields__ if name != "kind"]
    frame = scan_facts(paths).filter(wanted).select(columns)
    return [RawRecord(kind=kind, **row) for row in frame.collect().iter_rows(named=True)]


def _last_versions(rows: list[RawRecord]) -> Iterable[RawRecord]:
    """Sent last; of one day, accepted last."""
    last: dict[str, RawRecord] = {}
    for row in rows:
        known = last.get(row.record_id)
        if known is None or _version(row) > _version(known):
            last[row.record_id] = row
    return last.values()


def _version(row: RawRecord) -> tuple[dt.date, int, int]:
    return row.sent_on or dt.date.min, row.sequence, row.line
