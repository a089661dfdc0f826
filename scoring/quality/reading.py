"""What the lake tells of deliveries: its manifest, its reject lists, and days of its records."""

from collections.abc import Iterable
from pathlib import Path

import msgspec
import polars as pl

from scoring.catalogue.kinds import Catalogue
from scoring.errors import VerificationFailed
from scoring.lake.manifest import LakeFile, read_manifest

# One row a file. `required_cells`: that its rows should have filled, by the catalogue of now.
FILES = pl.Schema(
    {
        "sequence": pl.Int64(),
        "department": pl.String(),
        "kind": pl.String(),
        "sent_on": pl.Date(),
        "submitted": pl.Int64(),
        "accepted": pl.Int64(),
        "required_cells": pl.Int64(),
    }
)
# One row a cell that broke a rule; `column` is empty where the row as a whole did.
REJECTS = pl.Schema(
    {
        "sequence": pl.Int64(),
        "line": pl.Int64(),
        "column": pl.String(),
        "rule": pl.String(),
    }
)
# Rows that are still there, by the day of the act; those erased at the end of their time are not.
DAYS = pl.Schema({"sequence": pl.Int64(), "happened_on": pl.Date(), "rows": pl.Int64()})


class Deliveries(msgspec.Struct, frozen=True):
    """FILES, REJECTS and DAYS of one lake. Files refused whole left nothing and are not here."""

    files: pl.DataFrame
    rejects: pl.DataFrame
    days: pl.DataFrame


def read_deliveries(lake: Path, catalogue: Catalogue) -> Deliveries:
    """Raises VerificationFailed where a reject list or a part is missing or damaged."""
    manifest = read_manifest(lake)
    required = {
        kind.id: sum(field.is_required for field in kind.fields) for kind in catalogue.kinds
    }
    rows = [
        (
            file.sequence,
            file.department,
            file.kind,
            file.sent_on,
            file.submitted,
            file.accepted,
            file.submitted * required.get(file.kind, 0),
        )
        for file in manifest.files
    ]
    return Deliveries(
        pl.DataFrame(rows, schema=FILES, orient="row"),
        _together((_rejects_of(lake, file) for file in manifest.files if file.rejected), REJECTS),
        _together((_days_of(lake, file) for file in manifest.files), DAYS),
    )


def recounted(deliveries: Deliveries) -> pl.DataFrame:
    """FILES with `accepted` from the rows and `submitted` from rows and reject lists, whatever the
    manifest says."""
    there = deliveries.days.group_by("sequence").agg(accepted=pl.col("rows").sum())
    refused = deliveries.rejects.group_by("sequence").agg(rejected=pl.col("line").n_unique())
    counted = deliveries.files.drop("accepted").join(there, on="sequence", how="left")
    counted = counted.join(refused, on="sequence", how="left").with_columns(
        pl.col("accepted", "rejected").fill_null(0).cast(pl.Int64)
    )
    return counted.with_columns(submitted=pl.col("accepted") + pl.col("rejected")).select(*FILES)


def _together(frames: Iterable[pl.DataFrame], schema: pl.Schema) -> pl.DataFrame:
    return pl.concat([pl.DataFrame(schema=schema), *frames])


def _rejects_of(lake: Path, file: LakeFile) -> pl.DataFrame:
    path = lake / "rejects" / f"{file.file_id}.csv"
    columns = {"line": pl.Int64(), "column": pl.String(), "rule": pl.String()}
    try:
        read = pl.read_csv(path, columns=list(columns), schema_overrides=columns)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise _damaged(path) from error
    return read.select(pl.lit(file.sequence, pl.Int64).alias("sequence"), *columns)


def _days_of(lake: Path, file: LakeFile) -> pl.DataFrame:
    paths = [lake / part.path for part in file.parts]
    if not paths:
        return pl.DataFrame(schema=DAYS)
    column = "established_on" if file.kind == "organisation_register" else "happened_on"
    try:
        rows = pl.scan_parquet(paths, hive_partitioning=False).select(happened_on=column)
        counted = rows.group_by("happened_on").agg(rows=pl.len().cast(pl.Int64)).collect()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise _damaged(paths[0]) from error
    return counted.select(pl.lit(file.sequence, pl.Int64).alias("sequence"), "happened_on", "rows")


def _damaged(path: Path) -> VerificationFailed:
    return VerificationFailed(
        "lake_part_unreadable",
        "a part or reject list that the lake's manifest names cannot be read",
        where=str(path),
        do="restore it from backup",
    )
