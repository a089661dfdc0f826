"""A lake of any size without departments' files: what the build is measured on.

Pseudonyms and record ids are random characters, not keyed hashes of anybody: no person stands behind
them. Same arguments and polars version, same bytes. Memory is one bucket of one delivery.
"""

import base64
import datetime as dt
import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

import msgspec
import polars as pl

from scoring.contract.ledger_tables import (
    ENROLMENTS_TABLE,
    RECORD_STATES_TABLE,
    ExportedTable,
    ExportManifest,
)
from scoring.contract.pseudonyms import PSEUDONYM_CHARS
from scoring.contract.snapshot import SourcePart
from scoring.lake.manifest import MANIFEST_NAME, LakeFile, LakeManifest
from scoring.lake.tables import BASE64URL, BUCKETS, FACTS, RECORD_ID_CHARS

AS_OF = dt.date(2026, 11, 1)
ROWS_PER_DELIVERY = 3_000_000  # a month of one department of a city of 8 million
DAYS_BACK = 1460  # four years, so that about half of most kinds has expired
# Every hundredth record of a later delivery corrects one of the delivery before it.
CORRECTED_SHARE = 0.01

# kind -> share of all records, department, outcomes with weights; shares as in the synthetic city
KINDS: dict[str, tuple[float, str, dict[str, int]]] = {
    "contract_performance": (
        0.78,
        "public_utilities",
        {"on_time": 88, "late": 7, "nothing_due": 5},
    ),
    "commitment": (0.16, "approval", {"kept": 85, "partly_kept": 9, "broken": 6}),
    "penalty": (0.02, "market_regulation", {"minor": 60, "general": 32, "serious": 8}),
    "court_obligation": (0.02, "court", {"unfulfilled": 40, "fulfilled": 60}),
    "honour": (0.02, "civil_affairs", {"awarded": 100}),
}


def write_synthetic_lake(
    lake: Path, export: Path, *, records: int, people: int, enrolled: int, seed: int
) -> None:
    """Write `lake` (manifest and facts) and `export` (enrolments, no record states)."""
    subjects = [_subjects(bucket, _share(people, bucket), seed) for bucket in range(BUCKETS)]
    files = [_write_delivery(lake, delivery, subjects, seed) for delivery in _deliveries(records)]
    lake.mkdir(parents=True, exist_ok=True)
    (lake / MANIFEST_NAME).write_bytes(msgspec.json.encode(LakeManifest(files=files)))
    active = [
        bucket_subjects.head(_share(enrolled, bucket))
        for bucket, bucket_subjects in enumerate(subjects)
    ]
    write_synthetic_export(export, pl.concat(active))


def write_synthetic_export(export: Path, subjects: pl.Series) -> None:
    """An export in which exactly these subjects are enrolled and no record has a state."""
    export.mkdir(parents=True, exist_ok=True)
    enrolments = pl.DataFrame({"subject": subjects}).with_columns(
        enrolled_at=pl.lit(dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)).dt.cast_time_unit("ms"),
        notice_version=pl.lit("2026-01"),
    )
    states = pl.DataFrame(
        schema={"record_id": pl.String(), "subject": pl.String(), "state": pl.String()}
    )
    tables = [
        _export_table(export, ENROLMENTS_TABLE, enrolments),
        _export_table(export, RECORD_STATES_TABLE, states),
    ]
    manifest = ExportManifest(position=enrolments.height, tables=tables)
    (export / "export.json").write_bytes(msgspec.json.encode(manifest))


class _Delivery(msgspec.Struct, frozen=True, kw_only=True):
    sequence: int
    kind: str
    number: int
    rows: int


def _deliveries(records: int) -> Iterator[_Delivery]:
    sequence = 0
    for kind, (share, _, _) in KINDS.items():
        rows = round(records * share)
        count = max(1, round(rows / ROWS_PER_DELIVERY))
        for number in range(count):
            sequence += 1
            size = rows // count + (number < rows % count)
            yield _Delivery(sequence=sequence, kind=kind, number=number, rows=size)


def _share(total: int, bucket: int) -> int:
    return total // BUCKETS + (bucket < total % BUCKETS)


def _subjects(bucket: int, count: int, seed: int) -> pl.Series:
    tails = _random_text(f"subject/{seed}/{bucket}", count, PSEUDONYM_CHARS - 2)
    return (BASE64URL[bucket] + tails + "A").alias("subject")


def _random_text(name: str, count: int, chars: int) -> pl.Series:
    """`count` strings of `chars` base64url characters."""
    generator = random.Random(name)
    blob = base64.urlsafe_b64encode(generator.randbytes(-(-count * chars // 4) * 3)).decode()
    if count == 0:
        return pl.Series("text", [], dtype=pl.String())
    pieces = pl.Series("text", [blob[: count * chars]]).str.extract_all(f".{{{chars}}}")
    return pieces.explode()


def _write_delivery(
    lake: Path, delivery: _Delivery, subjects: list[pl.Series], seed: int
) -> LakeFile:
    name = f"{delivery.kind}-{delivery.number:03d}"
    sha256 = hashlib.sha256(f"{seed}/{name}".encode()).hexdigest()
    parts = [
        _write_bucket(lake, delivery, sha256[:16], bucket, _facts(delivery, bucket, people, seed))
        for bucket, people in enumerate(subjects)
    ]
    rows = sum(part.rows for part in parts)
    return LakeFile(
        file_id=sha256[:16],
        name=f"{name}.csv",
        sha256=sha256,
        kind=delivery.kind,
        department=KINDS[delivery.kind][1],
        sequence=delivery.sequence,
        sent_on=AS_OF,
        catalogue_version="synthetic",
        submitted=rows,
        accepted=rows,
        rejected=0,
        parts=parts,
    )


def _write_bucket(
    lake: Path, delivery: _Delivery, file_id: str, bucket: int, facts: pl.DataFrame
) -> SourcePart:
    path = f"facts/kind={delivery.kind}/bucket={bucket:02d}/{file_id}.parquet"
    (lake / path).parent.mkdir(parents=True, exist_ok=True)
    facts.write_parquet(lake / path, compression="zstd", compression_level=1)
    digest = hashlib.sha256((lake / path).read_bytes()).hexdigest()
    return SourcePart(path=path, rows=facts.height, sha256=digest)


def _facts(delivery: _Delivery, bucket: int, subjects: pl.Series, seed: int) -> pl.DataFrame:
    rows = _share(delivery.rows, bucket)
    _, department, weights = KINDS[delivery.kind]
    outcomes = pl.Series([word for word, weight in weights.items() for _ in range(weight)])
    draw = f"{seed}/{delivery.kind}/{delivery.number}/{bucket}"
    number = int.from_bytes(hashlib.sha256(draw.encode()).digest()[:6], "big")
    line = pl.int_range(rows, dtype=pl.Int64())

    def drawn(salt: int, below: int) -> pl.Expr:
        return (line * 8 + salt).hash(number) % below

    frame = pl.select(
        person=drawn(0, max(1, len(subjects))),
        outcome=drawn(1, len(outcomes)),
        measure=pl.lit(0, pl.Int32()),
        happened_on=(pl.lit(AS_OF) - pl.duration(days=drawn(2, DAYS_BACK))).cast(pl.Date()),
        overdue=(1 + drawn(3, 120)).cast(pl.Int32()),
        level=(1 + drawn(4, 3)).cast(pl.Int32()),
        sequence=pl.lit(delivery.sequence, pl.Int64()),
        line=(2 + line * BUCKETS + bucket).cast(pl.Int32()),
    )
    return frame.select(
        subject=subjects.gather(frame["person"].cast(pl.UInt32())),
        record_id=_record_ids(delivery, bucket, rows, seed),
        outcome=outcomes.gather(frame["outcome"].cast(pl.UInt32())),
        measure=_measure(delivery.kind, outcomes.gather(frame["outcome"].cast(pl.UInt32()))),
        happened_on="happened_on",
        ended_on=pl.lit(None, pl.Date()),
        department=pl.lit(department),
        sequence="sequence",
        line="line",
        sent_on=pl.lit(AS_OF),
    ).select(*FACTS)


def _measure(kind: str, outcome: pl.Series) -> pl.Expr:
    if kind == "contract_performance":
        return pl.when(pl.lit(outcome) == "late").then("overdue").otherwise("measure")
    return pl.col("level") if kind == "honour" else pl.col("measure")


def _record_ids(delivery: _Delivery, bucket: int, rows: int, seed: int) -> pl.Series:
    own = _delivered_ids(delivery.kind, delivery.number, bucket, rows, seed)
    corrected = int(rows * CORRECTED_SHARE)
    if delivery.number == 0 or corrected == 0:
        return own
    before = _delivered_ids(delivery.kind, delivery.number - 1, bucket, rows, seed)
    return pl.concat([before.tail(corrected), own.tail(rows - corrected)])


def _delivered_ids(kind: str, number: int, bucket: int, rows: int, seed: int) -> pl.Series:
    return _random_text(f"record/{seed}/{kind}/{number}/{bucket}", rows, RECORD_ID_CHARS)


def _export_table(export: Path, name: str, table: pl.DataFrame) -> ExportedTable:
    path = export / f"{name}.parquet"
    table.write_parquet(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return ExportedTable(name=name, path=path.name, rows=table.height, sha256=digest)
