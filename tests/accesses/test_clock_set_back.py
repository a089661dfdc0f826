"""The log of a day on which a clock was an hour fast and was then set right."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from api.accesses.answers import Names
from api.accesses.events import access_draft
from api.accesses.protocol import AccessEvent
from api.accesses.reading import Period, page_of_accesses
from api.ledger.places import open_ledger_at
from api.ledger.protocol import Ledger
from api.partner.decision import decision_id_of
from api.partner.reproduction import DecisionUnknown, line_of
from tests.ledger.drafts import AT_MS, pseudonym
from tests.support.patience import patient

HOUR_MS = 3_600_000
WHO = pseudonym(1)
# More than a page lies between: a reader that stops at the first earlier time never comes there.
LATER_LINES = 600


def told(place: str, story: Callable[[Ledger], Awaitable[None]]) -> None:
    async def opened() -> None:
        ledger = await open_ledger_at(place)
        try:
            times = [AT_MS + HOUR_MS, *(AT_MS + n * 1_000 for n in range(LATER_LINES))]
            await ledger.append_many([access_draft(line(at_ms)) for at_ms in times])
            await story(ledger)
        finally:
            await ledger.close()

    with patient():
        asyncio.run(opened())


def decision_at(at_ms: int) -> str:
    return decision_id_of(at_ms, b"0123456789")


def line(at_ms: int) -> AccessEvent:
    return AccessEvent(
        subject=WHO,
        at_ms=at_ms,
        initiator_kind="partner",
        initiator="library",
        purpose="xinyiyue_deposit",
        legal_basis="个人信息保护法第十三条",
        decision_id=decision_at(at_ms),
        response_digest="0" * 64,
    )


def test_her_lines_since_an_instant_are_all_there(ledger_place: str) -> None:
    async def story(ledger: Ledger) -> None:
        page = await page_of_accesses(
            ledger,
            WHO,
            Names({}, {}),
            period=Period(since_ms=AT_MS + HOUR_MS - 1),
            limit=10,
            before_seq=None,
            now_ms=AT_MS + 2 * HOUR_MS,
            language="zh",
        )
        assert [item.seq for item in page.items] == [1]

    told(ledger_place, story)


def test_a_decision_is_found_though_its_time_is_out_of_order(ledger_place: str) -> None:
    async def story(ledger: Ledger) -> None:
        assert (await line_of(ledger, decision_at(AT_MS + HOUR_MS))).seq == 1
        assert (await line_of(ledger, decision_at(AT_MS + 5_000))).seq == 7
        with pytest.raises(DecisionUnknown):
            await line_of(ledger, decision_at(AT_MS + 1))

    told(ledger_place, story)
