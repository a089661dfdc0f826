"""Stages three to ten over one file: what is accepted, what is rejected, and why."""

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import polars as pl

from scoring.catalogue.kinds import SourceKind
from scoring.delivery import DeliveryNote
from scoring.errors import InputRefused
from scoring.ingest import cells, rejects
from scoring.ingest.characters import character_rejects
from scoring.ingest.column_rules import column_rejects
from scoring.ingest.duplicates import duplicate_rejects
from scoring.ingest.facts import organisation_facts, person_facts
from scoring.ingest.header import columns_of
from scoring.ingest.limits import Limits
from scoring.ingest.lines import line_batches
from scoring.ingest.row_rules import row_rejects
from scoring.ingest.rows import split_rows


class CheckedFile(msgspec.Struct, frozen=True, kw_only=True):
    """`facts` as of `scoring.ingest.facts`, still with `key` and, of persons, `id_number`."""

    submitted: int
    facts: pl.DataFrame
    rejects: rejects.Rejects

    @property
    def rejected(self) -> int:
        return self.submitted - self.facts.height


class _Batch(msgspec.Struct, frozen=True, kw_only=True):
    facts: pl.DataFrame
    rejects: rejects.Rejects
    bad_keys: pl.Series


def check_file(
    file: Path,
    kind: SourceKind,
    note: DeliveryNote,
    limits: Limits,
    on_rows: Callable[[int], None] = lambda rows: None,
) -> CheckedFile:
    """Raises InputRefused where header, row count or the share of bad rows refuse the whole file."""
    submitted, batches = 0, []
    for lines, columns in _data_lines(file, kind, note, limits):
        batches.append(_checked(lines, columns, kind, note))
        submitted += lines.height
        on_rows(lines.height)
    _refuse_row_count(submitted, note)
    checked = _without_duplicates(batches, kind, submitted)
    _refuse_share(checked, limits, note)
    return checked


def _data_lines(
    file: Path, kind: SourceKind, note: DeliveryNote, limits: Limits
) -> Iterator[tuple[pl.DataFrame, list[str]]]:
    columns: list[str] = []
    for lines in line_batches(file, note.encoding, limits):
        if columns:
            yield lines, columns
        else:
            columns = columns_of(lines.item(0, "text"), kind, file)
            yield lines.slice(1), columns


def _checked(
    lines: pl.DataFrame, columns: list[str], kind: SourceKind, note: DeliveryNote
) -> _Batch:
    rows, misshapen = split_rows(lines, columns)
    absent = [code for code in kind.header() if code not in columns]
    rows = rows.with_columns(pl.lit(None, dtype=pl.String).alias(code) for code in absent)
    by_cell = [
        misshapen,
        column_rejects(rows, kind, note.sent_on),
        character_rejects(lines, rows, kind),
    ]
    whole = _without(rows, by_cell)
    across = row_rejects(whole, kind, note.sent_on)
    good = _without(whole, [across])
    bad = (
        rows.join(good.select("line"), on="line", how="anti")
        if good.height < rows.height
        else rows.clear()
    )
    return _Batch(
        facts=(person_facts if kind.subject_class == "person" else organisation_facts)(good, kind),
        rejects=rejects.merged([*by_cell, across]),
        bad_keys=bad.select(cells.record_key(kind).alias("key")).get_column("key").drop_nulls(),
    )


def _without(rows: pl.DataFrame, parts: list[rejects.Rejects]) -> pl.DataFrame:
    bad = pl.concat([part.select("line") for part in parts])
    return rows if bad.is_empty() else rows.join(bad, on="line", how="anti", maintain_order="left")


def _without_duplicates(batches: list[_Batch], kind: SourceKind, submitted: int) -> CheckedFile:
    facts = pl.concat([batch.facts for batch in batches], rechunk=False)
    bad_keys = pl.concat([batch.bad_keys for batch in batches])
    doubled = duplicate_rejects(facts, bad_keys, kind)
    return CheckedFile(
        submitted=submitted,
        facts=_without(facts, [doubled]),
        rejects=rejects.merged([*(batch.rejects for batch in batches), doubled]),
    )


def _refuse_row_count(submitted: int, note: DeliveryNote) -> None:
    if submitted == 0:
        raise InputRefused(
            "header_only", "no row below the header", where=f"{note.file}:1", do="send the rows"
        )
    if submitted != note.rows:
        raise InputRefused(
            "rows_differ",
            f"{submitted} lines below the header, the note says {note.rows} rows",
            where=f"{note.file}:{submitted + 1}",
            do="the file was cut, or a cell holds a line break",
        )


def _refuse_share(checked: CheckedFile, limits: Limits, note: DeliveryNote) -> None:
    is_many = checked.rejected * 1000 > limits.max_rejected_permille * checked.submitted
    is_more_than_few = checked.rejected > limits.tolerated_rejected_rows
    if checked.facts.is_empty() or (is_many and is_more_than_few):
        counts = rejects.counts_by_rule(checked.rejects)
        listed = ", ".join(f"{rule} {count}" for rule, count in list(counts.items())[:5])
        raise InputRefused(
            "too_many_bad_rows",
            f"{checked.rejected} of {checked.submitted} rows are bad: {listed}",
            where=f"{note.file}{rejects.first_reject(checked.rejects)}",
            do="correct the export and send the file again",
        )
