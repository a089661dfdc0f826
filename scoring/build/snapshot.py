"""`build`: runs the jobs and makes their files one signed snapshot."""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec
import polars as pl

from scoring.benefits import BenefitsRegister, benefits_document
from scoring.build.citizens import Layout, covered, layout_for, number_citizens
from scoring.build.corrections import deliveries, stale_rows
from scoring.build.documents import (
    documents_command,
    encoded,
    figures_document,
    tables_document,
)
from scoring.build.folder import (
    MANIFEST_NAME,
    SIGNATURE_NAME,
    is_complete,
    only_build,
    unfinished_folder,
)
from scoring.build.gather import GatherJob, gather
from scoring.build.inputs import (
    BuildKeys,
    Export,
    FactsFile,
    facts_files,
    read_export,
    snapshot_id,
    verify_inputs,
)
from scoring.build.part import STATES, PartJob, PartResult, make_part, write_part
from scoring.build.plan import Plan, plan_of
from scoring.build.spill import spill
from scoring.contract.documents import CatalogueDocument, RulesDocument
from scoring.contract.snapshot import (
    BENEFITS_DOCUMENT,
    CATALOGUE_DOCUMENT,
    FIGURES_DOCUMENT,
    HISTORY_DOCUMENT,
    RULES_DOCUMENT,
    SCHEMA_VERSION,
    SCHEMA_WITHOUT_NOTICES,
    TABLES_DOCUMENT,
    UNNAMED_NOTICE,
    Manifest,
    SnapshotPart,
)
from scoring.durable import write_whole
from scoring.history.lineage import Lineage, lineage_of
from scoring.history.previous import require_earlier, verified_previous
from scoring.lake.tables import BUCKETS, bucket_expression
from scoring.policy.coverage import NoticeCoverage
from scoring.rulebook import Rulebook, published_document
from scoring.rulebook.past import refuse_backward_changes
from scoring.signing import sign

# Rows of the lake one gather job reads when the caller does not say: some 300 MB in flight.
ROWS_PER_GATHER_JOB = 2_000_000
# Jobs at a time on one machine; polars itself uses every core, a second job fills its pauses.
JOBS_AT_A_TIME = 2

Progress = Callable[[str, int, int], None]  # stage, done, total
_Job = TypeVar("_Job")
_Result = TypeVar("_Result")


def build(
    *,
    lake: Path,
    export: Path,
    out: Path,
    rulebook: Rulebook,
    benefits: BenefitsRegister,
    catalogue: CatalogueDocument,
    as_of: dt.date,
    keys: BuildKeys,
    previous: Path | None = None,
    notices: NoticeCoverage | None = None,
    buckets_per_job: int | None = None,
    executor: Executor | None = None,
    progress: Progress = lambda stage, done, total: None,
) -> Path:
    """Folder `out/<snapshot id>` with

        manifest.json, manifest.sig     contract Manifest and its Ed25519 signature
        scores.parquet/NN.parquet       subject, snapshot_subject, score_points, band_index
        items.parquet/NN.parquet        one row a record of a citizen, as in ExplanationItem
        history.parquet/NN.parquet      one row a change of a score, as in scoring.history.previous
        records-NN.resp                 HSETs of every h:, x: and y: bucket
        records-NN.lookup               where each of them stands (scoring.contract.lookup)
        documents.resp, documents/*.json

    An existing one is used again where every hash in it holds. `previous`: folder of the snapshot
    whose histories this one continues. `notices`: who has accepted what is done on `as_of`; nobody
    else gets a record, or, without it, everybody enrolled does. `executor` runs the jobs (threads of
    this process by default); `buckets_per_job`: lake buckets read by one job. Neither changes a byte.

    Raises VerificationFailed where an input is not what its manifest says, before anything is
    written; InputRefused where `as_of` has no rules or lies before the previous snapshot's, or where
    that one would have other scores under this rulebook.
    """
    files, exported = facts_files(lake), read_export(export)
    rules = published_document(rulebook, as_of)
    tables = tables_document(rulebook, rules, catalogue, as_of)
    documents = {
        RULES_DOCUMENT: encoded(rules),
        BENEFITS_DOCUMENT: encoded(benefits_document(benefits, as_of)),
        CATALOGUE_DOCUMENT: encoded(catalogue),
        TABLES_DOCUMENT: encoded(tables),
    }
    snapshot = snapshot_id(
        as_of=as_of,
        files=files,
        export=exported.manifest,
        documents=documents.values(),
        snapshot_key=keys.snapshot_key,
        previous=previous.name if previous else "",
        notices=notices,
    )
    target = out / snapshot
    if is_complete(target, keys.signing_key.public_key()):
        return target
    before = verified_previous(previous, keys.signing_key.public_key()) if previous else None
    if before is not None:
        require_earlier(before, as_of)
        refuse_backward_changes(rulebook, before.rules, before.as_of)
    with _workers(executor) as workers:
        verify_inputs(lake, files, exported, workers)
        out.mkdir(parents=True, exist_ok=True)
        with only_build(out):
            if is_complete(target, keys.signing_key.public_key()):
                return target  # another build of the same ended while the inputs were verified
            with unfinished_folder(target) as (work, unfinished):
                run = _Run(
                    snapshot=snapshot,
                    lake=lake,
                    files=files,
                    work=work,
                    target=unfinished,
                    plan=plan_of(rules, tables),
                    lineage=lineage_of(snapshot, as_of, rules, rulebook, before),
                    workers=workers,
                    progress=progress,
                    notices=notices,
                )
                citizens = run.prepare(exported, keys.snapshot_key)
                run.gather_records(buckets_per_job or run.default_buckets_per_job())
                parts = run.make_parts(layout_for(citizens))
                run.finish(rules, documents, parts, exported.manifest.position, keys)
    return target


class _Run(msgspec.Struct, frozen=True, kw_only=True):
    """One build in its work folder."""

    snapshot: str
    lake: Path
    files: list[FactsFile]
    work: Path
    target: Path
    plan: Plan
    lineage: Lineage
    workers: Executor
    progress: Progress
    notices: NoticeCoverage | None

    def prepare(self, export: Export, snapshot_key: bytes) -> int:
        """Spill citizens, record states and stale rows by bucket; returns the citizens."""
        groups = deliveries(self.files)
        stale = [self.workers.submit(stale_rows, self.lake, group) for group in groups]
        citizens = number_citizens(covered(export.enrolments(), self.notices), snapshot_key)
        of_lake = citizens.with_columns(lake_bucket=bucket_expression())
        spill(of_lake, self.work / "citizens", "lake_bucket", "all")
        spill(citizens, self.work / "citizens", "part", "all")
        states = export.record_states().join(citizens, on="subject").select(*STATES)
        self._spill_states(states)
        for number, found in enumerate(stale):
            spill(found.result(), self.work / "stale", "lake_bucket", f"{number:02d}")
        return citizens.height

    def _spill_states(self, states: pl.DataFrame) -> None:
        folder = self.work / "states"
        folder.mkdir(parents=True)
        states.write_ipc(folder / "all.arrow")

    def default_buckets_per_job(self) -> int:
        rows_per_bucket = max(1, sum(file.part.rows for file in self.files) // BUCKETS)
        return min(BUCKETS, max(1, ROWS_PER_GATHER_JOB // rows_per_bucket))

    def gather_records(self, buckets_per_job: int) -> None:
        by_bucket: dict[int, list[FactsFile]] = {}
        for file in self.files:
            by_bucket.setdefault(file.bucket, []).append(file)
        filled = sorted(by_bucket)
        groups = [
            filled[at : at + buckets_per_job] for at in range(0, len(filled), buckets_per_job)
        ]
        jobs = [
            GatherJob(
                lake=self.lake,
                work=self.work,
                buckets=group,
                files=[file for bucket in group for file in by_bucket[bucket]],
                plan=self.plan,
            )
            for group in groups
        ]
        self._run_all("gather", gather, jobs)

    def make_parts(self, layout: Layout) -> list[PartResult]:
        jobs = [
            PartJob(
                work=self.work,
                target=self.target,
                snapshot=self.snapshot,
                number=number,
                part_count=layout.part_count,
                bucket_count=layout.bucket_count,
                plan=self.plan,
                lineage=self.lineage,
            )
            for number in range(layout.part_count)
        ]
        return self._run_all("score", make_part, jobs)

    def _run_all(
        self, stage: str, function: Callable[[_Job], _Result], jobs: Sequence[_Job]
    ) -> list[_Result]:
        futures = [self.workers.submit(function, job) for job in jobs]
        results = []
        try:
            for done, future in enumerate(futures, start=1):
                results.append(future.result())
                self.progress(stage, done, len(futures))
        finally:
            for future in futures:
                future.cancel()
            wait(futures)  # after a failure no job may still write into the work folder
        return results

    def finish(
        self,
        rules: RulesDocument,
        documents: dict[str, bytes],
        results: list[PartResult],
        position: int,
        keys: BuildKeys,
    ) -> None:
        """Write documents, manifest and signature."""
        self._remove_leftovers()
        names_notices = any(result.names_notices for result in results)
        band_citizens = [
            sum(counts) for counts in zip(*(r.band_citizens for r in results), strict=True)
        ]
        items = sum(result.items for result in results)
        figures = figures_document(self.snapshot, rules, self.plan.as_of, band_citizens, items)
        documents = documents | {
            FIGURES_DOCUMENT: encoded(figures),
            HISTORY_DOCUMENT: encoded(self.lineage.document),
        }
        parts = [part for result in results for part in result.files]
        parts += self._write_documents(documents)
        manifest = Manifest(
            snapshot=self.snapshot,
            as_of=self.plan.as_of,
            rules_version=rules.version,
            ledger_position=position,
            min_reader=SCHEMA_VERSION if names_notices else SCHEMA_WITHOUT_NOTICES,
            notice=self.notices.needed if self.notices else UNNAMED_NOTICE,
            previous=self.lineage.previous.snapshot if self.lineage.previous else "",
            bucket_count=layout_for(sum(band_citizens)).bucket_count,
            citizens=sum(band_citizens),
            items=items,
            score_histogram=dict(zip(self.plan.band_codes, band_citizens, strict=True)),
            score_sum_points=sum(result.score_sum_points for result in results),
            sources=[file.part for file in self.files],
            parts=sorted(parts, key=lambda part: part.path),
            lookups=[result.lookup for result in results],
        )
        content = msgspec.json.encode(manifest)
        write_whole(self.target / MANIFEST_NAME, content)
        write_whole(self.target / SIGNATURE_NAME, sign(keys.signing_key, content))

    def _remove_leftovers(self) -> None:
        """Half-written files of workers that died; what they were to be has been written since."""
        for leftover in self.target.rglob(".*"):
            leftover.unlink()

    def _write_documents(self, documents: dict[str, bytes]) -> list[SnapshotPart]:
        command = documents_command(self.snapshot, documents)
        loaded = write_part(
            self.target, "documents.resp", "documents", command, rows=len(documents), keys=1
        )
        return [loaded] + [
            write_part(self.target, f"documents/{name}.json", "documents", content, rows=1)
            for name, content in documents.items()
        ]


@contextmanager
def _workers(executor: Executor | None) -> Iterator[Executor]:
    if executor is not None:
        yield executor
        return
    with ThreadPoolExecutor(JOBS_AT_A_TIME, thread_name_prefix="build") as own:
        yield own
