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
from scoring.build.files import read_spilled, spilled, write_whole
from scoring.build.gather import RECORDS
from scoring.build.plan import Plan
from scoring.build.points import with_points
from scoring.build.totals import scores
from scoring.contract.snapshot import SnapshotPart, explanation_key, history_key, hot_key
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
    plan: Plan
    lineage: Lineage


class PartResult(msgspec.Struct, frozen=True, kw_only=True):
    files: list[SnapshotPart]
    citizens: int
    items: int
    score_sum_points: int
    band_citizens: list[int]


def make_part(job: PartJob) -> PartResult:
    """Write `NN.parquet` of scores, items and history, and `records-NN.resp`."""
    citizens, items = _scored(job)
    named = items.join(
        citizens.select("citizen", "snapshot_subject"), on="citizen", maintain_order="left"
    )
    rows = _histories(job, citizens, named)
    commands = _commands(job, citizens, items, rows)
    keys = 3 * citizens["bucket"].n_unique()
    number = f"{job.number:02d}"
    return PartResult(
        files=[
            _write_table(job, f"scores.parquet/{number}.parquet", "scores", citizens, SCORES),
            _write_table(job, f"items.parquet/{number}.parquet", "items", named, ITEMS),
            _write_table(job, f"history.parquet/{number}.parquet", "history", rows, tuple(HISTORY)),
            write_part(
                job.target,
                f"records-{number}.resp",
                "records",
                commands,
                rows=3 * citizens.height,
                keys=keys,
            ),
        ],
        citizens=citizens.height,
        items=items.height,
        score_sum_points=int(citizens["score_points"].sum()),
        band_citizens=[
            citizens.filter(pl.col("band_index") == band).height
            for band in range(len(job.plan.band_codes))
        ],
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
) -> bytes:
    people = citizens.lazy()
    values = (
        (hot_key, hot_values(people)),
        (explanation_key, explanation_values(people, items.lazy())),
        (history_key, history_values(people, rows, job.lineage.document)),
    )
    return b"".join(
        hset_commands(value, *_around(key_of(job.snapshot, 0))) for key_of, value in values
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
