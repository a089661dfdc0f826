"""The life of a case as a fold of its events.

    opened ──▶ open ──proposed──▶ proposed ──decided──▶ decided
                ▲ │                   │
                │ └──────decided──────┼───────────────▶ decided
                └──────returned───────┘

A step that changes a record is proposed by one person and decided by another (四眼); any other is
decided at once. Words stand in the text store; an event has their digest alone.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from api.ledger.kinds import stream_name
from api.ledger.protocol import Event
from scoring.policy.cases import CaseType

CASE_TYPES: tuple[CaseType, ...] = ("dispute", "review", "repair")
CaseStatus = Literal["open", "proposed", "decided"]
ReviewSubject = Literal["score", "decision"]

# type -> outcome -> whether it changes a record
OUTCOMES: Mapping[CaseType, Mapping[str, bool]] = {
    "dispute": {"upheld": True, "rejected": False, "undecided": False},
    "review": {"confirmed": False, "corrected": False},
    "repair": {"granted": True, "refused": False},
}


class OpenedBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Body of `dispute_opened`, `review_opened`, `repair_opened`. `record_id`: of disputes and
    repairs. `about`, `reference`: of reviews, a snapshot's or a decision's id. `repair_*`: what the
    policy said on the day. `policy_version`: of the table of terms."""

    due_on: dt.date
    is_due_provisional: bool = False
    policy_version: str
    text_digest: str | None = None
    record_id: str | None = None
    about: ReviewSubject | None = None
    reference: str | None = None
    repair_class: str | None = None
    repair_policy: str | None = None
    repair_earliest_on: dt.date | None = None


class ProposedBody(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `dispute_proposed`, `repair_proposed`."""

    outcome: str
    reason_digest: str
    by: str


class ReturnedBody(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `dispute_returned`, `repair_returned`: the second person does not agree."""

    reason_digest: str
    by: str


class DecidedBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Body of `dispute_decided`, `review_decided`, `repair_decided`. `confirmed_by`: the second
    person, where a record changes."""

    outcome: str
    reason_digest: str
    by: str
    confirmed_by: str | None = None


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    outcome: str
    reason_digest: str
    by: str
    at_ms: int

    @property
    def id(self) -> str:
        """Of a salted text: no two proposals share it, not even with the same words."""
        return self.reason_digest


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    outcome: str
    reason_digest: str
    by: str
    confirmed_by: str | None
    at_ms: int


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """`opened_seq`: of its first event, `seq`: of its last. `returned_digest`: why the second person
    sent it back the last time."""

    id: str
    type: CaseType
    subject: str
    opened: OpenedBody
    opened_at_ms: int
    opened_seq: int
    seq: int
    status: CaseStatus = "open"
    proposal: Proposal | None = None
    returned_digest: str | None = None
    decision: Decision | None = None

    @property
    def record_id(self) -> str | None:
        return self.opened.record_id

    def has_outcome(self, outcome: str) -> bool:
        return self.decision is not None and self.decision.outcome == outcome


_OPENED = msgspec.json.Decoder(OpenedBody)
_PROPOSED = msgspec.json.Decoder(ProposedBody)
_RETURNED = msgspec.json.Decoder(ReturnedBody)
_DECIDED = msgspec.json.Decoder(DecidedBody)


def kinds_of(case_type: CaseType) -> tuple[str, ...]:
    if case_type == "review":
        return "review_opened", "review_decided"
    return tuple(f"{case_type}_{step}" for step in ("opened", "proposed", "returned", "decided"))


CASE_KINDS: tuple[str, ...] = tuple(kind for each in CASE_TYPES for kind in kinds_of(each))


def case_stream(case_type: CaseType, case_id: str) -> str:
    return stream_name(case_type, case_id)


def folded_cases(events: Iterable[Event]) -> dict[str, Case]:
    """By stream, oldest first. `events`: of CASE_KINDS, in order; others are passed over."""
    cases: dict[str, Case] = {}
    fold_into(cases, events)
    return cases


def fold_into(cases: dict[str, Case], events: Iterable[Event]) -> None:
    for event in events:
        case = stepped(cases.get(event.stream), event)
        if case is not None:
            cases[event.stream] = case


def stepped(before: Case | None, event: Event) -> Case | None:
    """The case after an event; None where the event begins none and there is none."""
    case_type, _, step = event.kind.partition("_")
    if step == "opened":
        return before or _begun(case_type, event)  # type: ignore[arg-type]  # the word of its kind
    if before is None:
        return None
    return _AFTER[step](before, event) if step in _AFTER else before


def _begun(case_type: CaseType, event: Event) -> Case:
    return Case(
        id=event.stream.partition(":")[2],
        type=case_type,
        subject=event.subject,
        opened=_OPENED.decode(event.body),
        opened_at_ms=event.at_ms,
        opened_seq=event.seq,
        seq=event.seq,
    )


def _after_proposal(case: Case, event: Event) -> Case:
    body = _PROPOSED.decode(event.body)
    proposal = Proposal(
        outcome=body.outcome, reason_digest=body.reason_digest, by=body.by, at_ms=event.at_ms
    )
    return msgspec.structs.replace(case, seq=event.seq, status="proposed", proposal=proposal)


def _after_return(case: Case, event: Event) -> Case:
    return msgspec.structs.replace(
        case,
        seq=event.seq,
        status="open",
        proposal=None,
        returned_digest=_RETURNED.decode(event.body).reason_digest,
    )


def _after_decision(case: Case, event: Event) -> Case:
    body = _DECIDED.decode(event.body)
    decision = Decision(
        outcome=body.outcome,
        reason_digest=body.reason_digest,
        by=body.by,
        confirmed_by=body.confirmed_by,
        at_ms=event.at_ms,
    )
    return msgspec.structs.replace(case, seq=event.seq, status="decided", decision=decision)


_AFTER = {"proposed": _after_proposal, "returned": _after_return, "decided": _after_decision}
