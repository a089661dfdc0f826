"""A consent as its citizen sees it."""

import datetime as dt
from typing import Annotated, Literal

import msgspec

from api.consents.machine import Actor, Consent, status_at
from api.consents.protocol import ConsentStatus
from api.consents.reading import Uses
from api.ledger.enrolment import instant
from api.openapi.limits import IDENTIFIER, LINE, exactly

_Code = Annotated[str, msgspec.Meta(max_length=64, pattern=exactly(IDENTIFIER))]
_Purpose = Annotated[str, msgspec.Meta(max_length=64, pattern=exactly(LINE))]


class ConsentRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`policy`: id of a benefit of `partner`, asked for its registered `purpose`. `status`:
    `awaiting` prepares a consent that PATCH then confirms or rejects."""

    partner: _Code
    policy: _Code
    purpose: _Purpose = ""
    expires_at: Annotated[dt.datetime, msgspec.Meta(tz=True)]
    not_before: Annotated[dt.datetime, msgspec.Meta(tz=True)] | None = None
    max_uses_per_day: int = 10
    data_life_days: int | None = None
    status: Literal["active", "awaiting"] = "active"


class ConsentChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`active` confirms what awaits and resumes what is paused."""

    status: Literal["active", "paused", "rejected", "revoked"]


class ConsentAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`handle`: what the partner asks with, shown as a QR code; no other partner can use or
    recognise it. `data_life_days`: how long the partner may rely on an answer. `uses`: how often it
    asked; `last_used_at`: null where it never did."""

    id: Annotated[str, msgspec.Meta(max_length=64, pattern="^[0-9A-Za-z-]+$")]
    handle: str
    status: ConsentStatus
    partner: str
    partner_name: str
    policy: str
    purpose: str
    scene: str
    what: str
    legal_basis: str
    not_before: dt.datetime
    expires_at: dt.datetime
    max_uses_per_day: int
    data_life_days: int
    granted_at: dt.datetime
    changed_at: dt.datetime
    changed_by: Actor
    uses: int
    last_used_at: dt.datetime | None


class ConsentsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first."""

    items: list[ConsentAnswer]
    next_cursor: str | None


def answer_about(consent: Consent, uses: Uses, now_ms: int) -> ConsentAnswer:
    terms = consent.terms
    return ConsentAnswer(
        id=consent.id,
        handle=consent.handle,
        status=status_at(consent, now_ms),
        partner=terms.partner,
        partner_name=terms.partner_name,
        policy=terms.policy,
        purpose=terms.purpose,
        scene=terms.scene,
        what=terms.what,
        legal_basis=terms.legal_basis,
        not_before=instant(terms.not_before_ms),
        expires_at=instant(terms.expires_at_ms),
        max_uses_per_day=terms.max_uses_per_day,
        data_life_days=terms.data_life_days,
        granted_at=instant(consent.granted_at_ms),
        changed_at=instant(consent.changed_at_ms),
        changed_by=consent.changed_by,
        uses=uses.count,
        last_used_at=None if uses.last_ms is None else instant(uses.last_ms),
    )


def granted_bytes(consent: Consent, now_ms: int) -> bytes:
    """Answer to a grant; nobody has used it yet."""
    return msgspec.json.encode(answer_about(consent, Uses(), now_ms))
