"""Which changes a citizen is asked about anew; the limits are data in material.toml."""

from functools import cache
from importlib import resources
from typing import Literal

import msgspec

# What two terms can differ by, each a reason for itself where `always` names it.
Widening = Literal["purpose_added", "kind_added", "rule_added", "kept_longer", "counts_longer"]
Reason = Literal[
    "purpose_added",
    "kind_added",
    "rule_added",
    "kept_longer",
    "counts_longer",
    "moved_share",
    "band_share",
    "largest_points",
]


class Material(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`announced_days`: from the announcement of a material change to the day it applies."""

    version: str
    announced_days: int
    always: list[Widening]
    moved_share: float
    band_share: float
    largest_points: int


@cache
def load_material() -> Material:
    text = resources.files("scoring.policy").joinpath("material.toml").read_bytes()
    return msgspec.toml.decode(text, type=Material)
