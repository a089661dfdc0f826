"""Cases as citizens and staff see them."""

import datetime as dt
from collections.abc import Mapping
from typing import Literal

import msgspec

from api.rights.case import CaseStatus, ReviewSubject

CitizenStatus = Literal["open", "decided"]
DisputeOutcome = Literal["upheld", "rejected", "undecided"]
ReviewOutcome = Literal["confirmed", "corrected"]
RepairOutcome = Literal["granted", "refused"]


class CaseReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to whoever opened a case; the same again when the request is repeated, so it holds no
    words of hers. `is_due_provisional`: the working days of a year on the way are not published."""

    id: str
    status: CitizenStatus = "open"
    record_id: str | None = None
    about: ReviewSubject | None = None
    reference: str | None = None
    opened_at: dt.datetime
    due_on: dt.date
    is_due_provisional: bool


class DisputeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`reason`: hers; `decision_reason`: the office's. Both stay, whatever the outcome."""

    id: str
    record_id: str
    status: CitizenStatus
    opened_at: dt.datetime
    due_on: dt.date
    is_due_provisional: bool
    reason: str | None
    outcome: DisputeOutcome | None
    decision_reason: str | None
    decided_at: dt.datetime | None


class ReviewAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`reference`: id of the snapshot or decision under review."""

    id: str
    about: ReviewSubject
    reference: str
    status: CitizenStatus
    opened_at: dt.datetime
    due_on: dt.date
    is_due_provisional: bool
    reason: str | None
    outcome: ReviewOutcome | None
    decision_reason: str | None
    decided_at: dt.datetime | None


class RepairAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`repair_class`, `repair_policy`: of the dated table that governs the record."""

    id: str
    record_id: str
    repair_class: str
    repair_policy: str
    status: CitizenStatus
    opened_at: dt.datetime
    due_on: dt.date
    is_due_provisional: bool
    reason: str | None
    outcome: RepairOutcome | None
    decision_reason: str | None
    decided_at: dt.datetime | None


class StatementAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`text` is null once removed."""

    record_id: str
    text: str | None
    stated_at: dt.datetime


class StaffCase(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the queue. Who the citizen is, and what she wrote, is not in it. `proposed_by`: so
    that the second person can be another one."""

    id: str
    status: CaseStatus
    record_id: str | None
    about: ReviewSubject | None
    reference: str | None
    repair_class: str | None
    opened_at: dt.datetime
    due_on: dt.date
    is_due_provisional: bool
    is_overdue: bool
    proposed_outcome: str | None
    proposed_by: str | None
    outcome: str | None
    decided_by: str | None
    confirmed_by: str | None
    decided_at: dt.datetime | None


class StaffRecord(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    outcome: str
    status: str
    happened_on: dt.date


class StaffCaseDetail(StaffCase, frozen=True, kw_only=True):
    """`reason`: the citizen's words; `record`: null where she has left or it is gone."""

    reason: str | None
    proposal_reason: str | None
    returned_reason: str | None
    decision_reason: str | None
    record: StaffRecord | None


Words = Mapping[str, str]  # digest -> text
