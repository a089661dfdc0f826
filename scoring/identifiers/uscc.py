"""统一社会信用代码, GB 32100-2015, with the organisation code of GB 11714 inside it.

18 characters: 1 registering authority, 2 type, 3-8 division, 9-17 organisation code (8 characters
and a check character of its own), 18 check character. The inner check catches swaps that the outer
one misses.
"""

from typing import Literal, get_args

Problem = Literal["length", "characters", "division", "organisation_code", "check_digit"]
PROBLEMS: tuple[Problem, ...] = get_args(Problem)
WHAT: dict[Problem, str] = {
    "length": "a unified social credit code has 18 characters",
    "characters": "only digits and capital letters without I, O, S, V, Z are used",
    "division": "characters 3 to 8 are not digits",
    "organisation_code": "character 17 is not the check character of the organisation code (GB 11714)",
    "check_digit": "character 18 does not match the 17 before it (GB 32100)",
}

LENGTH = 18
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # 31 characters: no I O S V Z
WEIGHTS = tuple(3**place % 31 for place in range(17))  # 1 3 9 27 19 26 16 17 20 29 25 13 8 …

# GB 11714: digits count 0-9, letters A-Z 10-35; 11 - sum mod 11, with 10 -> X and 11 -> 0.
ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
ORGANISATION_CHECK_CHARACTERS = "0X987654321"  # by weighted sum mod 11

_DIGITS = frozenset("0123456789")


def check_character_of(first_17: str) -> str:
    """The eighteenth character; a remainder of 0 gives `0`."""
    values = (ALPHABET.index(character) for character in first_17)
    total = sum(value * weight for value, weight in zip(values, WEIGHTS, strict=True))
    return ALPHABET[-total % 31]


def organisation_check_character_of(first_8: str) -> str:
    """The ninth character of an organisation code."""
    values = (int(character, 36) for character in first_8)
    total = sum(value * weight for value, weight in zip(values, ORGANISATION_WEIGHTS, strict=True))
    return ORGANISATION_CHECK_CHARACTERS[total % 11]


def problem_of(text: str) -> Problem | None:
    """The first thing wrong with `text` as a code, in the order of PROBLEMS; None if nothing."""
    if len(text) != LENGTH:
        return "length"
    if not set(text) <= set(ALPHABET):
        return "characters"
    if not set(text[2:8]) <= _DIGITS:
        return "division"
    if organisation_check_character_of(text[8:16]) != text[16]:
        return "organisation_code"
    return None if check_character_of(text[:17]) == text[17] else "check_digit"
