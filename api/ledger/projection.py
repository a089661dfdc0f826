"""Live marks: what the ledger knows of an enrolment and the snapshot does not know yet.

Three ways lead to a mark, so that none is missed: the request that enrols or withdraws writes its
own; a follower writes those of other workers; a replay writes all since the snapshot's position
whenever the store was (re)connected, before it serves. Marks of one subject never go back and
writing one twice changes nothing, so the three may cross.
"""

import asyncio
import contextlib
import logging
from collections.abc import Sequence

from api.ledger.fold import ENROLMENT_KINDS, folded
from api.ledger.protocol import Enrolment, Event, Ledger, LedgerError, MarkPending
from api.store.protocol import SnapshotReader, StoreDown
from scoring.contract.pseudonyms import Digest, snapshot_subject_of
from scoring.contract.snapshot import UNNAMED_NOTICE, enrolled_mark, withdrawn_mark

log = logging.getLogger("chengxin.ledger")

FOLLOW_SECONDS = 0.2
ANNOUNCE_SECONDS = 0.5  # the promise is 1 s; the rest is the request's own
RETRY_SECONDS = 0.05
PAGE_EVENTS = 5_000
MARKS_AT_ONCE = 256  # one round trip of the reader's pipeline


def mark_of(enrolment: Enrolment) -> bytes:
    if enrolment.status != "active":
        return withdrawn_mark(enrolment.seq)
    return enrolled_mark(enrolment.notice_version or UNNAMED_NOTICE, enrolment.seq)


class LiveMarks:
    """One for each worker process. `snapshot_key`: the key of scoring.contract.pseudonyms."""

    def __init__(
        self,
        ledger: Ledger,
        reader: SnapshotReader,
        snapshot_key: bytes,
        *,
        digest: Digest = "sha256",
        follow_seconds: float = FOLLOW_SECONDS,
        announce_seconds: float = ANNOUNCE_SECONDS,
    ) -> None:
        self._ledger = ledger
        self._reader = reader
        self._snapshot_key = snapshot_key
        self._digest = digest
        self._follow_seconds = follow_seconds
        self._announce_seconds = announce_seconds
        self._snapshot = ""
        self._followed: int | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def followed(self) -> int | None:
        """Ledger position up to which every mark is in the store; None before the first time."""
        return self._followed

    async def announce(self, subject: str, enrolment: Enrolment) -> None:
        """Raises MarkPending."""
        mark = mark_of(enrolment)
        try:
            async with asyncio.timeout(self._announce_seconds):
                await self._mark_when_possible(subject, mark)
        except TimeoutError:
            raise MarkPending from None

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
        self._task = asyncio.create_task(self._follow(), name="live-marks")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _follow(self) -> None:
        is_failing = False
        while True:
            try:
                await self.follow_once()
                is_failing = False
            except (StoreDown, LedgerError) as error:
                if not is_failing:  # once an outage
                    log.warning("live marks wait: %s", type(error).__name__)
                is_failing = True
            await asyncio.sleep(self._follow_seconds)

    async def _mark_when_possible(self, subject: str, mark: bytes) -> None:
        while True:
            try:
                return await self._reader.mark(self._named(subject), mark)
            except StoreDown:
                await asyncio.sleep(RETRY_SECONDS)

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
        return snapshot_subject_of(self._snapshot_key, subject, self._digest)
