"""Tenth stage: a document that stands twice in one file has no silent winner."""

import polars as pl

from scoring.catalogue.kinds import SourceKind
from scoring.ingest.rejects import REJECTS, Rejects


def duplicate_rejects(facts: pl.DataFrame, bad_keys: pl.Series, kind: SourceKind) -> Rejects:
    """Facts whose `key` another row has, be that row good or among `bad_keys` of rejected rows."""
    is_doubled = pl.col("key").is_duplicated() | pl.col("key").is_in(bad_keys.implode())
    column = "+".join(kind.record_key)
    return (
        facts.lazy()
        .filter(is_doubled)
        .select(
            "line",
            column=pl.lit(column),
            rule=pl.lit("duplicate"),
            message=pl.lit("another row of this file has the same key; none of them is taken"),
        )
        .cast(REJECTS)
        .collect()
    )
