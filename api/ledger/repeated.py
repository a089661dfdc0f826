"""Requests with an Idempotency-Key: done once, answered the same however often they come."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from api.ledger.protocol import IdempotencyClaim, Ledger, LedgerError, Replayed

Answer = TypeVar("Answer")


class Idempotency(msgspec.Struct, frozen=True):
    """`key`: the request's Idempotency-Key; `fingerprint`: digest of what was asked."""

    key: str
    fingerprint: bytes

    def claim(self, scope: str, status: int, body: bytes) -> IdempotencyClaim:
        return IdempotencyClaim(
            scope=scope, key=self.key, fingerprint=self.fingerprint, status=status, body=body
        )


class Repeatable:
    """One request that may come again. `scope`: who (a pseudonym) and which operation. Without a
    key every request is the first."""

    def __init__(self, ledger: Ledger, scope: str, idempotency: Idempotency | None) -> None:
        self._ledger = ledger
        self._scope = scope
        self._idempotency = idempotency

    def claim(self, status: int, body: bytes) -> IdempotencyClaim | None:
        """To be stored with the event: `append` answers a repetition from it."""
        asked = self._idempotency
        return None if asked is None else asked.claim(self._scope, status, body)

    async def before(self) -> Replayed | None:
        """The answer given before. Raises IdempotencyConflict, LedgerUnavailable."""
        asked = self._idempotency
        if asked is None:
            return None
        return await self._ledger.replay(
            scope=self._scope, key=asked.key, fingerprint=asked.fingerprint
        )

    async def answer(
        self, work: Callable[[], Awaitable[Answer]], again: Callable[[Replayed], Answer]
    ) -> Answer:
        """What `work` answers, which stores its event with the claim. Where something stands in its
        way, the earlier answer comes first: that may be this very request, done a moment ago by
        its twin, and what was granted once is answered once more whatever has changed since."""
        try:
            return await work()
        except LedgerError:  # `append` has looked, or cannot
            raise
        except Exception:
            before = await self.before()
            if before is None:
                raise
            return again(before)


def body_of(before: Replayed) -> bytes:
    return before.body
