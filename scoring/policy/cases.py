"""Terms and limits of disputes, reviews and repairs, from data."""

import datetime as dt
from functools import cache
from importlib import resources
from typing import Literal

import msgspec

from scoring.calendar import Calendar, Due
from scoring.policy.repair import Certainty

CaseType = Literal["dispute", "review", "repair"]


class Term(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    legal_basis: str
    calendar_days: int = 0
    working_days: int = 0
    certainty: Certainty

    def due(self, opened_on: dt.date, working: Calendar) -> Due:
        if self.calendar_days:
            return Due(opened_on + dt.timedelta(days=self.calendar_days), False)
        return working.due(opened_on, self.working_days)


class TextLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    citizen_chars: int
    statement_chars: int
    least_reason_chars: int
    reason_chars: int


class Again(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    dispute_days: int


class StatisticsLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    least_citizens: int


class CasePolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    version: str
    dispute: Term
    review: Term
    repair: Term
    texts: TextLimits
    again: Again
    statistics: StatisticsLimits

    def term_of(self, case_type: CaseType) -> Term:
        return {"dispute": self.dispute, "review": self.review, "repair": self.repair}[case_type]


@cache
def load_case_policy() -> CasePolicy:
    text = resources.files("scoring.policy").joinpath("cases.toml").read_bytes()
    return msgspec.toml.decode(text, type=CasePolicy)
