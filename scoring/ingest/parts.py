"""Twelfth stage: facts to Parquet parts, same facts same bytes."""

import hashlib
import io
from collections.abc import Iterator

import msgspec
import polars as pl

from scoring.catalogue.kinds import SourceKind
from scoring.contract.snapshot import SourcePart
from scoring.lake.tables import FACTS, ORGANISATIONS, bucket_expression


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the lake before it is written; path relative to the lake."""

    path: str
    rows: int
    content: bytes

    def named(self) -> SourcePart:
        return SourcePart(
            path=self.path, rows=self.rows, sha256=hashlib.sha256(self.content).hexdigest()
        )


def parts_of(facts: pl.DataFrame, kind: SourceKind, file_id: str) -> Iterator[Part]:
    """In: the columns of FACTS or ORGANISATIONS, any row order. Out: parts in order of path."""
    if kind.subject_class == "organisation":
        rows = facts.select(_typed(ORGANISATIONS)).sort("uscc")
        yield _part(f"organisations/kind={kind.id}/{file_id}.parquet", rows)
        return
    bucketed = facts.select(bucket_expression().alias("bucket"), *_typed(FACTS))
    ordered = bucketed.sort("bucket", "subject", "record_id")
    for rows in ordered.partition_by("bucket", maintain_order=True):
        bucket = rows.item(0, "bucket")
        path = f"facts/kind={kind.id}/bucket={bucket:02d}/{file_id}.parquet"
        yield _part(path, rows.drop("bucket"))


def _typed(schema: dict[str, pl.DataType]) -> list[pl.Expr]:
    return [pl.col(name).cast(dtype) for name, dtype in schema.items()]


def _part(path: str, rows: pl.DataFrame) -> Part:
    buffer = io.BytesIO()
    rows.write_parquet(buffer, compression="zstd", statistics=True)
    return Part(path=path, rows=rows.height, content=buffer.getvalue())
