"""Ten people with designed records, named for what they show; data in personas.toml."""

import datetime as dt
from functools import cache
from importlib import resources

import msgspec
import polars as pl

from scoring.city.people import Person, people_between
from scoring.errors import InputRefused

_SEARCHED = 2_000  # one in 25 is young: far more than enough to find a minor and nine adults
DESIGN_NUMBERS = 100  # numbers a design's records may use; see contracts.designed
_DESIGNED = {
    "id_number": pl.String,
    "name": pl.String,
    "kind": pl.String,
    "outcome": pl.String,
    "measure": pl.Int32,
    "day": pl.Int32,
    "number": pl.Int32,
    "is_late": pl.Boolean,
}


class DesignedRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`count` records, the newest `days_ago` days old, `every_days` apart."""

    kind: str
    outcome: str
    days_ago: int
    measure: int = 0
    every_days: int = 0
    count: int = 1


class PersonaDesign(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    code: str
    note: str
    records: list[DesignedRecord]
    is_minor: bool = False


class Persona(msgspec.Struct, frozen=True):
    code: str
    index: int
    id_number: str
    birth_date: dt.date
    name: str
    note: str


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    persona: list[PersonaDesign]


@cache
def designs() -> list[PersonaDesign]:
    text = resources.files("scoring.city").joinpath("personas.toml").read_text(encoding="utf-8")
    return msgspec.toml.decode(text, type=_File).persona


def personas(*, people: int, seed: int, as_of: dt.date) -> dict[str, Persona]:
    """The first adults, and the first minor, of a city on its day, in the order of personas.toml."""
    found = _cast(people, seed, as_of)
    return {
        design.code: Persona(
            design.code, who.index, who.id_number, who.birth_date, who.name, design.note
        )
        for design, who in zip(designs(), found, strict=False)
    }


def bearer(*, people: int, seed: int, as_of: dt.date) -> Person:
    """The adult after the personas: the rows that are in trouble bear her number."""
    return _cast(people, seed, as_of)[-1]


def persona_records(found: dict[str, Persona], today: int) -> pl.DataFrame:
    """All designed records; columns as `designed_frame` gives them."""
    designed = [(found[design.code], record) for design in designs() for record in design.records]
    return pl.concat(
        designed_frame(who.id_number, who.name, record, place * DESIGN_NUMBERS, today)
        for place, (who, record) in enumerate(designed)
    )


def designed_frame(
    id_number: str, name: str, record: DesignedRecord, number: int, today: int
) -> pl.DataFrame:
    """id_number, name, kind, outcome, measure, day (days since 1970), number (unique), is_late."""
    places = range(record.count)
    return pl.DataFrame(
        {
            "id_number": id_number,
            "name": name,
            "kind": record.kind,
            "outcome": record.outcome,
            "measure": record.measure,
            "day": [today - record.days_ago - place * record.every_days for place in places],
            "number": [number + place for place in places],
            "is_late": False,
        },
        schema=_DESIGNED,
    )


def _cast(people: int, seed: int, as_of: dt.date) -> list[Person]:
    wanted = [design.is_minor for design in designs()] + [False]
    adults: list[Person] = []
    minors: list[Person] = []
    for one in people_between(seed, 0, min(people, _SEARCHED)):
        (adults if one.is_adult(as_of) else minors).append(one)
    if len(minors) < sum(wanted) or len(adults) < len(wanted) - sum(wanted):
        raise InputRefused(
            "city_too_small",
            f"{people:,} people hold {len(adults)} adults and {len(minors)} minors on {as_of}; "
            f"the personas need {len(wanted) - sum(wanted)} and {sum(wanted)}",
            do="ask for at least 100 people",
        )
    pools = {False: iter(adults), True: iter(minors)}
    return [next(pools[is_minor]) for is_minor in wanted]
