"""The score of invented records under the published rules: `chengxin simulate`.

A file of facts, TOML or JSON; the evaluation is that of `scoring.recompute`, and the public page's
script (site/pages/assets/simulator-engine.js) gives the same.
"""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec

from scoring.contract.documents import RulesDocument
from scoring.contract.ledger_tables import RecordState
from scoring.errors import InputRefused
from scoring.lake.tables import MEASURES, OUTCOMES
from scoring.recompute import RawRecord, Recomputed, recompute

MOST_RECORDS = 10_000  # more than any life holds; a slip of the finger must not fill the memory
LEVELS = 3


class SimulatedFact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`count` records that are alike. `measure`: overdue days or level, where the outcome has one."""

    kind: str
    outcome: str
    happened_on: dt.date
    measure: Annotated[int, msgspec.Meta(ge=0, le=36_500)] = 0
    count: Annotated[int, msgspec.Meta(ge=1, le=MOST_RECORDS)] = 1
    state: RecordState | None = None


class Simulation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    as_of: dt.date
    record: list[SimulatedFact] = []


def read_simulation(path: Path) -> Simulation:
    """Raises InputRefused `facts_unreadable`, `fact_unknown`, `measure_missing`, `facts_too_many`."""
    decode = msgspec.json.decode if path.suffix == ".json" else msgspec.toml.decode
    try:
        simulation = decode(path.read_bytes(), type=Simulation)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputRefused("facts_unreadable", str(error), where=str(path)) from error
    for number, fact in enumerate(simulation.record, start=1):
        _check(fact, f"{path}: record {number}")
    if sum(fact.count for fact in simulation.record) > MOST_RECORDS:
        raise InputRefused("facts_too_many", f"more than {MOST_RECORDS} records", where=str(path))
    return simulation


def simulate(rules: RulesDocument, simulation: Simulation) -> Recomputed:
    """Records are numbered in the order of the file; of two of one day the first comes first."""
    records = list(_records(simulation))
    states = {record.record_id: state for record, state in records if state is not None}
    return recompute(rules, [record for record, _ in records], states, simulation.as_of)


def _check(fact: SimulatedFact, where: str) -> None:
    outcomes = OUTCOMES.get(fact.kind)
    if outcomes is None or fact.outcome not in outcomes:
        known = ", ".join(outcomes or OUTCOMES)
        raise InputRefused("fact_unknown", f"{fact.kind} {fact.outcome}", where=where, do=known)
    measure = MEASURES.get((fact.kind, fact.outcome))
    if (measure is not None) != (fact.measure > 0):
        wanted = "has no measure" if measure is None else f"needs `measure` ({measure})"
        raise InputRefused("measure_missing", f"{fact.outcome} {wanted}", where=where)
    if measure == "honour_level" and fact.measure > LEVELS:
        raise InputRefused("measure_missing", f"levels are 1 to {LEVELS}", where=where)


def _records(simulation: Simulation) -> Iterator[tuple[RawRecord, str | None]]:
    number = 0
    for fact in simulation.record:
        for _ in range(fact.count):
            number += 1
            record = RawRecord(
                kind=fact.kind,
                subject="",
                record_id=f"r{number:05d}",
                outcome=fact.outcome,
                measure=fact.measure,
                happened_on=fact.happened_on,
                department="",
                sequence=0,
                line=number,
            )
            yield record, fact.state
