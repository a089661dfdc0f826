"""Ledger exports as files: `exports/<position>/` with one Parquet file a table and a manifest.

Columns: scoring.contract.ledger_tables. Same position, same bytes: rows come sorted by subject,
row groups have a fixed size, nothing in a file says when it was written.
"""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
import polars as pl
from polars.io.plugins import register_io_source

from scoring.contract.ledger_tables import (
    ENROLMENT_COLUMNS,
    ENROLMENTS_TABLE,
    RECORD_STATE_COLUMNS,
    RECORD_STATES_TABLE,
    ExportedTable,
    ExportManifest,
)
from scoring.durable import sha256_of, sync_folder, unfinished, write_whole
from scoring.errors import StoreUnavailable

EXPORT_MANIFEST_NAME = "export.json"
ROW_GROUP_ROWS = 250_000

_DTYPES: dict[str, pl.DataType] = {
    "text": pl.String(),
    "integer": pl.Int64(),
    "instant": pl.Datetime("ms", "UTC"),
}

# Instants come as numbers, which is what they are inside.
_PHYSICAL: dict[str, pl.DataType] = {"instant": pl.Int64()}

Row = tuple[object, ...]


def schema_of(columns: dict[str, str]) -> pl.Schema:
    """Polars types of a table's type words; instants come as UTC milliseconds."""
    return pl.Schema({name: _DTYPES[word] for name, word in columns.items()})


def exported_positions(exports: Path) -> list[int]:
    """Ledger positions of the exports there are."""
    return [int(folder.name) for folder in exports.glob("*") if folder.name.isdecimal()]


def write_export(
    exports: Path,
    position: int,
    *,
    enrolments: Iterable[Sequence[Row]],
    record_states: Iterable[Sequence[Row]],
) -> Path:
    """`exports/<position>`, complete or not there at all. Batches sorted by subject. Raises
    StoreUnavailable where it cannot be written."""
    target = exports / str(position)
    half_written = unfinished(target)
    try:
        half_written.mkdir(parents=True)
        try:
            tables = [
                _write_table(half_written, ENROLMENTS_TABLE, ENROLMENT_COLUMNS, enrolments),
                _write_table(
                    half_written, RECORD_STATES_TABLE, RECORD_STATE_COLUMNS, record_states
                ),
            ]
            manifest = ExportManifest(position=position, tables=tables)
            write_whole(half_written / EXPORT_MANIFEST_NAME, msgspec.json.encode(manifest))
            _put_in_place(half_written, target, manifest)
        finally:
            shutil.rmtree(half_written, ignore_errors=True)
    except OSError as error:
        raise StoreUnavailable(
            "export_not_written", str(error), where=str(exports), do="make room and repeat"
        ) from error
    return target


def _put_in_place(folder: Path, target: Path, manifest: ExportManifest) -> None:
    """An export of the same position that is whole has the same bytes and stays, also one that
    another export put there a moment ago."""
    sync_folder(folder)
    while not _is_whole(target, manifest):
        try:
            folder.rename(target)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            _put_aside_unless_whole(target, manifest)
        else:
            sync_folder(target.parent)
            return


def _put_aside_unless_whole(target: Path, manifest: ExportManifest) -> None:
    if not _is_whole(target, manifest):
        aside = unfinished(target)
        with contextlib.suppress(FileNotFoundError):  # another export did it
            target.rename(aside)
        shutil.rmtree(aside, ignore_errors=True)


def _is_whole(folder: Path, manifest: ExportManifest) -> bool:
    try:
        has_manifest = (folder / EXPORT_MANIFEST_NAME).read_bytes() == msgspec.json.encode(manifest)
        return has_manifest and all(
            sha256_of(folder / table.path) == table.sha256 for table in manifest.tables
        )
    except FileNotFoundError:
        return False


def _write_table(
    folder: Path, name: str, columns: dict[str, str], batches: Iterable[Sequence[Row]]
) -> ExportedTable:
    path = folder / f"{name}.parquet"
    rows = _sink(path, columns, batches)
    _sync_file(path)
    return ExportedTable(name=name, path=path.name, rows=rows, sha256=sha256_of(path))


def _sync_file(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _sink(path: Path, columns: dict[str, str], batches: Iterable[Sequence[Row]]) -> int:
    """Number of rows. One batch at a time is in memory."""
    counted = 0
    failures: list[Exception] = []

    def frames(*_: object) -> Iterator[pl.DataFrame]:
        nonlocal counted
        try:
            for batch in batches:
                counted += len(batch)
                yield _frame(batch, columns)
        except Exception as error:
            failures.append(error)
            raise

    try:
        register_io_source(frames, schema=schema_of(columns)).sink_parquet(
            path, row_group_size=ROW_GROUP_ROWS, compression="zstd", maintain_order=True
        )
    except pl.exceptions.PolarsError:
        # The engine wraps what the batches raised; the reason is what the caller must see.
        raise failures[0] if failures else OSError(f"{path.name} was not written") from None
    return counted


def _frame(batch: Sequence[Row], columns: dict[str, str]) -> pl.DataFrame:
    data = zip(*batch, strict=True) if batch else ((),) * len(columns)
    return pl.DataFrame(
        {
            name: pl.Series(name, values, dtype=_PHYSICAL.get(word, _DTYPES[word]))
            for (name, word), values in zip(columns.items(), data, strict=True)
        }
    ).cast(schema_of(columns))
