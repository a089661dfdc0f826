"""Twelfth stage: facts to Parquet parts, same facts same bytes."""

import io
from collections.abc import Iterator
from typing import NamedTuple

import polars as pl

from scoring.catalogue.kinds import SourceKind
from scoring.lake.tables import FACTS, ORGANISATIONS, bucket_expression


class Part(NamedTuple):
    """A file of the lake to be; path relative to the lake, rows in the order of the file."""

    path: str
    rows: pl.DataFrame


def parts_of(facts: pl.DataFrame, kind: SourceKind, file_id: str) -> Iterator[Part]:
    """In: the columns of FACTS or ORGANISATIONS, any row order. Out: parts in order of path."""
    if kind.subject_class == "organisation":
        path = f"organisations/kind={kind.id}/{file_id}.parquet"
        yield Part(path, facts.select(_typed(ORGANISATIONS)).sort("uscc"))
        return
    bucketed = facts.select(bucket_expression().alias("bucket"), *_typed(FACTS))
    # Apart first, then in order: half the time of ordering all rows by bucket as well.
    by_bucket = bucketed.partition_by("bucket", as_dict=True, include_key=False)
    for (bucket,), rows in sorted(by_bucket.items()):
        path = f"facts/kind={kind.id}/bucket={bucket:02d}/{file_id}.parquet"
        yield Part(path, rows.sort("subject", "record_id"))


def _typed(schema: dict[str, pl.DataType]) -> list[pl.Expr]:
    return [pl.col(name).cast(dtype) for name, dtype in schema.items()]


def parquet_of(rows: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    # zstd 1: a quarter faster than polars' 3 and one percent larger; pseudonyms hardly compress.
    rows.write_parquet(buffer, compression="zstd", compression_level=1)
    return buffer.getvalue()
