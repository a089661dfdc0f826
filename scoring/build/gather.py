"""Job per group of lake buckets: enrolled people's records, spilled by part of the snapshot."""

from pathlib import Path

import msgspec
import polars as pl

from scoring.build.citizens import CITIZENS
from scoring.build.corrections import STALE
from scoring.build.inputs import FactsFile
from scoring.build.plan import Plan
from scoring.build.spill import read_spilled, spill, spilled
from scoring.errors import VerificationFailed
from scoring.lake.tables import scan_facts

RECORDS: dict[str, pl.DataType] = {
    "citizen": pl.UInt32(),
    "record_id": pl.String(),
    "fact_index": pl.UInt8(),
    "measure": pl.Int32(),
    "happened_on": pl.Date(),
    "source_index": pl.UInt8(),
}


class GatherJob(msgspec.Struct, frozen=True, kw_only=True):
    """`files`: all of `buckets` and of no other."""

    lake: Path
    work: Path
    buckets: list[int]
    files: list[FactsFile]
    plan: Plan


def gather(job: GatherJob) -> int:
    """Write `work/records/part=NN/<first bucket>.arrow`, columns RECORDS; returns the rows."""
    citizens = _of_buckets(job, "citizens", CITIZENS).drop("snapshot_subject", "bucket")
    stale = _of_buckets(job, "stale", STALE)
    kinds = sorted({file.kind for file in job.files})
    records = pl.concat(
        [coded(enrolled(_facts(job, kind), citizens, stale), kind, job.plan) for kind in kinds]
    )
    try:
        gathered = records.collect()
    except pl.exceptions.InvalidOperationError as error:
        raise VerificationFailed(
            "lake_word_unknown",
            f"an outcome or department is in neither rulebook nor catalogue: {error}",
            where=f"lake buckets {job.buckets}",
            do="build with the catalogue and rulebook the lake was filled under",
        ) from error
    spill(gathered, job.work / "records", "part", f"{job.buckets[0]:02d}")
    return gathered.height


def enrolled(facts: pl.LazyFrame, citizens: pl.LazyFrame, stale: pl.LazyFrame) -> pl.LazyFrame:
    """Rows of enrolled people as they were last sent, with `citizen` and `part`."""
    return facts.join(citizens, on="subject").join(stale, on=["sequence", "line"], how="anti")


def coded(facts: pl.LazyFrame, kind: str, plan: Plan) -> pl.LazyFrame:
    """RECORDS and `part`: words become indices of the tables document, last, because most of the
    lake is of people who are not enrolled."""
    facts_of_kind = {fact.outcome: fact.index for fact in plan.facts if fact.kind == kind}
    sources = {department: index for index, department in enumerate(plan.sources)}
    return facts.with_columns(
        fact_index=_code("outcome", facts_of_kind), source_index=_code("department", sources)
    ).select("part", *RECORDS)


def _facts(job: GatherJob, kind: str) -> pl.LazyFrame:
    paths = [job.lake / file.part.path for file in job.files if file.kind == kind]
    return scan_facts(paths)


def _code(column: str, codes: dict[str, int]) -> pl.Expr:
    return pl.col(column).replace_strict(list(codes), list(codes.values()), return_dtype=pl.UInt8)


def _of_buckets(job: GatherJob, name: str, columns: dict[str, pl.DataType]) -> pl.LazyFrame:
    folders = [spilled(job.work / name, "lake_bucket", bucket) for bucket in job.buckets]
    return pl.concat([read_spilled(folder, columns) for folder in folders])
