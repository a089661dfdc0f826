"""Eighth stage: rules across the cells of a row, from the catalogue's conditions."""

import datetime as dt
from collections.abc import Iterator

import polars as pl

from scoring.catalogue.kinds import Condition, SourceKind
from scoring.ingest import cells
from scoring.ingest.rejects import REJECTS, Rejects, no_rejects

# Broken where the expression is true: column to name, rule, message.
RowCheck = tuple[pl.Expr, str, str, str]


def row_rejects(rows: pl.DataFrame, kind: SourceKind, sent_on: dt.date) -> Rejects:
    """In: rows whose cells are right one by one. Out: a line for every rule a row breaks."""
    checks = [*_conditions(kind), *_retention(kind, sent_on), *_policy_days(kind)]
    flags = [
        is_broken.fill_null(value=False).alias(str(i)) for i, (is_broken, *_) in enumerate(checks)
    ]
    broken = (
        rows.lazy().select("line", *flags).filter(pl.any_horizontal(pl.exclude("line"))).collect()
    )
    if broken.is_empty():
        return no_rejects()
    parts = [
        broken.filter(pl.col(str(i))).select(
            "line", column=pl.lit(column), rule=pl.lit(rule), message=pl.lit(message)
        )
        for i, (_, column, rule, message) in enumerate(checks)
    ]
    return pl.concat(parts).cast(REJECTS).sort("line", maintain_order=True)


def _conditions(kind: SourceKind) -> Iterator[RowCheck]:
    for condition in kind.conditions:
        applies = pl.all_horizontal(
            pl.lit(value=True),
            *(cells.names_any(kind.field(code), values) for code, values in condition.when.items()),
        )
        for is_broken, column in _broken(condition):
            yield applies & is_broken, column, condition.rule, condition.message


def _broken(condition: Condition) -> Iterator[tuple[pl.Expr, str]]:
    for code in condition.present:
        yield pl.col(code).is_null(), code
    for code in condition.absent:
        yield pl.col(code).is_not_null(), code
    for code, least in condition.at_least.items():
        yield cells.number(code) < least, code
    for code, most in condition.at_most.items():
        yield cells.number(code) > most, code
    for code, other in condition.not_before.items():
        yield cells.day(code) < cells.day(other), code
    for code, other in condition.not_after.items():
        yield cells.day(code) > cells.day(other), code
    for code, other in condition.after.items():
        yield cells.day(code) <= cells.day(other), code


def _retention(kind: SourceKind, sent_on: dt.date) -> Iterator[RowCheck]:
    """What would have to be deleted on arrival is not taken in."""
    oldest = sent_on - dt.timedelta(days=kind.retention_days)
    message = f"older than the {kind.retention_days} days this kind is kept"
    yield cells.happened_on(kind) <= oldest, kind.happened_on[0], "past_retention", message


def _policy_days(kind: SourceKind) -> Iterator[RowCheck]:
    if kind.outcome is None or not kind.outcome.policies:
        return
    first = min(policy.effective_on for policy in kind.outcome.policies)
    is_before = cells.happened_on(kind) < first
    yield is_before, kind.happened_on[0], "no_policy", f"no policy of classes before {first}"
