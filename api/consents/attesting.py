"""What a partner has to delete when a consent is over, and its word that it has.

An attestation says: whatever I had from consents that ended up to this day is deleted. Where a
consent ended thirty days ago and no attestation covers its day, the partner is flagged and may hold
no new consent until it attests (as the Australian Consumer Data Right asks of redundant data).

Days on which consents of a partner end are kept in the store as they are granted and revoked, so
that the usual answer, nothing is late, costs one read. A consent may end before the day it was
granted to, so a late day is believed only after the ledger has been read.
"""

import asyncio
import datetime as dt
from collections.abc import Sequence
from functools import partial

import msgspec

from api.consents.machine import GRANTED, REJECTED, REQUESTED, REVOKED, WITHDRAWN, body_of
from api.consents.reading import consents_of
from api.ledger.enrolment import city_day, instant
from api.ledger.fold import body_bytes
from api.ledger.kinds import stream_name
from api.ledger.protocol import Event, EventDraft, Ledger
from api.store.protocol import SnapshotReader
from scoring.contract.snapshot import ends_key

ATTESTED = "deletion_attested"
GRACE_DAYS = 30
PAGE_EVENTS = 1_000
# A request does not wait for a long ledger; until it is read the partner counts as late.
SETTLED_SECONDS = 0.15
_ENDS = (REQUESTED, GRANTED, REVOKED, REJECTED, WITHDRAWN)


class AttestedBody(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `deletion_attested`. `ended_until`: the last day of consents it speaks of."""

    partner: str
    ended_until: dt.date


_BODY = msgspec.json.Decoder(AttestedBody)
_Asked = tuple[str, dt.date, dt.date]  # partner, attested until, last day that can be late


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """`attested_until`: None where it never attested. `overdue_since`: the day on which the oldest
    consent that is not covered ended; None: nothing is late."""

    partner: str
    attested_until: dt.date | None
    attested_at: dt.datetime | None
    overdue_since: dt.date | None


def attested_draft(partner: str, ended_until: dt.date, at_ms: int) -> EventDraft:
    return EventDraft(
        kind=ATTESTED,
        stream=stream_name("partner", partner),
        subject=partner,
        at_ms=at_ms,
        body=body_bytes(AttestedBody(partner=partner, ended_until=ended_until)),
    )


def newest_attestation(events: Sequence[Event]) -> tuple[dt.date, int] | None:
    """(day, UTC milliseconds) of the one that reaches furthest; `events`: of the partner's stream."""
    found = [(_BODY.decode(e.body).ended_until, e.at_ms) for e in events if e.kind == ATTESTED]
    return max(found, default=None)


class Attestations:
    """One for each worker."""

    def __init__(self, ledger: Ledger, reader: SnapshotReader) -> None:
        self._ledger = ledger
        self._reader = reader
        self._settling: dict[_Asked, asyncio.Task[dt.date | None]] = {}

    async def standing(self, partner: str, now_ms: int) -> Standing:
        """Raises StoreDown, LedgerUnavailable."""
        newest = newest_attestation(
            await self._ledger.stream_events(stream_name("partner", partner))
        )
        until = newest[0] if newest else dt.date.min
        return Standing(
            partner=partner,
            attested_until=until if newest else None,
            attested_at=instant(newest[1]) if newest else None,
            overdue_since=await self._overdue(partner, until, city_day(now_ms)),
        )

    async def _overdue(self, partner: str, attested: dt.date, today: dt.date) -> dt.date | None:
        last = today - dt.timedelta(days=GRACE_DAYS)
        days = (
            dt.date.fromisoformat(day.decode())
            for day in await self._reader.members(ends_key(partner))
        )
        late = sorted(day for day in days if attested < day <= last)
        if not late:
            return None
        key = (partner, attested, last)
        task = self._settling.get(key)
        if task is None:
            self._forget_other_days(last)
            work = oldest_end(self._ledger, partner, after=attested, until=last)
            task = self._settling[key] = asyncio.ensure_future(work)
            task.add_done_callback(partial(self._forget_failed, key))
        await asyncio.wait((task,), timeout=SETTLED_SECONDS)
        return task.result() if task.done() else late[0]

    def _forget_other_days(self, last: dt.date) -> None:
        """Not those that are still being read: somebody may wait for them across midnight."""
        for key, task in list(self._settling.items()):
            if key[2] != last and task.done():
                del self._settling[key]

    def _forget_failed(self, key: _Asked, task: asyncio.Task[dt.date | None]) -> None:
        """Before anybody who waits goes on: the next one asks anew."""
        if task.cancelled() or task.exception() is not None:
            del self._settling[key]


async def oldest_end(
    ledger: Ledger, partner: str, *, after: dt.date, until: dt.date
) -> dt.date | None:
    """The first day after `after` and not after `until` on which a consent of the partner ended.
    Reads all that consents ever were, a page at a time. Raises LedgerUnavailable."""
    open_until: dict[str, dt.date] = {}  # consents that expire in the period, unless ended before
    owners: dict[str, list[str]] = {}
    ended: list[dt.date] = []
    seq = 0
    while page := await ledger.events_after(seq, kinds=_ENDS, limit=PAGE_EVENTS):
        for event in page:
            day = city_day(event.at_ms)
            if event.kind == WITHDRAWN:
                for consent_id in owners.pop(event.subject, []):
                    open_until.pop(consent_id, None)
                if after < day <= until and await _ended_with(ledger, event, partner):
                    ended.append(day)
                continue
            body = body_of(event)
            if body.terms.partner != partner:
                continue
            if event.kind in (REQUESTED, GRANTED):
                expiry = city_day(body.terms.expires_at_ms)
                if after < expiry <= until:
                    open_until[body.id] = expiry
                    owners.setdefault(event.subject, []).append(body.id)
                continue
            open_until.pop(body.id, None)
            if event.kind == REVOKED and after < day <= until:
                ended.append(day)
        seq = page[-1].seq
    return min([*ended, *open_until.values()], default=None)


async def _ended_with(ledger: Ledger, withdrawn: Event, partner: str) -> bool:
    """Whether leaving the score ended a consent of this partner."""
    consents = await consents_of(ledger, withdrawn.subject)
    return any(
        one.terms.partner == partner and one.seq == withdrawn.seq for one in consents.values()
    )
