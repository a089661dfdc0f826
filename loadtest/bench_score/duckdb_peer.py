"""The same core aggregation in DuckDB: last versions of enrolled people's records, points by rule,
caps, sums. Neither explanations nor files are made, so it is a floor and not a rival."""

import os
from pathlib import Path

import duckdb

from loadtest.synthetic_lake import AS_OF
from scoring.contract.documents import PublishedRule, RulesDocument, Step
from scoring.contract.ledger_tables import ENROLMENTS_TABLE
from scoring.rulebook import load_rulebook, published_document

# Rows that a later file replaced are looked for among repeated ids only, as the build does: a window
# over every row of the lake would be another algorithm, and several times slower.
SCORES = """
with facts as (
    select subject, record_id, kind, outcome, measure, happened_on, sent_on, sequence, line
    from read_parquet($lake, hive_partitioning = true)
), repeated as (
    select hash(record_id) as id from facts group by 1 having count(*) > 1
), stale as (
    select sequence, line from facts where hash(record_id) in (from repeated)
    qualify row_number() over (partition by record_id order by sent_on desc, sequence desc, line desc) > 1
), counted as (
    select subject, rule_id, sum(points) as points, any_value(cap) as cap
    from facts
    join read_parquet($enrolments) using (subject)
    join rules using (kind, outcome)
    anti join stale using (sequence, line)
    where measure >= at_least and measure < below
      and happened_on <= $as_of and $as_of < happened_on + validity_days::integer
    group by subject, rule_id
), scores as (
    select e.subject, $base + coalesce(sum(
        case when cap > 0 then least(points, cap) else greatest(points, cap) end), 0) as score
    from read_parquet($enrolments) e left join counted using (subject) group by e.subject
)
select count(*), sum(score)::bigint from scores
"""


def sum_of_scores(lake: Path, export: Path, scratch: Path) -> tuple[int, int]:
    """Citizens and Σ scores; spills into `scratch` where memory runs short."""
    rules = published_document(load_rulebook(), AS_OF)
    with duckdb.connect() as connection:
        connection.execute("set temp_directory = ?", [str(scratch / "duckdb")])
        connection.execute("set threads = ?", [os.cpu_count() or 1])
        _write_rules(connection, rules)
        row = connection.execute(
            SCORES,
            {
                "lake": str(lake / "facts" / "*" / "*" / "*.parquet"),
                "enrolments": str(export / f"{ENROLMENTS_TABLE}.parquet"),
                "as_of": AS_OF,
                "base": rules.base,
            },
        ).fetchone()
    if row is None:
        raise RuntimeError("an aggregation without a row")
    return int(row[0]), int(row[1])


def _write_rules(connection: duckdb.DuckDBPyConnection, rules: RulesDocument) -> None:
    connection.execute(
        "create table rules (rule_id text, kind text, outcome text, at_least int, below int, "
        "points int, cap int, validity_days int)"
    )
    rows = [row for rule in rules.rules for row in _steps(rule)]
    connection.executemany("insert into rules values (?, ?, ?, ?, ?, ?, ?, ?)", rows)


def _steps(rule: PublishedRule) -> list[tuple[object, ...]]:
    points, days = rule.points, rule.validity_days
    steps = [Step(at_least=0, points=points)] if isinstance(points, int) else points
    ends = [*(step.at_least for step in steps[1:]), 2**31 - 1]
    return [
        (rule.id, rule.kind, rule.outcome, step.at_least, end, step.points, rule.cap, days)
        for step, end in zip(steps, ends, strict=True)
    ]
