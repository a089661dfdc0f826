"""Job per part of the snapshot: from spilled records to the part's files."""

import hashlib
import io
from pathlib import Path
from typing import Literal

import msgspec
import polars as pl

from scoring.build.caps import with_caps
from scoring.build.citizens import CITIZENS
from scoring.build.commands import (
    explanation_values,
    history_values,
    hot_values,
    hset_commands,
)
from scoring.build.gather import RECORDS
from scoring.build.plan import Plan
from scoring.build.points import with_points
from scoring.build.spill import read_spilled, spilled
from scoring.build.totals import scores
from scoring.contract.lookup import SORTS, Sort, lookup_bytes
from scoring.contract.snapshot import (
    LookupPart,
    SnapshotPart,
    explanation_key,
    history_key,
    hot_key,
)
from scoring.durable import write_whole
from scoring.errors import VerificationFailed
from scoring.history.lineage import Lineage
from scoring.history.previous import HISTORY
from scoring.history.rows import histories

STATES: dict[str, pl.DataType] = {
    "citizen": pl.UInt32(),
    "record_id": pl.String(),
    "state": pl.String(),
}
SCORES = ("subject", "snapshot_subject", "score_points", "band_index")
ITEMS = (
    "snapshot_subject",
    "record_id",
    "fact_index",
    "rule_index",
    "points",
    "status_index",
    "happened_on",
    "expires_on",
    "source_index",
    "measure",
)


class PartJob(msgspec.Struct, frozen=True, kw_only=True):
    """`target`: the folder that becomes the snapshot."""

    work: Path
    target: Path
    snapshot: str
    number: int
    part_count: int
    bucket_count: int
    plan: Plan
    lineage: Lineage


class PartResult(msgspec.Struct, frozen=True, kw_only=True):
    files: list[SnapshotPart]
    lookup: LookupPart
    citizens: int
    items: int
    score_sum_points: int
    band_citizens: list[int]
    names_notices: bool


def make_part(job: PartJob) -> PartResult:
    """Write `NN.parquet` of scores, items and history, `records-NN.resp` and its lookup file."""
    citizens, items = _scored(job)
    named = items.join(
        citizens.select("citizen", "snapshot_subject"), on="citizen", maintain_order="left"
    )
    rows = _histories(job, citizens, named)
    commands, places = _commands(job, citizens, items, rows)
    number = f"{job.number:02d}"
    records = f"records-{number}.resp"
    return PartResult(
        files=[
            _write_table(job, f"scores.parquet/{number}.parquet", "scores", citizens, SCORES),
            _write_table(job, f"items.parquet/{number}.parquet", "items", named, ITEMS),
            _write_table(job, f"history.parquet/{number}.parquet", "history", rows, tuple(HISTORY)),
            write_part(
                job.target,
                records,
                "records",
                commands,
                rows=3 * citizens.height,
                keys=len(places),
            ),
        ],
        lookup=_write_lookup(job, records, commands, places),
        citizens=citizens.height,
        items=items.height,
        score_sum_points=int(citizens["score_points"].sum()),
        band_citizens=[
            citizens.filter(pl.col("band_index") == band).height
            for band in range(len(job.plan.band_codes))
        ],
        names_notices=bool((citizens["notice"] != "").any()),
    )


def items_of(records: pl.LazyFrame, states: pl.LazyFrame, plan: Plan) -> pl.LazyFrame:
    """The whole of scoring but the sum: every record with its points, for any set of citizens."""
    stated = records.join(states, on=["citizen", "record_id"], how="left")
    return with_caps(with_points(stated, plan), plan)


def scored(
    citizens: pl.LazyFrame, records: pl.LazyFrame, states: pl.LazyFrame, plan: Plan
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Citizens in their order with their scores, and their items: of a whole part or of a few.
    Raises VerificationFailed `score_out_of_range`."""
    items = items_of(records, states, plan).collect(engine="in-memory")
    found = scores(citizens, items.lazy(), plan).collect(engine="in-memory")
    _check_range(found["score_points"], plan)
    return found, items


def write_part(
    target: Path,
    path: str,
    role: Literal["scores", "items", "history", "records", "documents"],
    content: bytes,
    *,
    rows: int,
    keys: int = 0,
) -> SnapshotPart:
    write_whole(target / path, content)
    return SnapshotPart(
        path=path,
        role=role,
        rows=rows,
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        keys=keys,
    )


def _scored(job: PartJob) -> tuple[pl.DataFrame, pl.DataFrame]:
    folder = spilled(job.work / "citizens", "part", job.number)
    citizens = read_spilled(folder, CITIZENS).sort("citizen")
    records = read_spilled(spilled(job.work / "records", "part", job.number), RECORDS)
    states = read_spilled(job.work / "states", STATES)
    return scored(citizens, records, states, job.plan)


def _check_range(points: pl.Series, plan: Plan) -> None:
    if not points.is_between(plan.minimum, plan.maximum).all():
        raise VerificationFailed(
            "score_out_of_range",
            f"a score lies outside {plan.minimum}…{plan.maximum}",
            where="rulebook",
            do="run `chengxin lint`: base and caps must keep every score in range",
        )


def _histories(job: PartJob, citizens: pl.DataFrame, named: pl.DataFrame) -> pl.DataFrame:
    previous = job.lineage.previous
    people = citizens.select("snapshot_subject", "score_points", changed_on=pl.lit(job.plan.as_of))
    parts = previous.parts_under(job.number, job.part_count) if previous else ()
    share = previous.share(people, parts) if previous else None
    return histories(people, named, job.plan, job.lineage, share)


def _commands(
    job: PartJob, citizens: pl.DataFrame, items: pl.DataFrame, rows: pl.DataFrame
) -> tuple[bytes, list[tuple[Sort, int, int, int]]]:
    """The RESP part, and of each command in it: sort, bucket, first byte, byte behind the last."""
    people = citizens.lazy()
    values = (
        (hot_key, hot_values(people)),
        (explanation_key, explanation_values(people, items.lazy())),
        (history_key, history_values(people, rows, job.lineage.document)),
    )
    contents: list[bytes] = []
    places: list[tuple[Sort, int, int, int]] = []
    before = 0
    for sort, (key_of, value) in zip(SORTS, values, strict=True):
        commands = hset_commands(value, *_around(key_of(job.snapshot, 0)))
        places += [(sort, bucket, before + at, before + end) for bucket, at, end in commands.places]
        contents.append(commands.content)
        before += len(commands.content)
    return b"".join(contents), places


def _write_lookup(
    job: PartJob, records: str, commands: bytes, places: list[tuple[Sort, int, int, int]]
) -> LookupPart:
    buckets = job.bucket_count // job.part_count
    content = lookup_bytes(commands, job.number * buckets, buckets, places)
    path = records.removesuffix(".resp") + ".lookup"
    write_whole(job.target / path, content)
    return LookupPart(
        path=path,
        records=records,
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def _around(key_of_bucket_0: str) -> tuple[str, str]:
    before, _, after = key_of_bucket_0.rpartition("0")
    return before, after


def _write_table(
    job: PartJob,
    path: str,
    role: Literal["scores", "items", "history"],
    frame: pl.DataFrame,
    columns: tuple[str, ...],
) -> SnapshotPart:
    buffer = io.BytesIO()
    frame.select(columns).write_parquet(buffer, compression="zstd", compression_level=1)
    return write_part(job.target, path, role, buffer.getvalue(), rows=frame.height)
