"""The published rules of one day as lookups by number: what the scoring steps compute with."""

import datetime as dt

import msgspec

from scoring.contract.documents import (
    PublishedRule,
    RulesDocument,
    Step,
    TablesDocument,
)
from scoring.contract.snapshot import ITEM_STATUSES, ItemStatus

NO_RULE = -1


class PlannedRule(msgspec.Struct, frozen=True, kw_only=True):
    """`steps`: ascending; a flat rule has one that every measure reaches."""

    index: int
    steps: list[Step]
    cap: int
    validity_days: int


class PlannedFact(msgspec.Struct, frozen=True, kw_only=True):
    index: int
    kind: str
    outcome: str
    rule: PlannedRule | None
    status_without_rule: int


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Indices are those of the tables document. `sources`: department codes in its order."""

    as_of: dt.date
    base: int
    minimum: int
    maximum: int
    band_codes: list[str]
    band_starts: list[int]
    facts: list[PlannedFact]
    sources: list[str]

    @property
    def ruled_facts(self) -> list[tuple[PlannedFact, PlannedRule]]:
        return [(fact, fact.rule) for fact in self.facts if fact.rule is not None]


def plan_of(rules: RulesDocument, tables: TablesDocument) -> Plan:
    """From what a snapshot publishes and from nothing else: whoever reads its documents can compute
    every score, and past scores stand under the rules of their day, whatever the rulebook has
    become."""
    by_fact = {
        (rule.kind, rule.outcome): PlannedRule(
            index=index,
            steps=_steps_of(rule),
            cap=rule.cap,
            validity_days=rule.validity_days,
        )
        for index, rule in enumerate(rules.rules)
    }
    return Plan(
        as_of=tables.as_of,
        base=rules.base,
        minimum=rules.minimum,
        maximum=rules.maximum,
        band_codes=[band.code for band in rules.bands],
        band_starts=[band.from_ for band in rules.bands],
        facts=[
            PlannedFact(
                index=index,
                kind=fact.kind,
                outcome=fact.outcome,
                rule=by_fact.get((fact.kind, fact.outcome)),
                status_without_rule=status_index(fact.without_rule),
            )
            for index, fact in enumerate(tables.facts)
        ],
        sources=[source.department_code for source in tables.sources],
    )


def _steps_of(rule: PublishedRule) -> list[Step]:
    if isinstance(rule.points, int):
        return [Step(at_least=0, points=rule.points)]
    return sorted(rule.points, key=lambda step: step.at_least)


def status_index(status: ItemStatus) -> int:
    return ITEM_STATUSES.index(status)
