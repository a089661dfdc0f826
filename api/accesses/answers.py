"""An access as its citizen sees it: who, why, on what basis; never the content."""

import datetime as dt
from collections.abc import Mapping

import msgspec

from api.accesses.events import AccessBody, access_body
from api.accesses.protocol import InitiatorKind
from api.accesses.purposes import purpose_text
from api.ledger.enrolment import instant
from api.ledger.protocol import Event
from api.problems import Language
from scoring.contract.documents import Benefit

OFFICE = ("信用办", "the credit office")
HERSELF = ("您本人", "you")
SYSTEM = ("系统", "the system")


class AccessAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`purpose`: in a citizen's words, `purpose_code`: as logged. `response_digest`: SHA-256 of
    what was answered. `hidden_until`, `hidden_reason`: set where a law kept this line secret until
    that day. `seq`: its number in the ledger, to ask a proof with."""

    seq: int
    time: dt.datetime
    initiator_kind: InitiatorKind
    initiator: str
    initiator_name: str
    on_behalf_of: str | None
    purpose: str
    purpose_code: str
    legal_basis: str
    policy: str | None
    consent_id: str | None
    decision_id: str | None
    response_digest: str
    snapshot: str | None
    hidden_until: dt.date | None
    hidden_reason: str | None


class AccessesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first."""

    items: list[AccessAnswer]
    next_cursor: str | None


class Names(msgspec.Struct, frozen=True):
    """What partners and the scenes of benefits are called, by the ids of partners and benefits."""

    partners: Mapping[str, str]
    scenes: Mapping[str, str]


def names_of(register: list[Benefit]) -> Names:
    return Names(
        {benefit.partner: benefit.partner_name for benefit in register},
        {benefit.id: benefit.scene for benefit in register},
    )


def is_hidden(body: AccessBody, today: dt.date) -> bool:
    """`hidden_until` is the first day on which she sees it."""
    return body.hidden_until is not None and today < body.hidden_until


def visible_access(
    event: Event, names: Names, *, today: dt.date, language: Language
) -> AccessAnswer | None:
    """None where a law still keeps it secret."""
    body = access_body(event.body)
    if is_hidden(body, today):
        return None
    who = name_of(body, names, language)
    return AccessAnswer(
        seq=event.seq,
        time=instant(event.at_ms),
        initiator_kind=body.initiator_kind,
        initiator=body.initiator,
        initiator_name=who,
        on_behalf_of=body.on_behalf_of,
        purpose=purpose_text(body.purpose, who=who, language=language),
        purpose_code=body.purpose,
        legal_basis=body.legal_basis,
        policy=body.policy,
        consent_id=body.consent_id,
        decision_id=body.decision_id,
        response_digest=body.response_digest,
        snapshot=body.snapshot,
        hidden_until=body.hidden_until,
        hidden_reason=body.hidden_reason,
    )


def name_of(body: AccessBody, names: Names, language: Language) -> str:
    own = {"staff": OFFICE, "citizen": HERSELF, "system": SYSTEM}.get(body.initiator_kind)
    if own is None:
        return names.partners.get(body.initiator, body.initiator)
    return own[language == "en"]
