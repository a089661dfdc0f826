"""How often a month each benefit was asked about or a voucher made: counted from access events."""

import datetime as dt
import re
from collections.abc import Iterable

import msgspec

from api.accesses.events import access_body
from api.ledger.enrolment import CITY_CLOCK
from api.ledger.protocol import Event

CHECK, VOUCHER = "check", "voucher"
CHANNELS = (CHECK, VOUCHER)
VOUCHER_PURPOSE = "own_voucher"

_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])\Z")

Cell = tuple[str, str, str]  # partner, policy, channel


class Use(msgspec.Struct):
    """Uses of one cell, and by how many different citizens (their pseudonyms, never written out)."""

    count: int = 0
    citizens: set[str] = msgspec.field(default_factory=set)


def month_of(text: str) -> tuple[int, int]:
    """A month such as 2026-10 by the city's clock: its first millisecond, and the first after it.
    Raises ValueError."""
    match = _MONTH.match(text)
    if match is None or not 1970 <= int(match[1]) < 9999:
        raise ValueError("not a month")
    start = dt.datetime(int(match[1]), int(match[2]), 1, tzinfo=CITY_CLOCK)
    following = (start + dt.timedelta(days=32)).replace(day=1)
    return _ms(start), _ms(following)


def _ms(at: dt.datetime) -> int:
    return int(at.timestamp()) * 1_000


def counted(events: Iterable[Event], period_ms: tuple[int, int], into: dict[Cell, Use]) -> None:
    """Adds the uses among `accessed` events of the period; staff's and a citizen's own looks are
    none."""
    for event in events:
        if period_ms[0] <= event.at_ms < period_ms[1]:
            cell = _cell(event)
            if cell is not None:
                use = into.setdefault(cell, Use())
                use.count += 1
                use.citizens.add(event.subject)


def _cell(event: Event) -> Cell | None:
    body = access_body(event.body)
    if body.policy is None:
        return None
    if body.initiator_kind == "partner":
        return body.initiator, body.policy, CHECK
    if body.purpose == VOUCHER_PURPOSE and body.on_behalf_of is not None:
        return body.on_behalf_of, body.policy, VOUCHER
    return None
