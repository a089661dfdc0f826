"""Limits of the door, from `limits.toml`."""

from functools import cache
from importlib.resources import files

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Reasons stand beside the values."""

    max_rejected_permille: int
    tolerated_rejected_rows: int
    batch_bytes: int
    max_line_bytes: int


@cache
def standard_limits() -> Limits:
    return msgspec.toml.decode(
        files("scoring.ingest").joinpath("limits.toml").read_bytes(), type=Limits
    )
