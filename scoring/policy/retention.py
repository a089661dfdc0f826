"""How long each class of data about a citizen is kept, and what leaving does to it."""

from functools import cache
from importlib import resources
from typing import Literal

import msgspec


class RetentionClass(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`days` counted from `after`. `at_end`: erased, or sealed in the append-only log."""

    id: str
    name: str
    days: int
    after: Literal["withdrawal", "happened_on", "end", "access", "decision", "as_of"]
    on_withdrawal: Literal["erased", "kept", "unchanged"]
    at_end: Literal["erased", "sealed"]
    how: str
    legal_basis: str


class RetentionTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    version: str
    classes: list[RetentionClass] = msgspec.field(name="class")

    def of(self, class_id: str) -> RetentionClass:
        """Raises KeyError."""
        return {entry.id: entry for entry in self.classes}[class_id]


@cache
def load_retention() -> RetentionTable:
    text = resources.files("scoring.policy").joinpath("retention.toml").read_bytes()
    return msgspec.toml.decode(text, type=RetentionTable)
