"""How long a record may count at most, and what a band may not be called."""

import re
from functools import cache
from importlib import resources

import msgspec


class Validity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    most_days: int
    legal_basis: str


class BandNames(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`judging`: found anywhere in a Chinese name; `judging_en`: whole words, in any case."""

    judging: list[str]
    judging_en: list[str]
    reason: str

    def found_in(self, name: str, name_en: str) -> str | None:
        words = set(re.findall(r"[a-z]+", name_en.lower()))
        hits = [word for word in self.judging if word in name]
        return next(iter(hits + [word for word in self.judging_en if word in words]), None)


class Bounds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: str
    validity: Validity
    band_names: BandNames


@cache
def load_bounds() -> Bounds:
    text = resources.files("scoring.lint").joinpath("bounds.toml").read_bytes()
    return msgspec.toml.decode(text, type=Bounds)
