"""Figures of disputes, reviews and repairs for the public page: a count of raw cases, and nothing
that fewer than ten citizens stand behind."""

import datetime as dt
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Annotated

import msgspec

from api.ledger.enrolment import city_day
from api.rights.case import Case
from scoring.policy.cases import CaseType

# type -> the outcome that gives the citizen what she asked for
GIVEN: dict[CaseType, str] = {"dispute": "upheld", "review": "corrected", "repair": "granted"}


Count = Annotated[int, msgspec.Meta(ge=0, le=(1 << 31) - 1)]


class CaseFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Null where fewer than `least_citizens` people stand behind the figure or behind its rest.
    `given`: disputes upheld, reviews corrected, repairs granted; `share_given` of all decided;
    `median_days`: calendar days from receipt to decision; `overdue`: undecided past their day."""

    received: Count | None
    decided: Count | None
    given: Count | None
    share_given: float | None
    median_days: float | None
    overdue: Count | None


class RepairStatistics(msgspec.Struct, frozen=True, kw_only=True):
    as_of: dt.date
    least_citizens: Annotated[int, msgspec.Meta(ge=1, le=1_000)]
    disputes: CaseFigures
    reviews: CaseFigures
    repairs: CaseFigures


def figures_of(
    cases: Sequence[Case], case_type: CaseType, today: dt.date, least_citizens: int
) -> CaseFigures:
    of_type = [case for case in cases if case.type == case_type]
    decided = [case for case in of_type if case.decision is not None]
    given = [case for case in decided if case.has_outcome(GIVEN[case_type])]
    rest = [case for case in decided if not case.has_outcome(GIVEN[case_type])]
    overdue = [c for c in of_type if c.decision is None and c.opened.due_on < today]

    def is_told(*groups: Iterable[Case]) -> bool:
        return all(len({case.subject for case in group}) >= least_citizens for group in groups)

    # Whoever knows the whole and one part knows the other part: both must be large enough.
    is_split_told = is_told(given, rest)
    return CaseFigures(
        received=len(of_type) if is_told(of_type) else None,
        decided=len(decided) if is_told(decided) else None,
        given=len(given) if is_split_told else None,
        share_given=round(len(given) / len(decided), 4) if is_split_told else None,
        median_days=float(median(map(days_taken, decided))) if is_told(decided) else None,
        overdue=len(overdue) if is_told(overdue) else None,
    )


def days_taken(case: Case) -> int:
    """Calendar days by the city's clock."""
    decision = case.decision
    if decision is None:
        raise ValueError("an open case has taken no time yet")
    return (city_day(decision.at_ms) - city_day(case.opened_at_ms)).days
