"""The access log on the ledger."""

import asyncio
from collections.abc import Callable
from functools import partial

from api.accesses.events import access_draft
from api.accesses.protocol import AccessEvent
from api.consents.machine import FIRST_USED, FirstUsedBody, consent_stream
from api.ledger.fold import body_bytes
from api.ledger.protocol import (
    Appended,
    EventDraft,
    IdempotencyClaim,
    Ledger,
    LedgerError,
    LedgerUnavailable,
    Replayed,
)

Unwritten = Callable[[], None]

MOST_KNOWN = 200_000  # consents known to have been used; about 120 B each


class LedgerAccessLog:
    """Implements AccessLog. One for each worker; `_known` only saves asking the ledger again."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._known: dict[str, None] = {}

    async def record(self, access: AccessEvent, *, unwritten: Unwritten | None = None) -> int:
        return _seq_of(await self._stored(access, None, unwritten))

    async def record_once(
        self, access: AccessEvent, claim: IdempotencyClaim, *, unwritten: Unwritten | None = None
    ) -> Replayed | None:
        stored = await self._stored(access, claim, unwritten)
        if not isinstance(stored, Replayed):
            return None
        if unwritten is not None:
            unwritten()
        return stored

    async def _stored(
        self, access: AccessEvent, claim: IdempotencyClaim | None, unwritten: Unwritten | None
    ) -> Appended | Replayed:
        consent_id = access.consent_id
        if access.initiator_kind != "partner" or consent_id is None or consent_id in self._known:
            return await self._line(access, claim, unwritten)
        # Both are queued in one go, so they are committed together; if not, the answer waits.
        _, stored = await asyncio.gather(
            self._ledger.append(_first_use(access, consent_id), claim=_told_once(consent_id)),
            self._line(access, claim, unwritten),
        )
        self._remember(consent_id)
        return stored

    async def _line(
        self, access: AccessEvent, claim: IdempotencyClaim | None, unwritten: Unwritten | None
    ) -> Appended | Replayed:
        draft = access_draft(access)
        if unwritten is None:
            return await self._ledger.append(draft, claim=claim)
        afterwards = partial(_tell_unwritten, unwritten)
        try:
            return await self._ledger.append(draft, claim=claim, afterwards=afterwards)
        except LedgerError as error:
            _tell_unwritten(unwritten, error)
            raise

    def _remember(self, consent_id: str) -> None:
        if len(self._known) >= MOST_KNOWN:
            del self._known[next(iter(self._known))]
        self._known[consent_id] = None


def _tell_unwritten(unwritten: Unwritten, outcome: Appended | Replayed | LedgerError) -> None:
    is_unknown = isinstance(outcome, LedgerUnavailable) and not outcome.is_certain
    if not isinstance(outcome, Appended) and not is_unknown:
        unwritten()


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
