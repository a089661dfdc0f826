"""Scores by DuckDB SQL, from lake files and the published rules alone: no code of the batch in them."""

import datetime as dt
from pathlib import Path

import duckdb

from scoring.contract.documents import RulesDocument, Step

SCORES = """
with versions as (
    select *, row_number() over (partition by record_id order by sent_on desc, sequence desc, line desc) as age
    from read_parquet($lake, hive_partitioning = true)
), records as (
    select v.subject, v.record_id, v.kind, v.outcome, v.measure, v.happened_on
    from versions v
    join read_parquet($enrolments) using (subject)
    left join read_parquet($states) s on s.record_id = v.record_id and s.subject = v.subject
    where age = 1 and s.state is null and happened_on <= $as_of
), counted as (
    select r.subject, r.record_id, r.happened_on, p.rule_id, p.points, p.cap,
           row_number() over (partition by r.subject, r.record_id order by p.at_least desc) as best
    from records r
    join rules p
      on p.kind = r.kind and p.outcome = r.outcome and r.measure >= p.at_least
     and $as_of < r.happened_on + p.validity_days::integer
), sums as (
    select subject, rule_id, sum(points) as points, any_value(cap) as cap
    from counted where best = 1 group by subject, rule_id
)
select e.subject, $base + coalesce(sum(
    case when cap > 0 then least(points, cap) else greatest(points, cap) end), 0)::integer
from read_parquet($enrolments) e left join sums using (subject) group by e.subject
"""


def _rules_table(connection: duckdb.DuckDBPyConnection, rules: RulesDocument) -> None:
    connection.execute(
        "create table rules (rule_id text, kind text, outcome text, at_least int, points int, "
        "cap int, validity_days int)"
    )
    for rule in rules.rules:
        flat = isinstance(rule.points, int)
        steps = [Step(at_least=0, points=rule.points)] if flat else rule.points  # type: ignore[arg-type]
        for step in steps:  # type: ignore[union-attr]
            row = (rule.id, rule.kind, rule.outcome, step.at_least, step.points)
            connection.execute(
                "insert into rules values (?, ?, ?, ?, ?, ?, ?)",
                (*row, rule.cap, rule.validity_days),
            )


def sql_scores(lake: Path, export: Path, rules: RulesDocument, as_of: dt.date) -> dict[str, int]:
    """Subject -> score of everyone who is enrolled in the export."""
    with duckdb.connect() as connection:
        _rules_table(connection, rules)
        rows = connection.execute(
            SCORES,
            {
                "lake": str(lake / "facts" / "*" / "*" / "*.parquet"),
                "enrolments": str(export / "enrolments.parquet"),
                "states": str(export / "record_states.parquet"),
                "as_of": as_of,
                "base": rules.base,
            },
        ).fetchall()
    return dict(rows)
