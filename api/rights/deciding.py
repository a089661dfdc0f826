"""What staff may do with a case: pure rules from a state and a wish to the next event's body.

征信业管理条例 Art. 25, PIPL Art. 24 and 50: a person decides, with reasons; nobody decides her own
case; where a record changes, two people agree.
"""

import msgspec

from api.rights.case import OUTCOMES, Case, DecidedBody, ProposedBody, ReturnedBody
from api.rights.refusal import CaseRefused

Step = tuple[str, msgspec.Struct]  # kind of the event, its body


class Staff(msgspec.Struct, frozen=True, kw_only=True):
    """`id`: `sub` at the city's provider. `is_reviewer`: may confirm what another proposed."""

    id: str
    is_reviewer: bool


# Programs have their own names at the provider; a decision bears a person's.
MACHINE_NAMES = ("system", "service", "robot", "client")


def is_machine(staff_id: str) -> bool:
    return staff_id.replace(":", "-").partition("-")[0].lower() in MACHINE_NAMES


def decision_step(case: Case, outcome: str, reason_digest: str, staff: Staff) -> Step:
    """Decided at once, or proposed where the outcome changes a record."""
    _require_may_act(case, staff)
    if case.status == "decided":
        raise CaseRefused("case_decided")
    if case.status == "proposed":
        raise CaseRefused("case_proposed")
    if outcome not in OUTCOMES[case.type]:
        raise CaseRefused("outcome_unknown")
    if OUTCOMES[case.type][outcome]:
        proposed = ProposedBody(outcome=outcome, reason_digest=reason_digest, by=staff.id)
        return f"{case.type}_proposed", proposed
    decided = DecidedBody(outcome=outcome, reason_digest=reason_digest, by=staff.id)
    return f"{case.type}_decided", decided


def confirmation_step(case: Case, staff: Staff, read: str | None = None) -> Step:
    """The second person agrees: the proposal becomes the decision, and both ids are in it. `read`:
    id of the proposal she has read, where she names it."""
    proposal = case.proposal
    _require_second_person(case, staff, read)
    if proposal is None:
        raise CaseRefused("nothing_proposed")
    body = DecidedBody(
        outcome=proposal.outcome,
        reason_digest=proposal.reason_digest,
        by=proposal.by,
        confirmed_by=staff.id,
    )
    return f"{case.type}_decided", body


def return_step(case: Case, reason_digest: str, staff: Staff, read: str | None = None) -> Step:
    """The second person does not agree: the case is open again."""
    _require_second_person(case, staff, read)
    return f"{case.type}_returned", ReturnedBody(reason_digest=reason_digest, by=staff.id)


def _require_second_person(case: Case, staff: Staff, read: str | None) -> None:
    _require_may_act(case, staff)
    if case.status == "decided":
        raise CaseRefused("case_decided")
    if case.proposal is None:
        raise CaseRefused("nothing_proposed")
    if case.proposal.by == staff.id:
        raise CaseRefused("four_eyes")
    if not staff.is_reviewer:
        raise CaseRefused("reviewer_needed")
    if read not in (None, case.proposal.id):
        raise CaseRefused("proposal_changed")


def _require_may_act(case: Case, staff: Staff) -> None:
    if is_machine(staff.id):
        raise CaseRefused("human_reviewer_needed")
    if staff.id == case.subject:
        raise CaseRefused("own_case")
