"""A partner whose questions are refused again and again is trying handles: the office is told.

Refusals are counted in windows of ten minutes over all workers: handles that allow nothing, terms
that do not fit, policies of others. Old handles in a gate's memory are refused too, so what is
usual depends on how much a partner may ask: the office is told at a two-hundredth of that, and from
a tenth on every further refusal in the window is 429, whatever its reason: nothing more is learned.
Questions that a live consent covers go on being answered: its citizen has done nothing wrong.

The event and the metric name the partner and a number, never a handle or a person.
"""

import logging
from collections.abc import Callable

import msgspec

from api.ledger.fold import body_bytes
from api.ledger.kinds import stream_name
from api.ledger.protocol import EventDraft, LedgerUnavailable
from api.metrics import Metrics
from api.partner.registry import Partner
from api.problems import Problem
from api.services import Services

log = logging.getLogger("chengxin.api.partner")

ALARMED = "partner_alarmed"
WINDOW_SECONDS = 600
LEAST_ALARMING = 300
LEAST_REFUSALS = 1_000
ALARMING_SHARE = 200
REFUSED_SHARE = 10
COUNTED = frozenset(
    {
        "consent_revoked",
        "consent_mismatch",
        "policy_not_found",
        "policy_not_yours",
        "purpose_mismatch",
        "purpose_unknown",
    }
)


class AlarmBody(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `partner_alarmed`. `window_ends_at`: Unix seconds."""

    partner: str
    refusals: int
    window_seconds: int
    window_ends_at: int


def alarming(partner: Partner) -> int:
    """Refusals in a window at which the office is told."""
    return max(LEAST_ALARMING, _quota(partner) // ALARMING_SHARE)


def most_refusals(partner: Partner) -> int:
    """In a window; all later ones look alike."""
    return max(LEAST_REFUSALS, _quota(partner) // REFUSED_SHARE)


def _quota(partner: Partner) -> int:
    """Questions it may ask in a window."""
    return partner.requests_per_minute * WINDOW_SECONDS // 60


class Probing:
    """One for each worker."""

    def __init__(self, services: Services, clock: Callable[[], float], metrics: Metrics) -> None:
        self._services = services
        self._clock = clock
        self._metrics = metrics

    async def refused(self, partner: Partner, problem: Problem) -> None:
        """Count a refusal. Raises Problem rate_limited from the limit on; StoreDown."""
        if problem.code not in COUNTED:
            return
        self._metrics.partner_refusals += 1
        now = int(self._clock())
        window = now // WINDOW_SECONDS
        ends_at = (window + 1) * WINDOW_SECONDS
        counter = f"b:{partner.id}:{window}"
        total = await self._services.reader.count(counter, 1, expires_at=ends_at + 1)
        if total == alarming(partner):  # one worker sees this number
            await self._tell(partner, total, now, ends_at)
        if total > most_refusals(partner):
            raise Problem("rate_limited", retry_after_seconds=ends_at - now)

    async def _tell(self, partner: Partner, refusals: int, now: int, ends_at: int) -> None:
        self._metrics.partner_alarms += 1
        body = AlarmBody(
            partner=partner.id,
            refusals=refusals,
            window_seconds=WINDOW_SECONDS,
            window_ends_at=ends_at,
        )
        log.warning("%s", msgspec.json.encode({"event": ALARMED, "partner": partner.id}).decode())
        draft = EventDraft(
            kind=ALARMED,
            stream=stream_name("partner", partner.id),
            subject=partner.id,
            at_ms=now * 1_000,
            body=body_bytes(body),
        )
        try:
            await self._services.ledger.append(draft)
        except LedgerUnavailable:
            log.warning("an alarm could not be stored; the metric has it")
