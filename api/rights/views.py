"""From cases to the answers that show them."""

import datetime as dt
from typing import Any

from api.ledger.enrolment import instant
from api.rights.answers import (
    CaseReceipt,
    DisputeAnswer,
    RepairAnswer,
    ReviewAnswer,
    StaffCase,
    StaffCaseDetail,
    StaffRecord,
    Words,
)
from api.rights.case import Case, OpenedBody
from api.rights.opening import RecordFacts


def receipt_of(case_id: str, opened: OpenedBody, at_ms: int) -> CaseReceipt:
    return CaseReceipt(
        id=case_id,
        record_id=opened.record_id,
        about=opened.about,
        reference=opened.reference,
        opened_at=instant(at_ms),
        due_on=opened.due_on,
        is_due_provisional=opened.is_due_provisional,
    )


def digests_of(case: Case) -> list[str | None]:
    """Of everything that was written about the case."""
    return [
        case.opened.text_digest,
        case.returned_digest,
        case.proposal.reason_digest if case.proposal else None,
        case.decision.reason_digest if case.decision else None,
    ]


def dispute_answer(case: Case, words: Words) -> DisputeAnswer:
    return DisputeAnswer(record_id=case.record_id or "", **_shown_to_her(case, words))


def review_answer(case: Case, words: Words) -> ReviewAnswer:
    about, reference = case.opened.about or "score", case.opened.reference or ""
    return ReviewAnswer(about=about, reference=reference, **_shown_to_her(case, words))


def repair_answer(case: Case, words: Words) -> RepairAnswer:
    return RepairAnswer(
        record_id=case.record_id or "",
        repair_class=case.opened.repair_class or "",
        repair_policy=case.opened.repair_policy or "",
        **_shown_to_her(case, words),
    )


def staff_case(case: Case, today: dt.date) -> StaffCase:
    return StaffCase(**_shown_to_staff(case, today))


def staff_case_detail(
    case: Case, today: dt.date, words: Words, record: RecordFacts | None
) -> StaffCaseDetail:
    opened, returned, proposed, decided = (
        None if digest is None else words.get(digest) for digest in digests_of(case)
    )
    return StaffCaseDetail(
        **_shown_to_staff(case, today),
        reason=opened,
        proposal_reason=proposed,
        returned_reason=returned,
        decision_reason=decided,
        record=None
        if record is None
        else StaffRecord(
            kind=record.kind,
            outcome=record.outcome,
            status=record.status,
            happened_on=record.happened_on,
        ),
    )


def _shown_to_her(case: Case, words: Words) -> dict[str, Any]:
    """What is proposed and not confirmed is not told: it decides nothing yet."""
    decision = case.decision
    return {
        "id": case.id,
        "status": "open" if decision is None else "decided",
        "opened_at": instant(case.opened_at_ms),
        "due_on": case.opened.due_on,
        "is_due_provisional": case.opened.is_due_provisional,
        "reason": words.get(case.opened.text_digest or ""),
        "outcome": None if decision is None else decision.outcome,
        "decision_reason": None if decision is None else words.get(decision.reason_digest),
        "decided_at": None if decision is None else instant(decision.at_ms),
    }


def _shown_to_staff(case: Case, today: dt.date) -> dict[str, Any]:
    proposal, decision = case.proposal, case.decision
    return {
        "id": case.id,
        "status": case.status,
        "record_id": case.record_id,
        "about": case.opened.about,
        "reference": case.opened.reference,
        "repair_class": case.opened.repair_class,
        "opened_at": instant(case.opened_at_ms),
        "due_on": case.opened.due_on,
        "is_due_provisional": case.opened.is_due_provisional,
        "is_overdue": decision is None and today > case.opened.due_on,
        "proposed_outcome": proposal.outcome if proposal else None,
        "proposed_by": proposal.by if proposal else None,
        "proposal_id": proposal.id if proposal else None,
        "outcome": decision.outcome if decision else None,
        "decided_by": decision.by if decision else None,
        "confirmed_by": decision.confirmed_by if decision else None,
        "decided_at": instant(decision.at_ms) if decision else None,
    }
