"""A small city of random records, corrections and states; equal seeds give equal cities."""

import datetime as dt
import random

import msgspec

from scoring.lake.tables import MEASURES, OUTCOMES
from tests.support.lake import DEPARTMENTS, Record, State, record_id, subject

AS_OF = dt.date(2026, 6, 30)
FACTS = [(kind, outcome) for kind, outcomes in OUTCOMES.items() for outcome in outcomes]


class City(msgspec.Struct, frozen=True, kw_only=True):
    enrolled: list[str]
    others: list[str]
    records: list[Record]
    states: list[State]


def random_city(*, people: int, enrolled: int, records: int, seed: int, corrected: int = 0) -> City:
    """`corrected` of the records come again in a second file, some for another person."""
    draw = random.Random(seed)
    everybody = [subject(number) for number in range(people)]
    first = [_record(draw, everybody, number) for number in range(records)]
    again = [_corrected(draw, everybody, record) for record in first[:corrected]]
    states = [
        State(subject=record.subject, record_id=record.record_id, state=state)
        for record in draw.sample(first, records // 20)
        for state in (draw.choice(("disputed", "repaired", "removed")),)
    ]
    return City(
        enrolled=everybody[:enrolled],
        others=everybody[enrolled:],
        records=first + again,
        states=states,
    )


def _record(draw: random.Random, people: list[str], number: int) -> Record:
    kind, outcome = draw.choice(FACTS)
    return Record(
        subject=draw.choice(people),
        record_id=record_id(number),
        kind=kind,
        outcome=outcome,
        measure=_measure(draw, kind, outcome),
        happened_on=AS_OF - dt.timedelta(days=draw.randint(-20, 2000)),
        department=draw.choice(DEPARTMENTS),
    )


def _corrected(draw: random.Random, people: list[str], record: Record) -> Record:
    outcome = draw.choice(OUTCOMES[record.kind])
    return msgspec.structs.replace(
        record,
        subject=draw.choice([record.subject, draw.choice(people)]),
        outcome=outcome,
        measure=_measure(draw, record.kind, outcome),
        file=2,
    )


def _measure(draw: random.Random, kind: str, outcome: str) -> int:
    measure = MEASURES.get((kind, outcome))
    return 0 if measure is None else draw.randint(1, 3 if measure == "honour_level" else 120)
