"""Citizens whose records a snapshot of an earlier position no longer tells rightly.

Followed all the time, so that at the moment the store is lost no request has to ask the ledger: a
thousand a second would be a thousand reads. What is known grows old within the second in which a
withdrawal must count; then nothing is known.
"""

import time
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from api.ledger.fold import ENROLMENT_KINDS, notice_version_in
from api.ledger.kinds import STREAM_WORDS
from api.ledger.protocol import Event, Ledger, LedgerUnavailable

CASE_KINDS = tuple(kind for kind, word in STREAM_WORDS.items() if word in ("dispute", "repair"))
SCORE_KINDS = (*ENROLMENT_KINDS, *CASE_KINDS)  # every kind that can change a score

# A withdrawal counts within a second: what was known when a look began holds this much longer.
FRESH_SECONDS = 0.7
PAGE_EVENTS = 1_000  # named in 5 ms, during which nobody is answered
# Some 170 B each. Between two nightly builds of a city of millions; beyond, nobody is unchanged.
MOST_CHANGED = 300_000


class Accepted(NamedTuple):
    """She agreed to `notice`, and nothing else happened: what the snapshot says of her stands."""

    notice: str


Change = Literal["withdrawn", "changed"] | Accepted


class ChangesNotKnown(Exception):
    """The ledger has not been heard lately, or not of this position, or of too much."""


class ChangesSince:
    """`named`: snapshot subject of a subject. `clock`: monotonic seconds."""

    def __init__(
        self,
        ledger: Ledger,
        named: Callable[[str], str],
        *,
        clock: Callable[[], float] = time.monotonic,
        most_changed: int = MOST_CHANGED,
    ) -> None:
        self._ledger = ledger
        self._named = named
        self._clock = clock
        self._most_changed = most_changed
        self._since = -1
        self._followed = -1
        self._fresh_until = 0.0
        self._changes: dict[str, Change] = {}

    def of(self, snapshot_subject: str, since: int) -> Change | None:
        """What became of her after ledger position `since`: her last enrolment event was a
        withdrawal, or she agreed anew, or anything else that can change her score. Raises
        ChangesNotKnown."""
        self.require_known(since)
        return self._changes.get(snapshot_subject)

    def require_known(self, since: int) -> None:
        """Raises ChangesNotKnown."""
        is_known = since == self._since and self._clock() < self._fresh_until
        if not is_known or len(self._changes) > self._most_changed:
            raise ChangesNotKnown

    async def follow(self, since: int) -> None:
        """Read on, from `since` where that is another position than before. Raises
        LedgerUnavailable, also for a ledger that has not come as far as `since`."""
        if since != self._since:
            self._since, self._followed, self._fresh_until = since, since, 0.0
            self._changes = {}
        while True:
            began = self._clock()
            committed = await self._ledger.position()
            if committed < since:
                raise LedgerUnavailable("damaged")
            events = await self._ledger.events_after(
                self._followed, kinds=SCORE_KINDS, limit=PAGE_EVENTS
            )
            self._take(events)
            if len(events) < PAGE_EVENTS:
                self._followed = max(self._followed, committed)
                self._fresh_until = began + FRESH_SECONDS
                return
            self._followed = events[-1].seq

    def _take(self, events: Sequence[Event]) -> None:
        for event in events:
            name = self._named(event.subject)
            self._changes[name] = _changed(self._changes.get(name), event)
            if len(self._changes) > self._most_changed:
                return


def _changed(before: Change | None, event: Event) -> Change:
    """Who left and came back is told nothing of the time before: her record is the next build's."""
    if event.kind == "withdrawn":
        return "withdrawn"
    if event.kind != "enrolled":
        return "withdrawn" if before == "withdrawn" else "changed"
    if before is None or isinstance(before, Accepted):
        return Accepted(notice_version_in(event.body))
    return "changed"
