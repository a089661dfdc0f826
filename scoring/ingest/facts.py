"""Ninth stage: an accepted row becomes a fact. Nothing else of the row goes further."""

import polars as pl

from scoring.catalogue.kinds import ClassPolicy, Outcome, SourceKind
from scoring.ingest import cells


def person_facts(rows: pl.DataFrame, kind: SourceKind) -> pl.DataFrame:
    """Out: `line, key, id_number, outcome, measure, happened_on, ended_on`, one row per row.

    In: rows that passed every rule. `id_number` and `key` leave with the pseudonyms.
    """
    if kind.outcome is None:
        raise AssertionError("the catalogue's lint gives every person kind an outcome")
    days = rows.lazy().with_columns(happened_on=cells.happened_on(kind))
    judged = days.with_columns(outcome=_outcome(kind, kind.outcome))
    return judged.select(
        "line",
        key=cells.record_key(kind),
        id_number=pl.col(kind.subject),
        outcome="outcome",
        measure=_measure(kind),
        happened_on="happened_on",
        ended_on=cells.day(kind.ended_on) if kind.ended_on else pl.lit(None, dtype=pl.Date),
    ).collect()


def organisation_facts(rows: pl.DataFrame, kind: SourceKind) -> pl.DataFrame:
    """Out: `line, key` and the columns the catalogue keeps of an organisation's row."""
    kept = (
        (cells.day(code) if kind.field(code).type == "date" else pl.col(code)).alias(name)
        for name, code in kind.columns.items()
    )
    return rows.select("line", cells.record_key(kind).alias("key"), *kept)


def _outcome(kind: SourceKind, outcome: Outcome) -> pl.Expr:
    if outcome.values:
        return pl.col(outcome.column).replace_strict(
            outcome.values, default=None, return_dtype=pl.String
        )
    newest_first = sorted(outcome.policies, key=lambda policy: policy.effective_on, reverse=True)
    return pl.coalesce(
        pl.when(pl.col("happened_on") >= policy.effective_on).then(_class(kind, outcome, policy))
        for policy in newest_first
    )


def _class(kind: SourceKind, outcome: Outcome, policy: ClassPolicy) -> pl.Expr:
    """The first class of the policy that the row belongs to."""
    field = kind.field(outcome.column)
    belongs = []
    for one in policy.classes:
        is_one = cells.names_any(field, one.categories) if one.categories else pl.lit(value=False)
        if outcome.amount_column is not None and one.amount_above is not None:
            is_one |= (cells.number(outcome.amount_column) > one.amount_above).fill_null(
                value=False
            )
        belongs.append(pl.when(is_one).then(pl.lit(one.outcome)))
    return pl.coalesce(belongs)


def _measure(kind: SourceKind) -> pl.Expr:
    """Int32; 0 where the outcome has none."""
    measured = [
        pl.when(pl.col("outcome") == measure.outcome).then(
            pl.col(measure.column).replace_strict(
                measure.values, default=None, return_dtype=pl.Int32
            )
            if measure.values
            else pl.col(measure.column).cast(pl.Int32, strict=False)
        )
        for measure in kind.measures
    ]
    return pl.coalesce([*measured, pl.lit(0, dtype=pl.Int32)])
