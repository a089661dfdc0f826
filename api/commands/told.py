"""What is done, held against the notice, with the data of this package: for `lint` and `build`."""

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

from scoring.benefits import BenefitsRegister
from scoring.lint.problem import LintProblem
from scoring.rulebook import Rulebook

if TYPE_CHECKING:
    from scoring.policy.terms import NoticeEdition

# Purposes nobody writes into the access log: computing the score, and a partner's question as a
# whole; what each partner asks for stands in the register and is consented to on its own.
OWN_SCORE = "own_score"
BENEFITS = "benefits"


def notice_problems(
    rulebook: Rulebook,
    benefits: BenefitsRegister,
    day: dt.date,
    *,
    notices: Path | None = None,
    is_looking_ahead: bool = False,
) -> list[LintProblem]:
    """`is_looking_ahead`: also the later days for which other rules are written. A day without
    rules is none of this check's. Raises InputRefused `notice_unreadable`."""
    from scoring.catalogue import load_catalogue
    from scoring.errors import InputRefused
    from scoring.lint.notices import days_of_change, lint_editions, lint_terms, terms_in_force
    from scoring.policy.material import load_material

    editions = _editions(notices)
    limits, catalogue = load_material(), load_catalogue()
    purposes = purposes_pursued(benefits)
    problems = list(lint_editions(editions, limits))
    for that_day in [day, *(days_of_change(rulebook, day) if is_looking_ahead else [])]:
        try:
            terms = terms_in_force(rulebook, catalogue, purposes, that_day)
        except InputRefused:
            continue
        problems += lint_terms(editions, terms, that_day, limits)
    return problems


def _editions(folder: Path | None) -> "list[NoticeEdition]":
    from api.ledger.notice import NOTICE_FOLDER, NoticeBroken, load_notices
    from scoring.errors import InputRefused

    try:
        return load_notices(folder or NOTICE_FOLDER).editions()
    except NoticeBroken as error:
        raise InputRefused(
            "notice_unreadable",
            str(error),
            where=str(folder or NOTICE_FOLDER),
            do="correct the file; a notice that cannot be read informs nobody",
        ) from error


def purposes_pursued(benefits: BenefitsRegister) -> set[str]:
    """As notices name them: every partner's is one of `benefits`."""
    from api.accesses.purposes import PURPOSES

    partners = {purpose.code for purpose in benefits.purposes}
    return {OWN_SCORE, *(PURPOSES.keys() - partners), *([BENEFITS] if partners else [])}
