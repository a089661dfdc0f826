"""The life of a consent as pure functions: events to states, a wish to the next event or a refusal.

    awaiting ──confirm──▶ active ◀──resume── paused
        │                   ├─────pause───────▶ │
        ├─reject─▶ rejected └─revoke─▶ revoked ◀┘      and from each of the three: expired, by time

Every event carries the whole terms, so that one event alone is enough to tell what holds after it.
Leaving the score ends all consents: a `withdrawn` event revokes whatever is not over.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from api.consents.protocol import ENDED, ConsentStatus
from api.consents.terms import DAY_MS, Terms
from api.ledger.fold import body_bytes
from api.ledger.kinds import stream_name
from api.ledger.protocol import Event, EventDraft

REQUESTED = "consent_requested"
GRANTED = "consent_granted"
CONFIRMED = "consent_confirmed"
PAUSED = "consent_paused"
RESUMED = "consent_resumed"
REVOKED = "consent_revoked"
REJECTED = "consent_rejected"
FIRST_USED = "consent_first_used"
WITHDRAWN = "withdrawn"

# kind -> (states it may follow, state after it); the first two begin a consent
STEPS: Mapping[str, tuple[frozenset[ConsentStatus], ConsentStatus]] = {
    REQUESTED: (frozenset(), "awaiting"),
    GRANTED: (frozenset(), "active"),
    CONFIRMED: (frozenset({"awaiting"}), "active"),
    REJECTED: (frozenset({"awaiting"}), "rejected"),
    PAUSED: (frozenset({"active"}), "paused"),
    RESUMED: (frozenset({"paused"}), "active"),
    REVOKED: (frozenset({"awaiting", "active", "paused"}), "revoked"),
}
BEGINNINGS = (REQUESTED, GRANTED)
STATE_KINDS: tuple[str, ...] = (*STEPS, WITHDRAWN)  # what can change a consent's state
SUBJECT_KINDS: tuple[str, ...] = (*STATE_KINDS, FIRST_USED)

CITY_OFFSET_MS = 8 * 3_600_000  # China Standard Time knows no summer time
EPOCH_ORDINAL = dt.date(1970, 1, 1).toordinal()

Actor = Literal["citizen", "partner", "withdrawal"]
Target = Literal["active", "paused", "rejected", "revoked"]


class ConsentBody(msgspec.Struct, frozen=True, kw_only=True):
    """Body of every consent event. `by`: who asked for the step."""

    id: str
    handle: str
    terms: Terms
    by: Actor = "citizen"


class FirstUsedBody(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `consent_first_used`: what the citizen is told."""

    id: str
    partner: str
    policy: str | None


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """`status` without the clock: see `status_at`. `seq`: of the event that decided it;
    `stream_seq`: of the last event in the consent's own stream."""

    id: str
    handle: str
    subject: str
    terms: Terms
    status: ConsentStatus
    granted_at_ms: int
    changed_at_ms: int
    changed_by: Actor
    seq: int
    stream_seq: int


class IllegalStep(Exception):
    """The state does not allow the step; `status`: that state."""

    def __init__(self, status: ConsentStatus) -> None:
        super().__init__(status)
        self.status = status


_BODY = msgspec.json.Decoder(ConsentBody)
_FIRST_USED = msgspec.json.Decoder(FirstUsedBody)


def consent_stream(consent_id: str) -> str:
    return stream_name("consent", consent_id)


def body_of(event: Event) -> ConsentBody:
    return _BODY.decode(event.body)


def folded_consents(events: Iterable[Event]) -> dict[str, Consent]:
    """One citizen's consents by id, oldest first. `events`: hers, of SUBJECT_KINDS, in order. An
    event that its consent's state does not allow changes nothing: it lost a race with a
    withdrawal."""
    consents: dict[str, Consent] = {}
    for event in events:
        if event.kind == WITHDRAWN:
            for consent in consents.values():
                consents[consent.id] = ended_by_withdrawal(consent, event)
        elif event.kind == FIRST_USED:
            used = _FIRST_USED.decode(event.body).id
            if used in consents:
                consents[used] = msgspec.structs.replace(consents[used], stream_seq=event.seq)
        elif event.kind in STEPS:
            body = body_of(event)
            consents[body.id] = stepped(consents.get(body.id), event, body)
    return consents


def stepped(before: Consent | None, event: Event, body: ConsentBody) -> Consent:
    """The consent after one of its own events. An event of a consent never begun is taken for what
    it says: it carries the whole terms."""
    allowed, status = STEPS[event.kind]
    if before is not None and before.status not in allowed:
        return msgspec.structs.replace(before, stream_seq=event.seq)
    return Consent(
        id=body.id,
        handle=body.handle,
        subject=event.subject,
        terms=body.terms,
        status=status,
        granted_at_ms=event.at_ms if before is None else before.granted_at_ms,
        changed_at_ms=event.at_ms,
        changed_by=body.by,
        seq=event.seq,
        stream_seq=event.seq,
    )


def ended_by_withdrawal(consent: Consent, event: Event) -> Consent:
    if consent.status in ENDED:
        return consent
    return msgspec.structs.replace(
        consent,
        status="revoked",
        changed_at_ms=event.at_ms,
        changed_by="withdrawal",
        seq=event.seq,
    )


def end_day_number(consent: Consent) -> int:
    """Days since 1970 on the city's clock: when it ended, or the last day on which it can."""
    is_over = consent.status in ENDED
    at_ms = consent.changed_at_ms if is_over else consent.terms.expires_at_ms
    return (at_ms + CITY_OFFSET_MS) // DAY_MS


def day_of_number(number: int) -> str:
    """ISO."""
    return dt.date.fromordinal(EPOCH_ORDINAL + number).isoformat()


def status_at(consent: Consent, now_ms: int) -> ConsentStatus:
    is_over = consent.status in ENDED
    return "expired" if not is_over and now_ms >= consent.terms.expires_at_ms else consent.status


def decided(consent: Consent, target: Target, *, by: Actor, now_ms: int) -> EventDraft | None:
    """The event that leads to `target`; None where the consent is there already, so that a repeated
    request is confirmed. Raises IllegalStep."""
    status = status_at(consent, now_ms)
    if status == target:
        return None
    kind = next(
        (k for k, (allowed, after) in STEPS.items() if after == target and status in allowed), None
    )
    if kind is None:
        raise IllegalStep(status)
    body = ConsentBody(id=consent.id, handle=consent.handle, terms=consent.terms, by=by)
    return consent_draft(kind, consent.subject, body, now_ms)


def consent_draft(kind: str, subject: str, body: ConsentBody, at_ms: int) -> EventDraft:
    return EventDraft(
        kind=kind,
        stream=consent_stream(body.id),
        subject=subject,
        at_ms=at_ms,
        body=body_bytes(body),
    )
