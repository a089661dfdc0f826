"""How often a consent is used on a day of the city: counted in the store, kept in the log.

The store's counters are right on every worker and fast, and gone when the store loses its data.
The lines of the day are not: where the store began anew after the day's first line, each worker
lifts a counter to the consent's lines once, before it counts with it. Uses that were counted and
not yet written when the store was lost are the only ones that can be missing, and those had no
answer.

A use without a line is given back: an outage does not use up a citizen's consent. Not where it
stays unknown whether the line is stored (a disk that fails in the middle of a commit).
"""

import asyncio
from typing import Any

import msgspec

from api.accesses.events import ACCESSED, access_body
from api.consents.codec import entry_key
from api.consents.protocol import LiveConsent
from api.ledger.protocol import Event, Ledger
from api.partner.decision import DAY_MS
from api.partner.policies import CITY_OFFSET_MS, city_day_number
from api.partner.reproduction import seq_before
from api.problems import Problem
from api.store.protocol import CountedRead, SnapshotReader, StoreDown, Version
from scoring.contract.snapshot import uses_key

PAGE_EVENTS = 200
MOST_LIFTED = 200_000
COUNTER_KEPT_SECONDS = 60  # after its day
# Clocks of store and workers differ by less.
CLOCKS_APART_SECONDS = 5


class Day(msgspec.Struct, frozen=True):
    """A day of the city's clock; `number`: since 1970-01-01. Bounds in UTC milliseconds."""

    number: int

    @property
    def starts_ms(self) -> int:
        return self.number * DAY_MS - CITY_OFFSET_MS

    @property
    def ends_ms(self) -> int:
        return self.starts_ms + DAY_MS

    @property
    def counters_end_at(self) -> int:
        """Unix seconds."""
        return self.ends_ms // 1_000 + COUNTER_KEPT_SECONDS


class Uses:
    """One for each worker."""

    def __init__(self, reader: SnapshotReader) -> None:
        self._reader = reader
        self._day = Day(0)
        self._judged: tuple[int | None, int] | None = None  # beginning of the store's memory, day
        self._is_whole = False
        self._judging = asyncio.Lock()
        self._lifted: dict[str, None] = {}

    async def read(
        self, ledger: Ledger, version: Version, handle: str, consent: LiveConsent, now_ms: int
    ) -> CountedRead:
        """Count the use, read the record and the consent once more. Raises StoreDown,
        LedgerUnavailable."""
        number = city_day_number(now_ms)
        day = self._day if self._day.number == number else self._turn_to(number)
        counter = uses_key(handle, number)
        while True:
            began_at = self._reader.began_at
            if self._judged != (began_at, number):
                await self._judge(ledger, day)
            if not self._is_whole:
                await self._lift(ledger, counter, consent, day)
            if began_at == self._reader.began_at:  # else what was lifted is lost again
                break
        return await self._reader.counted(
            version,
            consent.owner.snapshot_subject,
            beside=entry_key(handle),
            counter=counter,
            expires_at=day.counters_end_at,
        )

    def give_back(self, handle: str, now_ms: int) -> None:
        """A use that was none: nobody waits for it, and a store that is down keeps it."""
        day = Day(city_day_number(now_ms))
        key, end = uses_key(handle, day.number), day.counters_end_at
        try:
            steps = [
                self._reader.count(key, -1, expires_at=end),
                self._reader.raise_to(key, 0, expires_at=end),  # the store may have lost the use
            ]
        except StoreDown:
            return
        for step in steps:
            asyncio.ensure_future(step).add_done_callback(_heard)

    def _turn_to(self, number: int) -> Day:
        self._day = Day(number)
        return self._day

    async def _judge(self, ledger: Ledger, day: Day) -> None:
        """Once for each beginning of the store's memory and each day."""
        async with self._judging:
            began_at = self._reader.began_at
            if self._judged == (began_at, day.number):
                return
            is_whole = began_at is not None and not await _has_lost(ledger, day, began_at)
            self._judged, self._is_whole = (began_at, day.number), is_whole
            self._lifted.clear()

    async def _lift(self, ledger: Ledger, counter: str, consent: LiveConsent, day: Day) -> None:
        if counter in self._lifted:
            return
        judged = self._judged
        lines = await lines_of_day(ledger, consent, day)
        if lines:
            await self._reader.raise_to(counter, lines, expires_at=day.counters_end_at)
        if len(self._lifted) >= MOST_LIFTED:
            self._lifted.clear()
        if self._judged == judged:
            self._lifted[counter] = None


def _heard(step: asyncio.Future[Any]) -> None:
    if not step.cancelled():
        step.exception()


async def _has_lost(ledger: Ledger, day: Day, began_at: int) -> bool:
    """Whether an answer of this day is older than the store's memory. Raises LedgerUnavailable."""
    if (began_at + CLOCKS_APART_SECONDS) * 1_000 <= day.starts_ms:
        return False
    after = await seq_before(ledger, day.starts_ms - CLOCKS_APART_SECONDS * 1_000)
    while page := await ledger.events_after(after, limit=PAGE_EVENTS, kinds=(ACCESSED,)):
        for event in page:
            if event.at_ms >= day.starts_ms:
                return event.at_ms <= began_at * 1_000 + CLOCKS_APART_SECONDS * 1_000
        after = page[-1].seq
    return False


async def lines_of_day(ledger: Ledger, consent: LiveConsent, day: Day) -> int:
    """Answers given under a consent on a day. Stops where the cap is reached. Raises
    LedgerUnavailable."""
    found, before = 0, None
    while found < consent.max_uses_per_day:
        page = await ledger.subject_events(
            consent.owner.subject, kinds=(ACCESSED,), limit=PAGE_EVENTS, before_seq=before
        )
        found += sum(_is_use(event, consent, day) for event in page)
        if len(page) < PAGE_EVENTS or page[-1].at_ms < day.starts_ms - CLOCKS_APART_SECONDS * 1_000:
            break
        before = page[-1].seq
    return found


def _is_use(event: Event, consent: LiveConsent, day: Day) -> bool:
    if not day.starts_ms <= event.at_ms < day.ends_ms:
        return False
    line = access_body(event.body)
    return line.consent_id == consent.id and line.initiator_kind == "partner"


def require_within_cap(read: CountedRead, consent: LiveConsent, now_ms: int) -> None:
    """Raises Problem frequency_exceeded, until the city's midnight."""
    most = consent.max_uses_per_day
    if read.uses <= most:
        return
    wait = max(1, (Day(city_day_number(now_ms)).ends_ms - now_ms) // 1_000)
    raise Problem(
        "frequency_exceeded",
        retry_after_seconds=wait,
        headers=[
            (b"ratelimit", b'"consent";r=0;t=%d' % wait),
            (b"ratelimit-policy", b'"consent";q=%d;w=86400' % most),
        ],
    )
