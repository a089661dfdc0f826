"""公民身份号码, GB 11643-1999: 6 digits division, 8 birth date, 3 sequence, 1 check (ISO 7064 MOD 11-2)."""

import datetime as dt
import re
from typing import Literal, get_args

Problem = Literal[
    "fifteen_digits", "length", "lower_case_x", "characters", "birth_date", "check_digit"
]
PROBLEMS: tuple[Problem, ...] = get_args(Problem)
WHAT: dict[Problem, str] = {
    "fifteen_digits": "a 15-digit number of the first generation; no longer valid, never upgraded",
    "length": "an ID number has 18 characters",
    "lower_case_x": "the check character X is upper case",
    "characters": "17 digits and a digit or X are expected",
    "birth_date": "digits 7 to 14 are not a day of the calendar",
    "check_digit": "the check digit does not match the 17 digits before it",
}

LENGTH = 18
CHECK_CHARACTERS = "10X98765432"  # by weighted sum mod 11
WEIGHTS = tuple(2 ** (17 - place) % 11 for place in range(17))  # 7 9 10 5 8 4 2 1 6 3 7 …

# re.ASCII: full-width and other digits are not digits of a code
_FORM = re.compile(r"[0-9]{17}[0-9X]", re.ASCII)
_FIFTEEN = re.compile(r"[0-9]{15}", re.ASCII)
_LOWER_CASE_X = re.compile(r"[0-9]{17}x", re.ASCII)


def check_digit_of(first_17: str) -> str:
    """The eighteenth character, `0`-`9` or `X`, for 17 digits."""
    total = sum(int(digit) * weight for digit, weight in zip(first_17, WEIGHTS, strict=True))
    return CHECK_CHARACTERS[total % 11]


def problem_of(text: str) -> Problem | None:
    """The first thing wrong with `text` as an ID number, in the order of PROBLEMS; None if nothing.

    Says nothing of whether the number was ever issued, and reads neither division nor sex from it.
    """
    if not _FORM.fullmatch(text):
        return _problem_of_form(text)
    if not _is_day(text[6:14]):
        return "birth_date"
    return None if check_digit_of(text[:17]) == text[17] else "check_digit"


def birth_date_of(id_number: str) -> dt.date:
    """Birth date inside a number that `problem_of` finds nothing wrong with."""
    return dt.date.fromisoformat(id_number[6:14])


def mask(id_number: str) -> str:
    """`990000********002X`: division and the last four characters stay, the birth date goes."""
    return id_number[:6] + "*" * 8 + id_number[14:]


def _problem_of_form(text: str) -> Problem:
    if _FIFTEEN.fullmatch(text):
        return "fifteen_digits"
    if len(text) != LENGTH:
        return "length"
    return "lower_case_x" if _LOWER_CASE_X.fullmatch(text) else "characters"


def _is_day(yyyymmdd: str) -> bool:
    try:
        dt.date(int(yyyymmdd[:4]), int(yyyymmdd[4:6]), int(yyyymmdd[6:]))
    except ValueError:
        return False
    return True
