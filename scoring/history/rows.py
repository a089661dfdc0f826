"""Rows of histories: the new ones before the old ones, and as records of the store."""

import polars as pl

from scoring.build.plan import Plan
from scoring.contract.documents import HistoryDocument
from scoring.contract.snapshot import HISTORY_CAUSES, HISTORY_ROWS
from scoring.history.changes import changes
from scoring.history.lineage import SCALE, Lineage
from scoring.history.previous import HISTORY, Share
from scoring.history.sides import side
from scoring.history.steps import RULE, changed_caps, steps


def histories(
    people: pl.DataFrame,
    items: pl.DataFrame,
    plan: Plan,
    lineage: Lineage,
    share: Share | None,
) -> pl.DataFrame:
    """HISTORY of all `people`, in their order, each newest first, at most HISTORY_ROWS.

    `people`: `snapshot_subject`, `score_points`, `changed_on`; `items`: theirs, as in ITEMS, under
    `plan`; `share`: what the snapshot before says of them.
    """
    if share is None:
        return _enrolments(people, plan, lineage).select(*HISTORY)
    known = people.join(share.scores, on="snapshot_subject", suffix="_before")
    joined = people.join(share.scores, on="snapshot_subject", how="anti")
    new = _changed(known, items, plan, lineage, share)
    return _newest_first(people, pl.concat([_enrolments(joined, plan, lineage), new]), share.rows)


def _enrolments(people: pl.DataFrame, plan: Plan, lineage: Lineage) -> pl.DataFrame:
    return people.select(
        "snapshot_subject",
        at="changed_on",
        change_points=(pl.col("score_points") - plan.base).cast(pl.Int32),
        cause=pl.lit("enrolment"),
        record_id=pl.lit(None, pl.String()),
        rule_id=pl.lit(None, pl.String()),
        snapshot=pl.lit(lineage.snapshot),
    )


def _changed(
    known: pl.DataFrame,
    items: pl.DataFrame,
    plan: Plan,
    lineage: Lineage,
    share: Share,
) -> pl.DataFrame:
    """HISTORY rows of people who are in both snapshots, oldest first."""
    previous = share.previous
    shared = {rule: number for number, rule in enumerate(lineage.document.rules)}
    facts = {(fact.kind, fact.outcome): fact.index for fact in plan.facts}
    people = known.lazy().select("snapshot_subject", "changed_on")
    old = side(
        share.items.lazy(),
        previous.plan,
        [shared[rule] for rule in previous.rule_ids],
        [facts.get(name, -1) for name in previous.fact_names],
    )
    new = side(
        items.lazy().join(people, on="snapshot_subject", how="semi"),
        plan,
        [shared[rule] for rule in lineage.rule_ids],
        [fact.index for fact in plan.facts],
    )
    law_days = {shared[rule]: day for rule, day in lineage.law_days.items() if rule in shared}
    counting = old.filter(pl.col("rule").is_not_null())
    sums = counting.group_by(RULE).agg(sum_points=pl.col("points").sum())
    old_caps = _caps(previous.plan, previous.rule_ids, shared)
    new_caps = _caps(plan, lineage.rule_ids, shared)
    moved = changes(
        old,
        new,
        people,
        old_day=previous.as_of,
        new_day=plan.as_of,
        law_days=law_days,
    )
    law_day = pl.col("rule").replace_strict(
        list(law_days), list(law_days.values()), default=None, return_dtype=pl.Date
    )
    capped = changed_caps(sums, people, law_day, old_caps, new_caps)
    stepped = steps(pl.concat([moved, capped]), sums, old_caps=old_caps, new_caps=new_caps).collect(
        engine="in-memory"
    )
    named = stepped.with_columns(
        rule_id=pl.col("rule").replace_strict(
            list(shared.values()), list(shared), return_dtype=pl.String
        ),
        snapshot=pl.lit(lineage.snapshot),
    ).select(*HISTORY)
    scale = _scale_changes(known, plan.base - previous.plan.base, lineage)
    found = pl.concat([scale, named])
    return pl.concat([found, _unexplained(known, found, lineage)])


def _caps(plan: Plan, rule_ids: list[str], shared: dict[str, int]) -> dict[int, int]:
    return {shared[rule_ids[rule.index]]: rule.cap for _, rule in plan.ruled_facts}


def _scale_changes(known: pl.DataFrame, points: int, lineage: Lineage) -> pl.DataFrame:
    if points == 0:
        return pl.DataFrame(schema=HISTORY)
    day = lineage.law_days.get(SCALE)
    at = pl.col("changed_on") if day is None else pl.lit(day)
    return _without_record(known, at, pl.lit(points), "rule_change", lineage)


def _unexplained(known: pl.DataFrame, found: pl.DataFrame, lineage: Lineage) -> pl.DataFrame:
    """What no record and no rule tells: the score itself was put right by its makers. Rows always
    add up to the score."""
    sums = found.group_by("snapshot_subject").agg(explained=pl.col("change_points").sum())
    rest = pl.col("score_points") - pl.col("score_points_before") - pl.col("explained").fill_null(0)
    left = known.join(sums, on="snapshot_subject", how="left").filter(rest != 0)
    return _without_record(left, pl.col("changed_on"), rest, "correction", lineage)


def _without_record(
    people: pl.DataFrame, at: pl.Expr, points: pl.Expr, cause: str, lineage: Lineage
) -> pl.DataFrame:
    return people.select(
        "snapshot_subject",
        at=at,
        change_points=points.cast(pl.Int32),
        cause=pl.lit(cause),
        record_id=pl.lit(None, pl.String()),
        rule_id=pl.lit(None, pl.String()),
        snapshot=pl.lit(lineage.snapshot),
    ).select(*HISTORY)


def _newest_first(people: pl.DataFrame, new: pl.DataFrame, old: pl.DataFrame) -> pl.DataFrame:
    """`new`: rows of one gap, those of one day in order."""
    order = people.select("snapshot_subject").with_row_index("citizen")
    late = new.with_row_index("row").sort("at", "row", descending=True).drop("row")
    return (
        pl.concat([late, old])
        .with_row_index("row")
        .join(order, on="snapshot_subject")
        .sort("citizen", "row")
        .filter(pl.int_range(pl.len()).over("citizen") < HISTORY_ROWS)
        .select(*HISTORY)
    )


def row_texts(rows: pl.DataFrame, document: HistoryDocument) -> pl.DataFrame:
    """In: HISTORY. Out: one row a citizen, in order: `snapshot_subject`, `text`, the rows of
    scoring.contract.snapshot.HistoryRow."""
    snapshots = [entry.snapshot for entry in document.snapshots]
    days = [entry.as_of for entry in document.snapshots]
    own_day = pl.col("snapshot").replace_strict(snapshots, days, default=None, return_dtype=pl.Date)
    day = pl.when(pl.col("at") != own_day).then(pl.col("at").to_physical().cast(pl.String))
    text = pl.concat_str(
        day.fill_null(""),
        "change_points",
        _number("cause", list(HISTORY_CAUSES)),
        pl.col("record_id").fill_null(""),
        _number("rule_id", document.rules).cast(pl.String).fill_null(""),
        _number("snapshot", snapshots),
        separator=",",
    )
    return (
        rows.select("snapshot_subject", text=text)
        .group_by("snapshot_subject", maintain_order=True)
        .agg(pl.col("text").str.join("|"))
    )


def _number(column: str, words: list[str]) -> pl.Expr:
    return pl.col(column).replace_strict(
        words, list(range(len(words))), default=None, return_dtype=pl.Int32
    )
