"""A lake, a ledger export and a catalogue of any content, written straight from rows.

For tests of what comes after the door; what comes through it is tested in tests/ingest.
"""

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from pathlib import Path

import msgspec
import polars as pl
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from scoring.benefits import load_benefits
from scoring.build import BuildKeys, build
from scoring.build.documents import tables_document
from scoring.build.plan import Plan, plan_of
from scoring.contract.documents import (
    CatalogueDocument,
    CatalogueEntry,
    Department,
    RulesDocument,
)
from scoring.contract.ledger_tables import (
    ENROLMENTS_TABLE,
    RECORD_STATES_TABLE,
    ExportedTable,
    ExportManifest,
)
from scoring.contract.snapshot import ItemStatus, Manifest, SourcePart
from scoring.lake.manifest import MANIFEST_NAME, LakeFile, LakeManifest
from scoring.lake.tables import BASE64URL, BUCKETS, FACTS, OUTCOMES, RECORD_ID_CHARS
from scoring.rulebook import Rulebook, load_rulebook, published_document

DEPARTMENTS = ("approval", "civil_affairs", "court", "library", "market_regulation")
KEYS = BuildKeys(b"\x07" * 32, Ed25519PrivateKey.from_private_bytes(b"\x09" * 32))
# Open files at a time; one by one, a small part costs as much again in setting out.
PARTS_AT_A_TIME = 64

_Group = tuple[int, str, str, dt.date]  # file number, kind, department, day sent
_Part = tuple[str, pl.DataFrame]  # path below the lake, columns FACTS


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted row; `file` orders the deliveries: a higher one of the same day corrects a lower
    one."""

    subject: str
    record_id: str
    kind: str
    outcome: str
    happened_on: dt.date
    measure: int = 0
    department: str = "approval"
    file: int = 1
    sent_on: dt.date = dt.date(2026, 6, 1)


class State(msgspec.Struct, frozen=True, kw_only=True):
    subject: str
    record_id: str
    state: str


def subject(number: int) -> str:
    """A pseudonym-like text for person `number`; spread over the lake's buckets."""
    digest = hashlib.sha256(f"subject {number}".encode()).digest()
    return "".join(BASE64URL[byte % BUCKETS] for byte in digest[:22])


def record_id(number: int) -> str:
    digest = hashlib.sha256(f"record {number}".encode()).digest()
    return "".join(BASE64URL[byte % BUCKETS] for byte in digest[:RECORD_ID_CHARS])


def write_lake(lake: Path, records: Iterable[Record]) -> None:
    """One file a kind, department and `file` number."""
    groups: dict[_Group, list[Record]] = {}
    for record in records:
        group = (record.file, record.kind, record.department, record.sent_on)
        groups.setdefault(group, []).append(record)
    sent = sorted(groups.items())
    parts = [_parts(sequence, group, rows) for sequence, (group, rows) in enumerate(sent, start=1)]
    _write_parts(lake, [part for of_file in parts for part in of_file])
    files = [
        _lake_file(lake, sequence, group, of_file)
        for sequence, ((group, _), of_file) in enumerate(zip(sent, parts, strict=True), start=1)
    ]
    (lake / MANIFEST_NAME).write_bytes(msgspec.json.encode(LakeManifest(files=files)))


def write_export(
    export: Path, enrolled: Iterable[str], states: Iterable[State] = (), position: int = 1
) -> None:
    export.mkdir(parents=True, exist_ok=True)
    enrolled = list(enrolled)
    enrolments = pl.DataFrame(
        {
            "subject": pl.Series(enrolled, dtype=pl.String()),
            "enrolled_at": pl.Series(
                [dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)] * len(enrolled),
                dtype=pl.Datetime("ms", "UTC"),
            ),
            "notice_version": pl.Series(["2026-01"] * len(enrolled), dtype=pl.String()),
        }
    )
    columns = {"record_id": pl.String(), "subject": pl.String(), "state": pl.String()}
    rows = pl.DataFrame([msgspec.structs.asdict(state) for state in states], schema=columns)
    tables = [
        _write_table(export, ENROLMENTS_TABLE, enrolments),
        _write_table(export, RECORD_STATES_TABLE, rows.select(*columns)),
    ]
    manifest = ExportManifest(position=position, tables=tables)
    (export / "export.json").write_bytes(msgspec.json.encode(manifest))


def catalogue(departments: Iterable[str] = DEPARTMENTS) -> CatalogueDocument:
    """Every person kind from every one of these departments."""
    named = [Department(code=code, name=f"{code}局", name_en=code) for code in departments]
    return CatalogueDocument(
        version="test",
        items=[
            CatalogueEntry(
                id=kind,
                name=kind,
                name_en=kind,
                legal_basis="《全国公共信用信息基础目录》",
                departments=named,
                level="city",
                subject_class="person",
                fields=[],
                retention_days=3650,
                publication_range="never",
            )
            for kind in OUTCOMES
        ],
    )


class Built(msgspec.Struct, frozen=True):
    """A snapshot folder, read."""

    folder: Path
    manifest: Manifest

    def scores(self) -> dict[str, int]:
        """subject -> score."""
        frame = pl.read_parquet(self.folder / "scores.parquet")
        return dict(zip(frame["subject"], frame["score_points"], strict=True))

    def rules(self) -> RulesDocument:
        content = (self.folder / "documents" / "rules.json").read_bytes()
        return msgspec.json.decode(content, type=RulesDocument)

    def items(self) -> pl.DataFrame:
        """Items of all citizens with their `subject`."""
        scores = pl.read_parquet(self.folder / "scores.parquet")
        items = pl.read_parquet(self.folder / "items.parquet")
        return items.join(scores.select("subject", "snapshot_subject"), on="snapshot_subject")


def build_snapshot(
    data: Path,
    *,
    records: Iterable[Record],
    enrolled: Iterable[str],
    as_of: dt.date,
    states: Iterable[State] = (),
    rulebook: Rulebook | None = None,
    buckets_per_job: int | None = None,
) -> Built:
    """Lake and export under `data`, built into `data/snapshots`."""
    write_lake(data / "lake", records)
    write_export(data / "exports" / "1", enrolled, states)
    return rebuild(data, as_of=as_of, rulebook=rulebook, buckets_per_job=buckets_per_job)


def rebuild(
    data: Path,
    *,
    as_of: dt.date,
    rulebook: Rulebook | None = None,
    buckets_per_job: int | None = None,
    executor: Executor | None = None,
    out: str = "snapshots",
    previous: Path | None = None,
    position: int = 1,
) -> Built:
    folder = build(
        lake=data / "lake",
        export=data / "exports" / str(position),
        previous=previous,
        out=data / out,
        rulebook=rulebook or load_rulebook(),
        benefits=load_benefits(),
        catalogue=catalogue(),
        as_of=as_of,
        keys=KEYS,
        buckets_per_job=buckets_per_job,
        executor=executor,
    )
    content = (folder / "manifest.json").read_bytes()
    return Built(folder, msgspec.json.decode(content, type=Manifest))


def statuses(items: Mapping[str, list[object]]) -> list[ItemStatus]:
    """Status words of an items table's `status_index`."""
    from scoring.contract.snapshot import ITEM_STATUSES

    return [ITEM_STATUSES[int(str(index))] for index in items["status_index"]]


def _parts(sequence: int, group: _Group, records: list[Record]) -> list[_Part]:
    _, kind, department, _ = group
    file_id = _sha256_of(sequence, kind, department)[:16]
    by_bucket: dict[int, list[tuple[int, Record]]] = {}
    for line, record in enumerate(records, start=2):
        bucket = BASE64URL.index(record.subject[0])
        by_bucket.setdefault(bucket, []).append((line, record))
    return [
        (f"facts/kind={kind}/bucket={bucket:02d}/{file_id}.parquet", _facts(rows, sequence))
        for bucket, rows in sorted(by_bucket.items())
    ]


def _write_parts(lake: Path, parts: list[_Part]) -> None:
    lake.mkdir(parents=True, exist_ok=True)
    for path, _ in parts:
        (lake / path).parent.mkdir(parents=True, exist_ok=True)
    sinks = [rows.lazy().sink_parquet(lake / path, lazy=True) for path, rows in parts]
    for first in range(0, len(sinks), PARTS_AT_A_TIME):
        pl.collect_all(sinks[first : first + PARTS_AT_A_TIME])


def _lake_file(lake: Path, sequence: int, group: _Group, parts: list[_Part]) -> LakeFile:
    _, kind, department, sent_on = group
    sha256 = _sha256_of(sequence, kind, department)
    rows = sum(facts.height for _, facts in parts)
    return LakeFile(
        file_id=sha256[:16],
        name=f"{department}-{sequence:03d}.csv",
        sha256=sha256,
        kind=kind,
        department=department,
        sequence=sequence,
        sent_on=sent_on,
        catalogue_version="test",
        submitted=rows,
        accepted=rows,
        rejected=0,
        parts=[
            SourcePart(
                path=path,
                rows=facts.height,
                sha256=hashlib.sha256((lake / path).read_bytes()).hexdigest(),
            )
            for path, facts in parts
        ],
    )


def _sha256_of(sequence: int, kind: str, department: str) -> str:
    return hashlib.sha256(f"{kind}/{department}-{sequence:03d}".encode()).hexdigest()


def plan_on(day: dt.date, rulebook: Rulebook) -> Plan:
    """As a build of that day has it."""
    rules = published_document(rulebook, day)
    return plan_of(rules, tables_document(rulebook, rules, catalogue(), day))


def _facts(rows: list[tuple[int, Record]], sequence: int) -> pl.DataFrame:
    return pl.DataFrame(
        [
            (
                row.subject,
                row.record_id,
                row.outcome,
                row.measure,
                row.happened_on,
                None,
                row.department,
                row.sent_on,
                sequence,
                line,
            )
            for line, row in rows
        ],
        schema=FACTS,
        orient="row",
    )


def _write_table(export: Path, name: str, table: pl.DataFrame) -> ExportedTable:
    path = export / f"{name}.parquet"
    table.write_parquet(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return ExportedTable(name=name, path=path.name, rows=table.height, sha256=digest)
