"""Live marks: what the ledger knows of an enrolment and the snapshot does not know yet.

Three ways lead to a mark, so that none is missed: the request that enrols or withdraws writes its
own; a follower writes those of other workers; a replay writes all since the snapshot's position
whenever the store was (re)connected, before it serves. Marks of one subject never go back and
writing one twice changes nothing, so the three may cross.
"""

import asyncio
import logging
from collections.abc import Sequence

from api.ledger.fold import ENROLMENT_KINDS, folded
from api.ledger.following import Follower, written_in_time
from api.ledger.protocol import Enrolment, Event, Ledger
from api.store.protocol import SnapshotReader
from scoring.contract.pseudonyms import snapshot_subject_of
from scoring.contract.snapshot import UNNAMED_NOTICE, enrolled_mark, withdrawn_mark

log = logging.getLogger("chengxin.ledger")

PAGE_EVENTS = 5_000
MARKS_AT_ONCE = 256  # one round trip of the reader's pipeline


def mark_of(enrolment: Enrolment) -> bytes:
    if enrolment.status != "active":
        return withdrawn_mark(enrolment.seq)
    return enrolled_mark(enrolment.notice_version or UNNAMED_NOTICE, enrolment.seq)


class LiveMarks:
    """One for each worker process. `snapshot_key`: the key of scoring.contract.pseudonyms."""

    def __init__(self, ledger: Ledger, reader: SnapshotReader, snapshot_key: bytes) -> None:
        self._ledger = ledger
        self._reader = reader
        self._snapshot_key = snapshot_key
        self._snapshot = ""
        self._followed: int | None = None
        self._follower = Follower(self.follow_once, "live marks wait", log)

    @property
    def followed(self) -> int | None:
        """Ledger position up to which every mark is in the store; None before the first time."""
        return self._followed

    async def announce(self, subject: str, enrolment: Enrolment) -> None:
        """Raises MarkPending."""
        name, mark = self._named(subject), mark_of(enrolment)
        await written_in_time(lambda: self._reader.mark(name, mark))

    async def before_serving(self, position: int) -> None:
        """Write the marks of everything after `position`: a store that lost them must not serve a
        citizen who left. Given to the reader, which calls it. Raises StoreDown,
        LedgerUnavailable."""
        self._followed = await self._replay(position)

    async def follow_once(self) -> None:
        """Write the marks of events since the last time. Raises StoreDown, LedgerUnavailable."""
        manifest = self._reader.version().manifest
        after = self._followed
        if after is None or manifest.snapshot != self._snapshot:
            # An older snapshot, after a rollback, knows less than the one before it.
            known = manifest.ledger_position
            after = known if after is None else min(after, known)
        self._followed = await self._replay(after)
        self._snapshot = manifest.snapshot

    def start(self) -> None:
        self._follower.start()

    async def stop(self) -> None:
        await self._follower.stop()

    async def _replay(self, after: int) -> int:
        """Position up to which all marks are written."""
        while True:
            committed = await self._ledger.position()
            events = await self._ledger.events_after(
                after, kinds=ENROLMENT_KINDS, limit=PAGE_EVENTS
            )
            await self._write(events)
            if len(events) < PAGE_EVENTS:
                return max(after, committed)
            after = events[-1].seq

    async def _write(self, events: Sequence[Event]) -> None:
        newest = list({event.subject: event for event in events}.values())
        for start in range(0, len(newest), MARKS_AT_ONCE):
            some = newest[start : start + MARKS_AT_ONCE]
            await asyncio.gather(*(self._mark(event) for event in some))

    async def _mark(self, event: Event) -> None:
        enrolment = folded(event.seq, event.kind, event.at_ms, event.body)
        await self._reader.mark(self._named(event.subject), mark_of(enrolment))

    def _named(self, subject: str) -> str:
        return snapshot_subject_of(self._snapshot_key, subject)
