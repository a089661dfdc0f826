"""Who lives in the city: a person is a function of seed and index, nothing is kept.

ID numbers are unique by construction, not by checking: index -> (birth day, sequence 000-999) is a
bijection. Of every 25 indices the last is a young person, so that minors exist in any city; birth
days are spread evenly. 24 of 25 out of 24,472 days x 1,000 numbers hold 25 million people.
"""

import datetime as dt
from collections.abc import Iterator
from math import gcd

import msgspec
import polars as pl

from scoring.city import calendar
from scoring.city.mixing import below, draw, lookup, stream
from scoring.errors import InputRefused
from scoring.identifiers.columns import id_check_digit

DIVISION = "990000"  # GB/T 2260 assigns no code that begins with 99
PEOPLE_MAX = 20_000_000
ADULT_AGE_YEARS = 18  # 民法典 Art. 17

_CYCLE = 25
_GROWN_BORN = (dt.date(1942, 1, 1), dt.date(2008, 12, 31))
_YOUNG_BORN = (dt.date(2009, 1, 1), dt.date(2025, 12, 31))
DAYS_POSSIBLE = (dt.date(2026, 1, 1), dt.date(2043, 12, 31))  # all are born, not all grown up
_BORN = (_GROWN_BORN, _YOUNG_BORN)
_SEQUENCES = 1_000

# 例 (example) is no family name, stems and branches are no given names: nobody is called so.
_NAMES = pl.Series(
    [
        f"例{stem}{branch}"
        for stem in "甲乙丙丁戊己庚辛壬癸"
        for branch in "子丑寅卯辰巳午未申酉戌亥"
    ]
)
_SEQUENCE_TEXT = pl.Series([f"{number:03d}" for number in range(_SEQUENCES)])


class Person(msgspec.Struct, frozen=True):
    index: int
    id_number: str
    birth_date: dt.date
    name: str

    def is_adult(self, on: dt.date) -> bool:
        """18 on the birthday itself; born on 29 February: on 1 March of a common year."""
        born = self.birth_date
        return (on.year - born.year, on.month, on.day) >= (ADULT_AGE_YEARS, born.month, born.day)


def people_frame(seed: int, first: int, past: int) -> pl.DataFrame:
    """People `first` … `past` - 1: index UInt64, birth_day Int32 (days since 1970), id_number and
    name String."""
    refuse_too_many(past)
    index = pl.int_range(first, past, dtype=pl.UInt64, eager=True).alias("index")
    born = _with_birth(index.to_frame().lazy(), seed)
    first_17 = pl.concat_str(
        pl.lit(DIVISION),
        calendar.compact(pl.col("birth_day")),
        lookup(_SEQUENCE_TEXT, pl.col("sequence")),
    )
    name = below(draw(pl.col("index"), stream(seed, "name")), len(_NAMES))
    return (
        born.with_columns(first_17.alias("id_number"))
        .select(
            "index",
            "birth_day",
            pl.col("id_number") + id_check_digit(pl.col("id_number")),
            lookup(_NAMES, name).alias("name"),
        )
        .collect()
    )


def refuse_too_many(people: int) -> None:
    if people > PEOPLE_MAX:
        raise InputRefused(
            "people_out_of_range",
            f"a city has at most {PEOPLE_MAX:,} people",
            do="ask for fewer people",
        )


def people_between(seed: int, first: int, past: int) -> Iterator[Person]:
    for index, birth_day, id_number, name in people_frame(seed, first, past).iter_rows():
        yield Person(index, id_number, dt.date(1970, 1, 1) + dt.timedelta(birth_day), name)


def person(seed: int, index: int) -> Person:
    """One person; about a millisecond, so take `people_frame` or `identities` for many."""
    return next(people_between(seed, index, index + 1))


def identities(
    seed: int, people: int, *, people_per_chunk: int = 100_000
) -> Iterator[tuple[int, str, dt.date]]:
    """(index, ID number, birth date) of everyone, in order and in flat memory."""
    for first in range(0, people, people_per_chunk):
        for one in people_between(seed, first, min(first + people_per_chunk, people)):
            yield one.index, one.id_number, one.birth_date


def _with_birth(people: pl.LazyFrame, seed: int) -> pl.LazyFrame:
    """Adds birth_day and sequence by three bijections one after the other, for the young and the
    others apart: an affine one over all their places, then each coordinate moved by an amount that
    depends on the other alone. In steps, because each uses the one before many times."""
    is_young = pl.col("index") % _CYCLE == _CYCLE - 1
    cycle = pl.col("index") // _CYCLE
    shift = {
        name: (pl.col(number) * _coprime(word, places) + word % places) % places
        for name, number, word, places in (
            ("grown", "grown_number", stream(seed, "grown"), _days(_GROWN_BORN) * _SEQUENCES),
            ("young", "cycle", stream(seed, "young"), _days(_YOUNG_BORN) * _SEQUENCES),
        )
    }
    day, sequence, days = pl.col("birth_day"), pl.col("sequence"), pl.col("days")
    day_shift = draw(sequence, stream(seed, "day")) % days
    sequence_shift = draw(day, stream(seed, "sequence")) % _SEQUENCES
    first_day = _of_age(is_young, *(calendar.day_number(born[0]) for born in _BORN))
    return (
        people.with_columns(
            cycle.alias("cycle"),
            (cycle * (_CYCLE - 1) + pl.col("index") % _CYCLE).alias("grown_number"),
            _of_age(is_young, *(_days(born) for born in _BORN)).cast(pl.UInt64).alias("days"),
        )
        .with_columns(
            pl.when(is_young).then(shift["young"]).otherwise(shift["grown"]).alias("place")
        )
        .with_columns(
            (pl.col("place") // _SEQUENCES).alias("birth_day"),
            (pl.col("place") % _SEQUENCES).alias("sequence"),
        )
        .with_columns((day + day_shift) % days)
        .with_columns((sequence + sequence_shift) % _SEQUENCES)
        .with_columns(day.cast(pl.Int32) + first_day)
    )


def _of_age(is_young: pl.Expr, grown: int, young: int) -> pl.Expr:
    return pl.when(is_young).then(young).otherwise(grown)


def _days(born: tuple[dt.date, dt.date]) -> int:
    return (born[1] - born[0]).days + 1


def _coprime(word: int, places: int) -> int:
    """The first number from `word` mod `places` on that shares no factor with `places`."""
    factor = word % places
    while gcd(factor, places) != 1:
        factor += 1
    return factor
