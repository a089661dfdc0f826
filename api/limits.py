"""Request limits of partners and citizens: fixed windows of a minute, counted over all workers.

A worker takes a share of the window's quota from the store at a time, a fiftieth or one request,
and gives it out from memory: the count is right to that share for each worker, and the store is
asked once a share. Who is counted comes from the verified token alone, never from an address or a
header that a client can write.
"""

import asyncio
import logging
from collections.abc import Callable

import msgspec

from api.answers import Call, Header
from api.problems import Problem
from api.store.protocol import SnapshotReader, StoreDown
from api.tokens import Principal

log = logging.getLogger("chengxin.api.limits")

WINDOW_SECONDS = 60
SHARES = 50


class Quota(msgspec.Struct, frozen=True, kw_only=True):
    """`is_strict`: without the store nothing is granted. Otherwise a share is lent: a citizen does
    not lose her rights to an outage, and waits for no counter. `is_told`: every answer says what is
    left, not only the refusal."""

    name: str
    requests: int
    is_strict: bool
    is_told: bool


class Allowance:
    """What one caller may still do in one window, as far as this worker knows."""

    __slots__ = ("_asking", "_key", "_reader", "_used_by_all", "left", "policy", "quota", "until")

    def __init__(self, reader: SnapshotReader, key: str, quota: Quota, until: int) -> None:
        self._reader = reader
        self._key = key
        self._used_by_all = 0
        self._asking: asyncio.Future[None] | None = None
        self.quota = quota
        text = f'"{quota.name}";q={quota.requests};w={WINDOW_SECONDS}'
        self.policy: Header = (b"ratelimit-policy", text.encode("ascii"))
        self.until = until  # Unix seconds: end of the window
        self.left = 0

    @property
    def remaining(self) -> int:
        return max(0, self.quota.requests - self._used_by_all) + self.left

    async def take(self, amount: int) -> bool:
        """False where the window's quota does not hold so many. Raises StoreDown."""
        while self.left < amount:
            if self._used_by_all >= self.quota.requests:
                return False
            if self._asking is None:
                self._asking = asyncio.ensure_future(self._ask(amount - self.left))
                if not self.quota.is_strict:
                    self.left = 0
                    return True  # the rest on credit: `_ask` takes it off
            await asyncio.shield(self._asking)
        self.left -= amount
        return True

    async def _ask(self, wanted: int) -> None:
        share = max(wanted, self.quota.requests // SHARES, 1)
        try:
            total = await self._reader.count(self._key, share, expires_at=self.until + 1)
            self._used_by_all = total
            granted = min(share, self.quota.requests - (total - share))
        except Exception as error:
            if self.quota.is_strict:
                raise
            if not isinstance(error, StoreDown):  # nobody awaits it: it must be heard of here
                log.info("a request counter failed: %s", type(error).__name__)
            granted = share
        finally:
            self._asking = None
        self.left += max(0, granted)
        if not self.quota.is_strict:
            self.left = max(0, self.left - wanted)


class Limits:
    """`quota_of` names the caller for the counter's key and gives its quota."""

    def __init__(
        self,
        reader: SnapshotReader,
        quota_of: Callable[[Principal], tuple[str, Quota]],
        clock: Callable[[], float],
    ) -> None:
        self._reader = reader
        self._quota_of = quota_of
        self._clock = clock
        self._window = 0
        self._allowances: dict[str, Allowance] = {}  # of this window, by subject

    def of(self, principal: Principal) -> Allowance:
        window = int(self._clock()) // WINDOW_SECONDS
        if window != self._window:
            self._window, self._allowances = window, {}
        allowance = self._allowances.get(principal.subject)
        if allowance is None:
            who, quota = self._quota_of(principal)
            until = (window + 1) * WINDOW_SECONDS
            allowance = Allowance(self._reader, f"q:{who}:{window}", quota, until)
            self._allowances[principal.subject] = allowance
        return allowance

    def spend(self, call: Call) -> Allowance | None:
        """One request of a known caller's. None where it was granted from memory or nobody is
        counted; else what has to be asked."""
        if call.principal is None:
            return None
        allowance = call.allowance = self.of(call.principal)
        if allowance.left > 0:
            allowance.left -= 1
            return None
        return allowance

    def headers(self, allowance: Allowance) -> list[Header]:
        """RateLimit and RateLimit-Policy (IETF draft httpapi-ratelimit-headers, 2025-09)."""
        left, wait = allowance.remaining, self._wait(allowance)
        text = f'"{allowance.quota.name}";r={left};t={wait}'
        return [(b"ratelimit", text.encode("ascii")), allowance.policy]

    def refusal(self, allowance: Allowance) -> Problem:
        return Problem(
            "rate_limited",
            retry_after_seconds=self._wait(allowance),
        )

    def _wait(self, allowance: Allowance) -> int:
        """Seconds until the window ends, at least one."""
        return max(1, allowance.until - int(self._clock()))
