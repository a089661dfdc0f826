"""People who cannot exist, unique by construction."""

import datetime as dt

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.city.people import PEOPLE_MAX, Person, identities, people_frame, person
from scoring.errors import InputRefused
from scoring.identifiers.columns import id_number_problem
from scoring.identifiers.id_number import birth_date_of

seeds = st.integers(-(2**63), 2**63)


@given(seeds, st.integers(0, PEOPLE_MAX - 2_000))
@settings(max_examples=15, deadline=None)
def test_every_id_number_is_valid_and_in_the_division_of_nobody(seed: int, first: int) -> None:
    numbers = people_frame(seed, first, first + 2_000)
    assert numbers.select(id_number_problem(pl.col("id_number")).null_count()).item() == 2_000
    assert numbers["id_number"].str.starts_with("990000").all()
    assert numbers["id_number"].n_unique() == 2_000


@pytest.mark.parametrize("seed", [7, 8])
def test_no_two_of_a_million_people_share_a_number(seed: int) -> None:
    """Both ends and the middle of all people there can be, where a permutation would collide."""
    middle = PEOPLE_MAX // 2
    spans = [(0, 400_000), (middle, middle + 200_000), (PEOPLE_MAX - 400_000, PEOPLE_MAX)]
    numbers = pl.concat([people_frame(seed, *span).select("id_number") for span in spans])
    assert numbers["id_number"].n_unique() == numbers.height == 1_000_000


def test_a_person_is_the_same_alone_and_in_any_chunk() -> None:
    together = list(identities(7, 500, people_per_chunk=500))
    assert together == list(identities(7, 500, people_per_chunk=33))
    alone = [person(7, index) for index in (0, 24, 25, 499)]
    assert [(one.index, one.id_number, one.birth_date) for one in alone] == [
        together[one.index] for one in alone
    ]


@given(seeds, st.integers(0, PEOPLE_MAX - 1))
@settings(max_examples=25, deadline=None)
def test_a_birth_date_is_the_one_in_the_number(seed: int, index: int) -> None:
    one = person(seed, index)
    assert one.birth_date == birth_date_of(one.id_number)


def test_one_in_25_is_young_and_birth_days_spread_over_the_years() -> None:
    born = people_frame(7, 0, 100_000).select(
        pl.from_epoch("birth_day", time_unit="d").dt.year().alias("year")
    )["year"]
    assert (born >= 2009).sum() == 4_000
    by_year = born.filter(born < 2009).value_counts()["count"]
    assert by_year.len() == 67
    assert by_year.min() > 0.85 * by_year.mean()
    assert by_year.max() < 1.15 * by_year.mean()


@pytest.mark.parametrize(
    ("born", "on", "is_adult"),
    [
        (dt.date(2008, 11, 22), dt.date(2026, 11, 21), False),
        (dt.date(2008, 11, 22), dt.date(2026, 11, 22), True),
        (dt.date(2008, 2, 29), dt.date(2026, 2, 28), False),
        (dt.date(2008, 2, 29), dt.date(2026, 3, 1), True),
    ],
)
def test_a_person_is_of_age_on_the_eighteenth_birthday(
    born: dt.date, on: dt.date, is_adult: bool
) -> None:
    assert Person(0, "", born, "").is_adult(on) is is_adult


def test_names_are_nobodys() -> None:
    assert (
        people_frame(7, 0, 5_000)["name"]
        .str.contains("^例[甲乙丙丁戊己庚辛壬癸][子丑寅卯辰巳午未申酉戌亥]$")
        .all()
    )


def test_more_people_than_numbers_are_refused() -> None:
    with pytest.raises(InputRefused, match="people_out_of_range"):
        people_frame(7, PEOPLE_MAX - 1, PEOPLE_MAX + 1)
