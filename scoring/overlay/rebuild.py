"""The build's own steps for a few citizens: the same functions, rules, day and lake."""

import msgspec
import polars as pl

from scoring.build.citizens import CITIZENS, layout_of, number_citizens
from scoring.build.commands import explanation_values, history_values, hot_values
from scoring.build.gather import RECORDS, coded, enrolled
from scoring.build.part import STATES, scored
from scoring.contract.pseudonyms import snapshot_subject_of
from scoring.contract.snapshot import bucket_of, field_of
from scoring.history.lineage import Lineage
from scoring.history.rows import histories
from scoring.lake.tables import bucket_expression, scan_facts
from scoring.overlay.changes import LedgerChanges
from scoring.overlay.served import ServedInputs


class OverlaidCitizen(msgspec.Struct, frozen=True, kw_only=True):
    """Her three records; empty where she is no longer enrolled. `history` is empty too where the
    served snapshot keeps none."""

    snapshot_subject: str
    bucket: int
    hot: str = ""
    explanation: str = ""
    history: str = ""

    @property
    def field(self) -> str:
        return field_of(self.snapshot_subject)


def rebuilt(
    served: ServedInputs, changes: LedgerChanges, snapshot_key: bytes
) -> list[OverlaidCitizen]:
    """Everyone in `changes`: who is enrolled with her records, who is not without."""
    layout = layout_of(served.manifest.bucket_count)
    accepted = changes.enrolled.with_columns(notice=_notice(served.manifest.notice))
    people = number_citizens(accepted, snapshot_key, layout)
    gone = changes.changed.join(people, on="subject", how="anti")["subject"]
    named = [snapshot_subject_of(snapshot_key, subject) for subject in gone]
    without = [
        OverlaidCitizen(snapshot_subject=name, bucket=bucket_of(name, layout.bucket_count))
        for name in named
    ]
    return without + (_with_records(served, changes, people) if people.height else [])


def _notice(of_snapshot: str) -> pl.Expr:
    """Named wherever it is not the snapshot's: she may have accepted an earlier or a later one."""
    version = pl.col("notice_version")
    return pl.when(version == of_snapshot).then(pl.lit("")).otherwise(version)


def _with_records(
    served: ServedInputs, changes: LedgerChanges, people: pl.DataFrame
) -> list[OverlaidCitizen]:
    states = changes.states.join(people, on="subject").select(*STATES)
    citizens, items = scored(
        people.lazy(), _records(served, people), states.lazy(), served.own.plan
    )
    hot = hot_values(citizens.lazy()).collect()["value"]
    explanations = explanation_values(citizens.lazy(), items.lazy()).collect()["value"]
    return [
        OverlaidCitizen(
            snapshot_subject=name, bucket=bucket, hot=score, explanation=told, history=past
        )
        for name, bucket, score, told, past in zip(
            citizens["snapshot_subject"],
            citizens["bucket"],
            hot,
            explanations,
            _histories(served, changes, citizens, items),
            strict=True,
        )
    ]


def _records(served: ServedInputs, people: pl.DataFrame) -> pl.LazyFrame:
    """RECORDS, read from the buckets these people lie in."""
    buckets = set(people.select(bucket_expression())["subject"])
    own = people.lazy().drop("snapshot_subject", "bucket")
    files = [file for file in served.files if file.bucket in buckets]
    frames = []
    for kind in sorted({file.kind for file in files}):
        paths = [served.lake / file.part.path for file in files if file.kind == kind]
        facts = scan_facts(paths).filter(pl.col("subject").is_in(people["subject"].implode()))
        frames.append(coded(enrolled(facts, own, served.stale.lazy()), kind, served.own.plan))
    if not frames:
        return pl.LazyFrame(schema=RECORDS)
    return pl.concat(frames).select(*RECORDS)


def _histories(
    served: ServedInputs, changes: LedgerChanges, citizens: pl.DataFrame, items: pl.DataFrame
) -> list[str]:
    """What changed since the served snapshot's own records, before the histories it holds: the same
    however often it is laid."""
    if not served.own.has_histories:
        return [""] * citizens.height
    lineage = Lineage(
        document=served.own.document,
        rule_ids=served.own.rule_ids,
        previous=served.own,
        law_days={},
    )
    people = citizens.join(changes.changed, on="subject", how="left", maintain_order="left").select(
        "snapshot_subject", "score_points", "changed_on"
    )
    named = items.join(citizens.select("citizen", "snapshot_subject"), on="citizen")
    rows = histories(
        people, named, served.own.plan, lineage, served.own.share(people, citizens["part"])
    )
    values = history_values(citizens.select(*CITIZENS).lazy(), rows, lineage.document)
    return values.collect()["value"].to_list()
