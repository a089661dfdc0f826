"""Pages of a citizen's access log, newest first, read from the ledger."""

import msgspec

from api.accesses.answers import AccessAnswer, AccessesAnswer, Names, visible_access
from api.accesses.events import ACCESSED
from api.ledger.enrolment import city_day
from api.ledger.protocol import Event, Ledger
from api.problems import Language

PAGE_EVENTS = 500


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """UTC milliseconds, from the first on and before the second; None is open."""

    since_ms: int | None = None
    until_ms: int | None = None


async def page_of_accesses(
    ledger: Ledger,
    subject: str,
    names: Names,
    *,
    period: Period,
    limit: int,
    before_seq: int | None,
    now_ms: int,
    language: Language,
) -> AccessesAnswer:
    """What the law hides today is left out as if it were not there. Raises LedgerUnavailable."""
    found: list[tuple[int, AccessAnswer]] = []
    today = city_day(now_ms)
    while len(found) <= limit:
        events = await ledger.subject_events(
            subject, kinds=(ACCESSED,), limit=PAGE_EVENTS, before_seq=before_seq
        )
        for event in events:
            shown = _in(period, event) and visible_access(
                event, names, today=today, language=language
            )
            if shown:
                found.append((event.seq, shown))
        if len(events) < PAGE_EVENTS or _is_past(period, events[-1]):
            break
        before_seq = events[-1].seq
    page = found[:limit]
    return AccessesAnswer(
        items=[answer for _, answer in page],
        next_cursor=str(page[-1][0]) if len(found) > limit else None,
    )


def _in(period: Period, event: Event) -> bool:
    is_after = period.since_ms is None or event.at_ms >= period.since_ms
    return is_after and (period.until_ms is None or event.at_ms < period.until_ms)


# Events are stored in the order of commits. Clocks of workers differ by far less than this, and one
# that went wrong and was set back has left lines with later times before those with earlier ones.
CLOCKS_APART_MS = 86_400_000


def _is_past(period: Period, event: Event) -> bool:
    return period.since_ms is not None and event.at_ms < period.since_ms - CLOCKS_APART_MS
