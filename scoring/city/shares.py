"""What is data about the city: how often what happens, and what the documents say."""

import datetime as dt
from collections.abc import Sequence
from functools import cache
from importlib import resources

import msgspec
import polars as pl

from scoring.city import mixing
from scoring.city.calendar import day_number

Range = tuple[int, int]  # both ends inclusive


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class CommitmentShares(_Table, frozen=True):
    reason: str
    persons: float
    per_person: list[float]
    outcomes: dict[str, float]
    made_days_ago: int
    assessed_after_days: Range


class Payers(_Table, frozen=True):
    share: float
    late: float


class Overdue(_Table, frozen=True):
    weight: float
    days: Range


class ContractShares(_Table, frozen=True):
    reason: str
    persons: float
    per_person: list[float]
    months: Range
    nothing_due: float
    early_days: Range
    types: dict[str, float]
    payers: list[Payers]
    overdue: list[Overdue]


class CourtShares(_Table, frozen=True):
    reason: str
    persons: float
    confirmed_days_ago: Range
    fulfilled: float
    fulfilled_after_days: Range


class PenaltyShares(_Table, frozen=True):
    reason: str
    persons: float
    decided_days_ago: Range
    classes: dict[str, float]
    general_fine_yuan: Range
    serious_fine_yuan: Range


class HonourShares(_Table, frozen=True):
    reason: str
    persons: float
    awarded_days_ago: Range
    levels: dict[str, float]


class OrganisationShares(_Table, frozen=True):
    reason: str
    per_person: float
    founded_days_ago: Range
    kinds: dict[str, float]
    states: dict[str, float]


class Shares(_Table, frozen=True):
    commitment: CommitmentShares
    contract_performance: ContractShares
    court_obligation: CourtShares
    penalty: PenaltyShares
    honour: HonourShares
    organisation_register: OrganisationShares


class CommitmentWords(_Table, frozen=True):
    type: str
    department: str
    subject: str
    text: str
    liability: str


class ContractWords(_Table, frozen=True):
    type: str
    letter: str
    department: str


class PenaltyWords(_Table, frozen=True):
    conduct: str
    department: str
    sign: str
    fact: str
    basis: str


class HonourWords(_Table, frozen=True):
    name: str
    department: str
    basis: str


class Wording(_Table, frozen=True):
    city: str
    commitment: list[CommitmentWords]
    contract: list[ContractWords]
    penalty: list[PenaltyWords]
    honour: list[HonourWords]


class City(msgspec.Struct, frozen=True, kw_only=True):
    """A city on its day. `seed` and `as_of` decide every draw together with a record's number."""

    seed: int
    as_of: dt.date
    shares: Shares
    wording: Wording

    @property
    def today(self) -> int:
        return day_number(self.as_of)

    def draw(self, number: pl.Expr, name: str) -> pl.Expr:
        """UInt64, uniform; a stream of its own for every name."""
        return mixing.draw(number, mixing.stream(self.seed, name))


def words_frame(words: Sequence[_Table]) -> pl.DataFrame:
    """One row a wording, to be looked up by place."""
    return pl.DataFrame([msgspec.structs.asdict(one) for one in words])


def in_range(drawn: pl.Expr, days: Range) -> pl.Expr:
    """Int32, uniform over a range of whole numbers."""
    return mixing.below(drawn, days[1] - days[0] + 1) + days[0]


@cache
def standard_shares() -> Shares:
    return msgspec.toml.decode(_text("shares.toml"), type=Shares)


@cache
def standard_wording() -> Wording:
    return msgspec.toml.decode(_text("wording.toml"), type=Wording)


def _text(name: str) -> str:
    return resources.files("scoring.city").joinpath(name).read_text(encoding="utf-8")
