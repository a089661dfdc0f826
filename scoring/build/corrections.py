"""Rows of the lake that a later file replaced.

A record keeps its id when a department sends it again; the row sent last is the truth (VERSION_ORDER:
the sender's day, then the order of acceptance, so that an old file that comes late undoes nothing),
even where the correction moved it to another person: then the old row lies in another bucket, so that
no bucket alone can see that it is stale. Looked for per kind and department, because a record id is a
keyed hash of both: 8 bytes of memory for each of their rows.
"""

from itertools import groupby
from pathlib import Path

import polars as pl

from scoring.build.inputs import FactsFile
from scoring.lake.tables import VERSION_ORDER, bucket_expression, scan_facts

STALE: dict[str, pl.DataType] = {"sequence": pl.Int64(), "line": pl.Int32()}


def deliveries(files: list[FactsFile]) -> list[list[FactsFile]]:
    """Files by kind and department: records of two groups never share an id."""

    def group(file: FactsFile) -> tuple[str, str]:
        return file.kind, file.department

    return [list(same) for _, same in groupby(sorted(files, key=group), group)]


def stale_rows(lake: Path, files: list[FactsFile]) -> pl.DataFrame:
    """`sequence`, `line` of every row that is not its record's last, with its `lake_bucket`."""
    facts = scan_facts([lake / file.part.path for file in files])
    repeated = _repeated(facts.select(pl.col("record_id").hash()).collect().to_series())
    if repeated.is_empty():  # most groups
        return pl.DataFrame(schema={"lake_bucket": pl.Int64(), **STALE})
    return (
        facts.filter(pl.col("record_id").hash().is_in(repeated.implode()))
        .select("subject", "record_id", *VERSION_ORDER)
        .collect()
        .sort("record_id", *VERSION_ORDER)
        .filter(pl.col("record_id") == pl.col("record_id").shift(-1))
        .select(bucket_expression().alias("lake_bucket"), *STALE)
    )


def _repeated(hashes: pl.Series) -> pl.Series:
    ordered = hashes.sort()
    return ordered.filter(ordered == ordered.shift()).unique()
