"""Who belongs to which group, as a table `subject`, `dimension`, `group`: a person once a dimension."""

import datetime as dt
import hmac
from pathlib import Path

import polars as pl

from scoring.city.people import identities
from scoring.contract.pseudonyms import subject_of
from scoring.errors import InputRefused

GROUPS: dict[str, pl.DataType] = {
    "subject": pl.String(),
    "dimension": pl.String(),
    "group": pl.String(),
}
AGE_BANDS = ((18, "18-29"), (30, "30-44"), (45, "45-59"), (60, "60+"))
CONTROL_GROUPS = 4


def groups_of_city(people: int, seed: int, as_of: dt.date, lake_key: bytes) -> pl.DataFrame:
    """Sex and age of the synthetic city's people, from ID numbers that only it can make again.

    Of real people nobody here may know these: an ID number is gone behind the door.
    """
    rows: list[tuple[str, str, str]] = []
    for _, id_number, born in identities(seed, people):
        subject = subject_of(lake_key, id_number)
        # GB 11643: the 17th digit is odd for men, even for women
        rows.append((subject, "sex", "male" if int(id_number[16]) % 2 else "female"))
        band = _age_band(born, as_of)
        if band:
            rows.append((subject, "age", band))
    return pl.DataFrame(rows, schema=GROUPS, orient="row")


def groups_of_file(path: Path) -> pl.DataFrame:
    """CSV with the header `subject,dimension,group`. Raises InputRefused `groups_unreadable`,
    `groups_doubled`."""
    try:
        found = pl.read_csv(path, schema=GROUPS)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputRefused("groups_unreadable", str(error), where=str(path)) from error
    if found.null_count().sum_horizontal().item():
        raise InputRefused("groups_unreadable", "a cell is empty", where=str(path))
    if found.select("subject", "dimension").is_duplicated().any():
        raise InputRefused("groups_doubled", "a person is in two groups", where=str(path))
    return found


def control_groups(subjects: pl.Series, key: bytes) -> pl.DataFrame:
    """A split by keyed hash that has nothing to do with anybody: what chance alone gives."""
    rows = [
        (subject, "control", str(hmac.digest(key, subject.encode(), "sha256")[0] % CONTROL_GROUPS))
        for subject in subjects
    ]
    return pl.DataFrame(rows, schema=GROUPS, orient="row")


def _age_band(born: dt.date, as_of: dt.date) -> str | None:
    had_birthday = (as_of.month, as_of.day) >= (born.month, born.day)
    age = as_of.year - born.year - (not had_birthday)
    return next((name for start, name in reversed(AGE_BANDS) if age >= start), None)
