"""The access log as those see it who read a citizen's data: first the line, then the answer."""

import datetime as dt
from collections.abc import Callable
from typing import Literal, Protocol

import msgspec

from api.ledger.protocol import IdempotencyClaim, Replayed

InitiatorKind = Literal["partner", "staff", "citizen", "system"]


class AccessEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One access to one citizen's data; never its content.

    `initiator`: who acted (partner id, staff `sub`, `citizen`). `on_behalf_of`: for whom, where
    that is somebody else (an authority, a partner's client). `purpose`: a code that
    `purposes.toml` has words for. `response_digest`: SHA-256 of the answer's bytes as hex.
    `hidden_until`: the day the citizen may see the line, where a law demands secrecy until then;
    `hidden_reason` names that law.
    """

    subject: str
    at_ms: int
    initiator_kind: InitiatorKind
    initiator: str
    on_behalf_of: str | None = None
    purpose: str
    legal_basis: str
    policy: str | None = None
    consent_id: str | None = None
    decision_id: str | None = None
    response_digest: str
    snapshot: str | None = None
    hidden_until: dt.date | None = None
    hidden_reason: str | None = None


class AccessLog(Protocol):
    async def record(
        self, access: AccessEvent, *, unwritten: Callable[[], None] | None = None
    ) -> int:
        """Sequence number of the stored line; durable when it returns, and only then may the
        answer leave. The first use of a consent is told to the citizen in the same transaction.
        `unwritten` is called where no such line is stored nor will be, also when the caller has
        been cancelled before that was known; where it stays unknown it is not. Raises
        LedgerUnavailable: answer 503."""
        ...

    async def record_once(
        self,
        access: AccessEvent,
        claim: IdempotencyClaim,
        *,
        unwritten: Callable[[], None] | None = None,
    ) -> Replayed | None:
        """As `record`, unless the claim was made before: then nothing is stored and the answer of
        then is given back. Raises IdempotencyConflict, LedgerUnavailable."""
        ...
