"""Answers of the service as types: what it encodes, what the OpenAPI document shows, what a load
test decodes. Members may be added, never removed."""

import datetime as dt
from typing import Annotated, Literal

import msgspec

from api.me.admission import EnrolmentAnswer
from api.receipts.record import SignedReceipt as ReceiptAnswer
from scoring.contract.snapshot import ItemStatus

__all__ = [
    "BandAnswer",
    "EnrolmentAnswer",
    "ExplanationAnswer",
    "HealthAnswer",
    "ItemAnswer",
    "ReadyAnswer",
    "ReasonAnswer",
    "ReceiptAnswer",
    "ScoreAnswer",
]


class BandAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One of five neutral bands."""

    code: str
    name: str
    name_en: str


class ScoreAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`stale`: the store is down, and this is of the last good snapshot; what happened since in her
    own records would have been no answer at all."""

    score: int
    band: BandAnswer
    as_of: dt.date
    snapshot: str
    rules_version: str
    stale: bool = False


class ItemAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One record. `points`: after the rule's cap; 0 unless `counted`. `rule_id`, `rule_version` and
    `legal_basis` are null where no published rule counts such a record. `measure`: overdue days or
    level. `note`: what the record is and what can be done about it, in the asked language.
    `pending`: what became of her dispute or repair since the snapshot. `statement`: her own words."""

    record_id: str
    kind: str
    outcome: str
    rule_id: str | None
    rule_version: str | None
    points: int
    counted: bool
    status: ItemStatus
    legal_basis: str | None
    source: str
    happened_on: dt.date
    expires_on: dt.date | None
    measure: int
    note: str
    pending: str | None = None
    statement: str | None = None


class ReasonAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`code`: the rule's id. `points`: sum of the rule's points."""

    code: str
    text: str
    points: int


class ExplanationAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`score` = `base` + sum of all `points`, exactly. `reasons`: the four largest effects.
    `overlaid_at_position`: the records are of the snapshot's day, rules and files, but the ledger's
    events up to this one are in it, later than the snapshot's own; null where none concerns her.
    `stale`: as of ScoreAnswer."""

    score: int
    base: int
    items: list[ItemAnswer]
    reasons: Annotated[list[ReasonAnswer], msgspec.Meta(max_length=4)]
    as_of: dt.date
    snapshot: str
    rules_version: str
    overlaid_at_position: int | None = None
    stale: bool = False


class HealthAnswer(msgspec.Struct, frozen=True, kw_only=True):
    status: str


class ReadyAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`degraded`: the store is down; citizens get their own score of `snapshot`, the last good one,
    partners no answer. `ledger_position`: number of the last event committed."""

    status: Literal["ready", "degraded"]
    snapshot: str
    as_of: dt.date
    rules_version: str
    ledger_position: int
