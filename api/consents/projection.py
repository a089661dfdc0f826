"""Live consents in the store: what an eligibility check reads, written before a revoke is answered.

As with live marks (api/ledger/projection.py) three ways lead to an entry: the request that changes
a consent writes it, a follower writes what other workers changed, and a replay writes what the
store does not have before it serves. An entry of a later event is never replaced by an earlier one,
so the three may cross. `ptr:consents` holds the ledger position up to which every consent is in the
store; entries are written before it moves, and it never moves past a gap, so a store that comes
back with old data comes back with an old position, and the replay begins there.
"""

import asyncio
import logging
from collections.abc import Awaitable, Iterable, Sequence

from api.consents.codec import ConsentCodec, entry_key
from api.consents.machine import (
    STATE_KINDS,
    STEPS,
    Consent,
    body_of,
    day_of_number,
    end_day_number,
    stepped,
)
from api.consents.protocol import LiveConsent
from api.consents.reading import consents_of
from api.ledger.following import Follower, written_in_time
from api.ledger.protocol import Event, Ledger
from api.store.protocol import SnapshotReader, StoreDown
from scoring.contract.snapshot import CONSENTS_KEY, MARKS_KEY, ends_key

log = logging.getLogger("chengxin.consents")

PAGE_EVENTS = 2_000
ENTRIES_AT_ONCE = 1_000  # one round trip of the reader's pipeline; a tenth of its row
KEPT_AFTER_END_SECONDS = 86_400  # an ended consent is told apart from none for a day
MOST_SEEN = 30_000  # about 1 KB each


class LiveConsents:
    """One for each worker process."""

    def __init__(self, ledger: Ledger, reader: SnapshotReader, codec: ConsentCodec) -> None:
        self._ledger = ledger
        self._reader = reader
        self._codec = codec
        self._seen: dict[str, tuple[bytes, LiveConsent]] = {}
        self._told_ends: set[tuple[str, int]] = set()  # days of partners the store has
        self._followed: int | None = None
        self._follower = Follower(self.follow_once, "live consents wait", log)

    # reads

    async def live(self, handle: str) -> LiveConsent | None:
        """None where there is no such handle, which is believed only of a store that has its marks.
        Raises StoreDown, and RecordCorrupt where the stored value is not this handle's."""
        value = await self._reader.get(entry_key(handle))
        if value is None:
            if await self._reader.get(MARKS_KEY) is None:
                raise StoreDown("the store has lost its consents")
            return None
        seen = self._seen.get(handle)
        if seen is not None and seen[0] == value:
            return seen[1]  # the same bytes mean the same: decoding costs as much as the read
        consent = self._codec.decode(handle, value)
        if seen is None and len(self._seen) >= MOST_SEEN:
            del self._seen[next(iter(self._seen))]
        self._seen[handle] = (value, consent)
        return consent

    def remembered(self, handle: str) -> LiveConsent | None:
        """As this worker last read it; None where it has not."""
        seen = self._seen.get(handle)
        return seen[1] if seen is not None else None

    def is_still(self, handle: str, consent: LiveConsent, value: bytes | None) -> bool:
        """Whether `value`, just read at the handle's key, is this very consent's: another question
        may have read the handle since `remembered` gave it, and found it ended."""
        seen = self._seen.get(handle)
        return seen is not None and seen[1] is consent and seen[0] == value

    # writes

    async def announce(self, consents: Iterable[Consent]) -> None:
        """Returns when every reader of the store sees these states. Raises MarkPending."""
        states = list(consents)
        await written_in_time(lambda: self._write(states))

    async def before_serving(self, _: int = 0) -> None:
        """Write every consent the store does not have. Given to the reader, which calls it before
        it serves. Raises StoreDown, LedgerUnavailable."""
        self._told_ends.clear()
        stored = await self._reader.peek(CONSENTS_KEY)
        self._followed = await self._replay(int(stored) if stored is not None else 0)

    async def follow_once(self) -> None:
        """Write the consents changed since the last time. Raises StoreDown, LedgerUnavailable."""
        if self._followed is not None:
            self._followed = await self._replay(self._followed)

    def start(self) -> None:
        self._follower.start()

    async def stop(self) -> None:
        await self._follower.stop()

    async def _replay(self, after: int) -> int:
        """Position up to which all consents are written; lower than `after` where the store turns
        out to have lost some: the next replay begins there."""
        while True:
            committed = await self._ledger.position()
            events = await self._ledger.events_after(after, kinds=STATE_KINDS, limit=PAGE_EVENTS)
            await self._write(await self._states_after(events))
            is_last = len(events) < PAGE_EVENTS
            reached = max(after, committed) if is_last else events[-1].seq
            if events or after == 0:  # page by page: a replay cut short goes on from here
                stored = await self._reader.advance(CONSENTS_KEY, after, reached)
                if stored < after:
                    return stored
            after = reached
            if is_last:
                return after

    async def _states_after(self, events: Sequence[Event]) -> list[Consent]:
        """The newest state of every consent the events are about. An event tells its consent's
        state by itself; of a withdrawal the citizen's consents are read."""
        states: dict[str, Consent] = {}
        for event in events:
            if event.kind in STEPS:
                body = body_of(event)
                states[body.id] = stepped(states.get(body.id), event, body)
        left = {event.subject for event in events if event.kind not in STEPS}
        for subject in left:
            states |= await consents_of(self._ledger, subject)
        return list(states.values())

    async def _tell_ends(self, consents: Sequence[Consent]) -> None:
        """Before the entries: a consent in the store is one whose end is known there."""
        ends = {(one.terms.partner, end_day_number(one)) for one in consents} - self._told_ends
        await asyncio.gather(
            *(self._reader.add(ends_key(who), day_of_number(day)) for who, day in ends)
        )
        self._told_ends |= ends

    async def _write(self, consents: Sequence[Consent]) -> None:
        await self._tell_ends(consents)
        for start in range(0, len(consents), ENTRIES_AT_ONCE):
            some = consents[start : start + ENTRIES_AT_ONCE]
            await asyncio.gather(*(self._put(consent) for consent in some))

    def _put(self, consent: Consent) -> Awaitable[object]:
        ends_at_seconds = consent.terms.expires_at_ms // 1_000 + KEPT_AFTER_END_SECONDS
        return self._reader.keep_newer(
            entry_key(consent.handle), self._codec.encode(consent), expires_at=ends_at_seconds
        )
