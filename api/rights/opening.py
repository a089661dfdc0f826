"""What a citizen may open: pure rules from her earlier cases and one of her records."""

import base64
import datetime as dt
import hashlib
from collections.abc import Iterable

import msgspec

from api.ledger.enrolment import city_day
from api.rights.case import Case, OpenedBody, ReviewSubject
from api.rights.refusal import CaseRefused
from scoring.calendar import Calendar
from scoring.contract.snapshot import ItemStatus
from scoring.policy.cases import CasePolicy, CaseType
from scoring.policy.repair import RepairTable

CASE_ID_CHARS = 22


class RecordFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One of a citizen's records as the served snapshot has it."""

    record_id: str
    kind: str
    outcome: str
    status: ItemStatus
    happened_on: dt.date


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """The law of the day: terms, repair table, working days, and the day itself."""

    policy: CasePolicy
    repairs: RepairTable
    calendar: Calendar
    today: dt.date


def case_id(case_type: CaseType, subject: str, about: str, number: int) -> str:
    """The same for two requests that race, so that one stream lets one of them in. `number`: of
    her earlier cases of this type about the same thing."""
    text = "\0".join((case_type, subject, about, str(number)))
    digest = hashlib.sha256(text.encode()).digest()[:16]
    return base64.urlsafe_b64encode(digest)[:CASE_ID_CHARS].decode()


def dispute_opened(record: RecordFacts, earlier: Iterable[Case], desk: Desk) -> OpenedBody:
    """`earlier`: her disputes of this record."""
    for case in earlier:
        if case.decision is None:
            raise CaseRefused("already_disputed", {"due_on": case.opened.due_on.isoformat()})
        again_on = city_day(case.decision.at_ms) + dt.timedelta(days=desk.policy.again.dispute_days)
        if desk.today < again_on:
            raise CaseRefused("dispute_decided_already", {"again_on": again_on.isoformat()})
    return _opened("dispute", desk, record_id=record.record_id)


def review_opened(
    about: ReviewSubject, reference: str, earlier: Iterable[Case], desk: Desk
) -> OpenedBody:
    """`earlier`: her reviews of the same thing."""
    if any(case.decision is None for case in earlier):
        raise CaseRefused("already_under_review")
    return _opened("review", desk, about=about, reference=reference)


def repair_opened(record: RecordFacts, earlier: Iterable[Case], desk: Desk) -> OpenedBody:
    """`earlier`: her repairs of this record."""
    cases = list(earlier)
    if record.status == "repaired" or any(case.has_outcome("granted") for case in cases):
        raise CaseRefused("already_repaired")
    if any(case.decision is None for case in cases):
        raise CaseRefused("already_requested")
    terms = desk.repairs.terms(record.kind, record.outcome, record.happened_on)
    if terms is None:
        raise CaseRefused("not_repairable")
    if desk.today < terms.earliest_on:
        earliest = terms.earliest_on.isoformat()
        raise CaseRefused("too_early", {"earliest_on": earliest, "class": terms.class_id})
    return _opened(
        "repair",
        desk,
        record_id=record.record_id,
        repair_class=terms.class_id,
        repair_policy=terms.policy_version,
        repair_earliest_on=terms.earliest_on,
    )


def _opened(
    case_type: CaseType,
    desk: Desk,
    *,
    record_id: str | None = None,
    about: ReviewSubject | None = None,
    reference: str | None = None,
    repair_class: str | None = None,
    repair_policy: str | None = None,
    repair_earliest_on: dt.date | None = None,
) -> OpenedBody:
    due = desk.policy.term_of(case_type).due(desk.today, desk.calendar)
    return OpenedBody(
        due_on=due.on,
        is_due_provisional=due.is_provisional,
        policy_version=desk.policy.version,
        record_id=record_id,
        about=about,
        reference=reference,
        repair_class=repair_class,
        repair_policy=repair_policy,
        repair_earliest_on=repair_earliest_on,
    )
