"""Cases as citizens and staff see them."""

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec

from api.openapi.limits import TEXT
from api.rights.case import CaseStatus, ReviewSubject

CitizenStatus = Literal["open", "decided"]
DisputeOutcome = Literal["upheld", "rejected", "undecided"]
ReviewOutcome = Literal["confirmed", "corrected"]
RepairOutcome = Literal["granted", "refused"]
CaseId = Annotated[str, msgspec.Meta(max_length=64, pattern="^[A-Za-z0-9_-]+$")]
Reference = Annotated[str, msgspec.Meta(max_length=64, pattern="^[A-Za-z0-9_.-]+$")]
StaffId = Annotated[str, msgspec.Meta(max_length=128, pattern="^[!-~]+$")]
ProposalId = Annotated[str, msgspec.Meta(max_length=64, pattern="^[0-9a-f]{64}$")]
OutcomeWord = Annotated[str, msgspec.Meta(max_length=32, pattern="^[a-z]+$")]
PolicyVersion = Annotated[str, msgspec.Meta(max_length=64, pattern="^[0-9A-Za-z._-]*$")]
ClassWord = Annotated[str, msgspec.Meta(max_length=32, pattern="^[a-z]*$")]
Written = Annotated[str, msgspec.Meta(max_length=8_000, pattern=TEXT)]


class CaseReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to whoever opened a case; the same again when the request is repeated, so it holds no
    words of hers. `is_due_provisional`: the working days of a year on the way are not published."""

    id: CaseId
    status: CitizenStatus = "open"
    record_id: str | None = None
    about: ReviewSubject | None = None
    reference: Reference | None = None
    opened_at: dt.datetime
    due_on: dt.date
    is_due_provisional: bool


class DisputeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`reason`: hers; `decision_reason`: the office's. Both stay, whatever the outcome."""

    id: CaseId
    record_id: str
    status: CitizenStatus
    opened_at: dt.datetime
    due_on: dt.date
    is_due_provisional: bool
    reason: Written | None
    outcome: DisputeOutcome | None
    decision_reason: Written | None
    decided_at: dt.datetime | None


class ReviewAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`reference`: id of the snapshot or decision under review."""

    id: CaseId
    about: ReviewSubject
    reference: Reference
    status: CitizenStatus
    opened_at: dt.datetime
    due_on: dt.date
    is_due_provisional: bool
    reason: Written | None
    outcome: ReviewOutcome | None
    decision_reason: Written | None
    decided_at: dt.datetime | None


class RepairAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`repair_class`, `repair_policy`: of the dated table that governs the record."""

    id: CaseId
    record_id: str
    repair_class: ClassWord
    repair_policy: PolicyVersion
    status: CitizenStatus
    opened_at: dt.datetime
    due_on: dt.date
    is_due_provisional: bool
    reason: Written | None
    outcome: RepairOutcome | None
    decision_reason: Written | None
    decided_at: dt.datetime | None


class StatementAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`text` is null once removed."""

    record_id: str
    text: Written | None
    stated_at: dt.datetime


class StaffCase(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the queue. Who the citizen is, and what she wrote, is not in it. `proposed_by`: so
    that the second person can be another one; `proposal_id`: so that she confirms what she read."""

    id: CaseId
    status: CaseStatus
    record_id: str | None
    about: ReviewSubject | None
    reference: Reference | None
    repair_class: ClassWord | None
    opened_at: dt.datetime
    due_on: dt.date
    is_due_provisional: bool
    is_overdue: bool
    proposed_outcome: OutcomeWord | None
    proposed_by: StaffId | None
    proposal_id: ProposalId | None
    outcome: OutcomeWord | None
    decided_by: StaffId | None
    confirmed_by: StaffId | None
    decided_at: dt.datetime | None


class StaffRecord(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    outcome: str
    status: str
    happened_on: dt.date


class StaffCaseDetail(StaffCase, frozen=True, kw_only=True):
    """`reason`: the citizen's words; `record`: null where she has left or it is gone."""

    reason: Written | None
    proposal_reason: Written | None
    returned_reason: Written | None
    decision_reason: Written | None
    record: StaffRecord | None


Words = Mapping[str, str]  # digest -> text
