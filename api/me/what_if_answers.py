"""What a what-if answers."""

import datetime as dt

import msgspec

from api.me.what_if_words import Status
from scoring.what_if import Way


class ChangeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One record that would stop counting. `on`: the first day of it. `note`: what the citizen can
    do about it, in the asked language."""

    record_id: str
    rule_id: str
    way: Way
    on: dt.date
    note: str


class WhatIfAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`changes`: the smallest set, none where the target is reached or cannot be. `reached_on`,
    `reached_score`: null where it cannot be. `best_score`: the highest that changes of present
    records can reach."""

    target: int
    score: int
    status: Status
    changes: list[ChangeAnswer]
    reached_on: dt.date | None
    reached_score: int | None
    best_score: int
    text: str
    as_of: dt.date
    snapshot: str
    rules_version: str
