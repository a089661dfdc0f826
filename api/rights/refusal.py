"""What a case's rules can refuse, by stable code (a row in api.problems each)."""

from collections.abc import Mapping
from typing import Literal

RefusalCode = Literal[
    "record_not_found",
    "case_not_found",
    "already_disputed",
    "dispute_decided_already",
    "already_under_review",
    "already_requested",
    "already_repaired",
    "not_repairable",
    "too_early",
    "own_case",
    "four_eyes",
    "reviewer_needed",
    "human_reviewer_needed",
    "reason_needed",
    "outcome_unknown",
    "case_decided",
    "case_proposed",
    "nothing_proposed",
    "proposal_changed",
    "statement_too_long",
    "text_too_long",
    "not_enrolled",
]


class CaseRefused(Exception):
    """`members`: what else the citizen should know, e.g. the day from which it is possible."""

    def __init__(self, code: RefusalCode, members: Mapping[str, str | int] | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.members = members
