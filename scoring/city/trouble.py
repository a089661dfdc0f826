"""Rows that must be refused and a file that comes late; data in trouble.toml."""

from functools import cache
from importlib import resources
from typing import Literal

import msgspec
import polars as pl

from scoring.city.people import Person
from scoring.city.personas import DESIGN_NUMBERS, DesignedRecord, designed_frame

# The column that says whom a row is about, and a record that is right in every kind.
ABOUT = {
    "commitment": "承诺人代码",
    "contract_performance": "XDR_ZJHM",
    "court_obligation": "XDR_ZJHM",
    "penalty": "CF_XDR_ZJHM",
    "honour": "XDR_ZJHM",
    "organisation_register": "TYSHXYDM",
}
_RIGHT = {
    "commitment": DesignedRecord("commitment", "kept", 55, every_days=3),
    "contract_performance": DesignedRecord("contract_performance", "on_time", 55, every_days=31),
    "court_obligation": DesignedRecord("court_obligation", "fulfilled", 400, every_days=3),
    "penalty": DesignedRecord("penalty", "minor", 90, every_days=3),
    "honour": DesignedRecord("honour", "awarded", 90, measure=1, every_days=3),
}
_FIRST_NUMBER = 200 * DESIGN_NUMBERS  # after the personas' numbers
_NEXT_DIGIT = {**{str(digit): str((digit + 1) % 10) for digit in range(10)}, "X": "0"}

Change = Literal["check_digit", "lower_case_x", "fifteen_digits", "repeat"]


class TroubleRows(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: str
    rule: str
    rows: int
    change: Change | None = None
    column: str = ""
    value: str = ""


class LateFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: str
    department: str
    rows: int
    days_ago: int
    every_days: int


class Trouble(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    row: list[TroubleRows]
    late: LateFile


@cache
def standard_trouble() -> Trouble:
    text = resources.files("scoring.city").joinpath("trouble.toml").read_text(encoding="utf-8")
    return msgspec.toml.decode(text, type=Trouble)


def expected_rejects(trouble: Trouble) -> dict[str, dict[str, int]]:
    """kind -> rule -> rows that must be refused; of a document sent twice, both."""
    expected: dict[str, dict[str, int]] = {}
    for entry in trouble.row:
        rules = expected.setdefault(entry.kind, {})
        refused = 2 * entry.rows if entry.change == "repeat" else entry.rows
        rules[entry.rule] = rules.get(entry.rule, 0) + refused
    return expected


def trouble_records(
    trouble: Trouble, kind: str, *, who: Person, today: int
) -> list[tuple[TroubleRows, pl.DataFrame]]:
    """Right records of a person kind, to be spoilt once they are rows; columns of `designed_frame`."""
    designed = []
    for place, entry in enumerate(trouble.row):
        if entry.kind == kind and kind in _RIGHT:
            record = msgspec.structs.replace(_RIGHT[kind], count=entry.rows)
            number = _FIRST_NUMBER + place * DESIGN_NUMBERS
            designed.append((entry, designed_frame(who.id_number, who.name, record, number, today)))
    return designed


def late_records(late: LateFile, *, who: Person, today: int) -> pl.DataFrame:
    record = DesignedRecord(
        late.kind, "minor", late.days_ago, every_days=late.every_days, count=late.rows
    )
    frame = designed_frame(who.id_number, who.name, record, _FIRST_NUMBER - DESIGN_NUMBERS, today)
    return frame.with_columns(pl.lit(True).alias("is_late"))


def spoil(rows: pl.LazyFrame, entry: TroubleRows) -> pl.LazyFrame:
    """The sender's rows with the one thing wrong that `entry` names."""
    if entry.change == "repeat":
        return pl.concat([rows, rows])
    if entry.change is None:
        return rows.with_columns(pl.lit(entry.value).alias(entry.column))
    about = pl.col(ABOUT[entry.kind])
    return rows.with_columns(_spoilt(about, entry.change))


def _spoilt(code: pl.Expr, change: Change) -> pl.Expr:
    if change == "fifteen_digits":  # as before 1999: two-digit year, no check digit
        return code.str.slice(0, 6) + code.str.slice(8, 9)
    if change == "lower_case_x":
        return code.str.slice(0, 17) + pl.lit("x")
    last = code.str.slice(17, 1)
    return code.str.slice(0, 17) + last.replace_strict(_NEXT_DIGIT, default="0")
