"""Columns of the lake, one declaration for ingest, build and recompute.

`facts`, hive-partitioned `facts/kind=<kind>/bucket=<00..63>/<file_id>.parquet`, one row per accepted
record of a person:

    subject       text   pseudonym, never null; bucket = value of its first base64url character
    record_id     text   14 base64url characters, keyed hash of kind, department and document number:
                         the same record sent again or corrected keeps its id
    outcome       text   one of OUTCOMES[kind]
    measure       int32  MEASURES[kind, outcome]: overdue days, honour level; 0 where there is none
    happened_on   date   performed, due, decided or awarded
    ended_on      date   null, or the day an obligation was met
    department    text   code of the department that sent it (catalogue)
    sent_on       date   day on which its sender sent the file, by the delivery note; null in a lake
                         from before this column
    sequence      int64  order of acceptance of the file
    line          int32  line in the source file, 1 = header; with the file's id: lineage

Of two rows with one record_id the one sent later is the truth; of one day, the one accepted later
(ADR 8). The same order in every reader: VERSION_ORDER.

`organisations/kind=organisation_register/<file_id>.parquet`, one row per accepted organisation; of
two rows with one `uscc` the higher sequence is the truth. Feeds no score.
"""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

BUCKETS = 64
BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
RECORD_ID_CHARS = 14

FACTS: dict[str, pl.DataType] = {
    "subject": pl.String(),
    "record_id": pl.String(),
    "outcome": pl.String(),
    "measure": pl.Int32(),
    "happened_on": pl.Date(),
    "ended_on": pl.Date(),
    "department": pl.String(),
    "sent_on": pl.Date(),
    "sequence": pl.Int64(),
    "line": pl.Int32(),
}
VERSION_ORDER = (
    "sent_on",
    "sequence",
    "line",
)  # ascending, no day before any; the last is the truth

ORGANISATIONS: dict[str, pl.DataType] = {
    "uscc": pl.String(),
    "name": pl.String(),
    "division": pl.String(),
    "established_on": pl.Date(),
    "status": pl.String(),
    "department": pl.String(),
    "sequence": pl.Int64(),
    "line": pl.Int32(),
}

# Person source kinds and what a record of each can say.
OUTCOMES: dict[str, tuple[str, ...]] = {
    "commitment": ("kept", "partly_kept", "broken"),
    "contract_performance": ("on_time", "late", "nothing_due"),
    "court_obligation": ("unfulfilled", "fulfilled"),
    "penalty": ("minor", "general", "serious"),
    "honour": ("awarded",),
}
MEASURES: dict[tuple[str, str], str] = {
    ("contract_performance", "late"): "overdue_days",
    ("honour", "awarded"): "honour_level",  # 1 city, 2 province, 3 national
}


def scan_facts(paths: Sequence[Path]) -> pl.LazyFrame:
    """FACTS of these files, in their order; what a file from an earlier edition lacks is null."""
    return pl.scan_parquet(
        list(paths), hive_partitioning=False, schema=FACTS, missing_columns="insert"
    )


def bucket_expression(subject: str = "subject") -> pl.Expr:
    """Int64 0..63 of a subject column: the value of its first base64url character."""
    return (
        pl.col(subject)
        .str.slice(0, 1)
        .replace_strict(list(BASE64URL), list(range(BUCKETS)), return_dtype=pl.Int64)
    )
