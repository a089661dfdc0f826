"""Check digits against an independent library, against the standards' examples and by property."""

import calendar
import datetime as dt
import string

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum.cn import ric as oracle_id
from stdnum.cn import uscc as oracle_uscc

from scoring.identifiers import columns, id_number, uscc

PUBLIC_TEST_NUMBER = "11010519491231002X"
REAL_USCCS = ("91320100748204660Q", "91110000600037341L")

births = st.dates(dt.date(1900, 1, 1), dt.date(2099, 12, 31))
firsts = st.builds(lambda day, n: f"990000{day:%Y%m%d}{n:03d}", births, st.integers(0, 999))
valid_ids = firsts.map(lambda first: first + id_number.check_digit_of(first))
near_codes = st.text(alphabet=string.digits + "XxABIOZ ０", min_size=14, max_size=19)


def _usccs() -> st.SearchStrategy[str]:
    def whole(authority: str, kind: str, inner: str) -> str:
        first = f"{authority}{kind}990000{inner}{uscc.organisation_check_character_of(inner)}"
        return first + uscc.check_character_of(first)

    inner = st.text(alphabet=uscc.ALPHABET, min_size=8, max_size=8)
    return st.builds(whole, st.sampled_from("159ANY"), st.sampled_from("1239"), inner)


valid_usccs = _usccs()


def _column(problem: pl.Expr, texts: list[str | None]) -> list[str | None]:
    frame = pl.DataFrame({"text": texts}, schema={"text": pl.String})
    return frame.select(problem.cast(pl.String)).to_series().to_list()


def _id_column(texts: list[str | None]) -> list[str | None]:
    return _column(columns.id_number_problem(pl.col("text")), texts)


def _uscc_column(texts: list[str | None]) -> list[str | None]:
    return _column(columns.uscc_problem(pl.col("text")), texts)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (PUBLIC_TEST_NUMBER, None),
        ("99000020000229001X", None),
        ("110105194912310021", "check_digit"),
        ("11010519491231002x", "lower_case_x"),
        ("110105491231002", "fifteen_digits"),
        ("11010519491231002", "length"),
        (PUBLIC_TEST_NUMBER + "\n", "length"),
        ("", "length"),
        (" 1010519491231002X", "characters"),
        ("+1010519491231002X", "characters"),
        ("1.1010519491231E17", "characters"),
        ("１1010519491231002X", "characters"),
        ("X1010519491231002X", "characters"),
        ("990000190002290010", "birth_date"),
        ("990000199013010010", "birth_date"),
        ("990000199000010010", "birth_date"),
        ("990000199004310010", "birth_date"),
        ("990000000001010010", "birth_date"),
    ],
)
def test_an_id_number_is_refused_for_what_is_wrong_with_it(text: str, problem: str | None) -> None:
    assert id_number.problem_of(text) == problem
    assert _id_column([text]) == [problem]


@given(firsts)
def test_id_check_digits_equal_an_independent_calculation(first: str) -> None:
    assert id_number.check_digit_of(first) == oracle_id.calc_check_digit(first + "0")


@given(valid_ids)
@settings(max_examples=40)
def test_every_single_character_change_of_a_valid_id_number_fails(valid: str) -> None:
    changed: list[str | None] = [
        valid[:place] + other + valid[place + 1 :]
        for place in range(18)
        for other in "0123456789Xx"
        if other != valid[place]
    ]
    assert id_number.problem_of(valid) is None
    assert all(id_number.problem_of(text) for text in changed if text)
    assert all(_id_column(changed))


@given(st.lists(st.one_of(valid_ids, near_codes, st.none()), max_size=30))
def test_id_columns_say_what_the_scalar_check_says(texts: list[str | None]) -> None:
    expected = [None if text is None else id_number.problem_of(text) for text in texts]
    assert _id_column(texts) == expected


def test_every_day_of_a_leap_and_a_common_century_is_judged_like_the_calendar() -> None:
    texts: list[str | None] = []
    expected = []
    for year in (1600, 1899, 1900, 1999, 2000, 2023, 2024, 2100):
        for month in range(14):
            for day in range(33):
                first = f"990000{year:04d}{month:02d}{day:02d}001"
                texts.append(first + id_number.check_digit_of(first))
                is_day = 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]
                expected.append(None if is_day else "birth_date")
    assert _id_column(texts) == expected
    assert [id_number.problem_of(text) for text in texts if text] == expected


@given(valid_ids)
def test_a_mask_keeps_neither_birth_date_nor_length(valid: str) -> None:
    assert id_number.mask(valid) == f"990000********{valid[14:]}"


def test_the_public_test_number_masks_as_the_standard_page_shows() -> None:
    assert id_number.mask(PUBLIC_TEST_NUMBER) == "110105********002X"
    assert id_number.birth_date_of(PUBLIC_TEST_NUMBER) == dt.date(1949, 12, 31)


@pytest.mark.parametrize("code", REAL_USCCS)
def test_codes_in_public_use_are_right(code: str) -> None:
    assert uscc.problem_of(code) is None
    assert oracle_uscc.is_valid(code)
    assert _uscc_column([code]) == [None]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "length"),
        ("91320100748204660", "length"),
        ("91320100748204660q", "characters"),
        ("9132010074820466OQ", "characters"),
        ("913201O0748204660Q", "characters"),
        ("9132010A748204660Q", "division"),
        ("91320100748204661Q", "organisation_code"),
        ("913201007482046600", "check_digit"),
        ("00000000000000000X", "check_digit"),
        ("000000000000000000", None),
    ],
)
def test_a_uscc_is_refused_for_what_is_wrong_with_it(text: str, problem: str | None) -> None:
    assert uscc.problem_of(text) == problem
    assert _uscc_column([text]) == [problem]


@given(valid_usccs)
def test_uscc_check_characters_equal_an_independent_calculation(code: str) -> None:
    assert code[17] == oracle_uscc.calc_check_digit(code[:17])


@given(valid_usccs)
@settings(max_examples=30)
def test_every_single_character_change_of_a_valid_uscc_fails(valid: str) -> None:
    changed: list[str | None] = [
        valid[:place] + other + valid[place + 1 :]
        for place in range(18)
        for other in uscc.ALPHABET + "IOSVZa"
        if other != valid[place]
    ]
    assert all(uscc.problem_of(text) for text in changed if text)
    assert all(_uscc_column(changed))


@given(valid_usccs, st.integers(8, 14))
def test_two_unlike_neighbours_swapped_inside_an_organisation_code_are_noticed(
    valid: str, place: int
) -> None:
    swapped = valid[:place] + valid[place + 1] + valid[place] + valid[place + 2 :]
    assert (uscc.problem_of(swapped) is None) == (swapped == valid)


@given(st.lists(st.one_of(valid_usccs, near_codes, st.none()), max_size=20))
def test_uscc_columns_say_what_the_scalar_check_says(texts: list[str | None]) -> None:
    assert _uscc_column(texts) == [
        None if text is None else uscc.problem_of(text) for text in texts
    ]


def test_a_remainder_of_zero_gives_zero_and_not_a_thirty_second_character() -> None:
    assert uscc.check_character_of("0" * 17) == "0"
    zero = pl.DataFrame({"text": ["0" * 17]})
    assert zero.select(columns.uscc_check_character(pl.col("text"))).item() == "0"
