"""Access events as the ledger stores them."""

import datetime as dt

import msgspec

from api.accesses.protocol import AccessEvent, InitiatorKind
from api.ledger.fold import body_bytes
from api.ledger.kinds import ACCESSED, stream_name
from api.ledger.protocol import EventDraft

__all__ = ["ACCESSED", "AccessBody", "access_body", "access_draft"]


class AccessBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Body of an `accessed` event: AccessEvent without whose and when, which the event has."""

    initiator_kind: InitiatorKind
    initiator: str
    purpose: str
    legal_basis: str
    response_digest: str
    on_behalf_of: str | None = None
    policy: str | None = None
    consent_id: str | None = None
    decision_id: str | None = None
    snapshot: str | None = None
    hidden_until: dt.date | None = None
    hidden_reason: str | None = None


_BODY = msgspec.json.Decoder(AccessBody)


def access_body(body: bytes) -> AccessBody:
    return _BODY.decode(body)


def access_draft(access: AccessEvent) -> EventDraft:
    body = AccessBody(
        initiator_kind=access.initiator_kind,
        initiator=access.initiator,
        purpose=access.purpose,
        legal_basis=access.legal_basis,
        response_digest=access.response_digest,
        on_behalf_of=access.on_behalf_of,
        policy=access.policy,
        consent_id=access.consent_id,
        decision_id=access.decision_id,
        snapshot=access.snapshot,
        hidden_until=access.hidden_until,
        hidden_reason=access.hidden_reason,
    )
    return EventDraft(
        kind=ACCESSED,
        stream=stream_name("access", access.subject),
        subject=access.subject,
        at_ms=access.at_ms,
        body=body_bytes(body),
    )
