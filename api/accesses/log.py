"""The access log on the ledger."""

import asyncio

from api.accesses.events import access_draft
from api.accesses.protocol import AccessEvent
from api.consents.machine import FIRST_USED, FirstUsedBody, consent_stream
from api.ledger.fold import body_bytes
from api.ledger.protocol import (
    Appended,
    EventDraft,
    IdempotencyClaim,
    Ledger,
    LedgerUnavailable,
    Replayed,
)

MOST_KNOWN = 200_000  # consents known to have been used; about 120 B each


class LedgerAccessLog:
    """Implements AccessLog. One for each worker; `_known` only saves asking the ledger again."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._known: dict[str, None] = {}

    async def record(self, access: AccessEvent) -> int:
        return _seq_of(await self._stored(access, None))

    async def record_once(self, access: AccessEvent, claim: IdempotencyClaim) -> Replayed | None:
        stored = await self._stored(access, claim)
        return stored if isinstance(stored, Replayed) else None

    async def _stored(
        self, access: AccessEvent, claim: IdempotencyClaim | None
    ) -> Appended | Replayed:
        consent_id = access.consent_id
        if access.initiator_kind != "partner" or consent_id is None or consent_id in self._known:
            return await self._ledger.append(access_draft(access), claim=claim)
        # Both are queued in one go, so they are committed together; if not, the answer waits.
        _, stored = await asyncio.gather(
            self._ledger.append(_first_use(access, consent_id), claim=_told_once(consent_id)),
            self._ledger.append(access_draft(access), claim=claim),
        )
        self._remember(consent_id)
        return stored

    def _remember(self, consent_id: str) -> None:
        if len(self._known) >= MOST_KNOWN:
            del self._known[next(iter(self._known))]
        self._known[consent_id] = None


def _first_use(access: AccessEvent, consent_id: str) -> EventDraft:
    body = FirstUsedBody(id=consent_id, partner=access.initiator, policy=access.policy)
    return EventDraft(
        kind=FIRST_USED,
        stream=consent_stream(consent_id),
        subject=access.subject,
        at_ms=access.at_ms,
        body=body_bytes(body),
    )


def _told_once(consent_id: str) -> IdempotencyClaim:
    """Of all workers that see a first use, the first to store it tells it."""
    return IdempotencyClaim(
        scope="first use", key=consent_id, fingerprint=b"first use", status=204, body=b""
    )


def _seq_of(stored: Appended | Replayed) -> int:
    if not isinstance(stored, Appended):
        raise LedgerUnavailable("io")  # without a claim it is never a replay
    return stored.event.seq
