"""Several questions at once whether a partner is late, read once from a long ledger."""

import asyncio
import datetime as dt
from collections.abc import Sequence

import pytest

from api.consents.attesting import Attestations, Standing
from api.ledger.protocol import Event, LedgerUnavailable
from tests.support.waiting import eventually

DAY_MS = 86_400_000
TODAY_MS = 1_790_000_000_000
LATE = dt.date(2026, 1, 1)  # long over on that day


class LongLedger:
    """Nothing was attested; what consents were is read when `is_read` is set."""

    def __init__(self) -> None:
        self.is_read = asyncio.Event()
        self.readings = 0
        self.is_down = False

    async def stream_events(self, _: str) -> list[Event]:
        return []

    async def events_after(self, *_: object, **__: object) -> list[Event]:
        self.readings += 1
        await self.is_read.wait()
        if self.is_down:
            raise LedgerUnavailable("slow")
        return []


class Ends:
    async def members(self, _: str) -> Sequence[bytes]:
        return [LATE.isoformat().encode()]


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.consents.attesting.SETTLED_SECONDS", 60.0)


async def asked(
    attestations: Attestations, ledger: LongLedger, *at_ms: int
) -> list[Standing | BaseException]:
    """All of them wait for the ledger before it answers any."""
    working = [asyncio.ensure_future(attestations.standing("library", at)) for at in at_ms]
    await eventually(lambda: ledger.readings == len(set(at_ms)))
    for _ in range(10):  # steps of the loop: those who come after the first reach the same wait
        await asyncio.sleep(0)
    ledger.is_read.set()
    return await asyncio.gather(*working, return_exceptions=True)


@pytest.mark.usefixtures("patient")
def test_a_ledger_that_fails_tells_each_of_them_so_and_the_next_one_asks_anew() -> None:
    async def story() -> None:
        ledger = LongLedger()
        attestations = Attestations(ledger, Ends())  # type: ignore[arg-type]
        ledger.is_down = True
        found = await asked(attestations, ledger, TODAY_MS, TODAY_MS, TODAY_MS)
        assert [type(one) for one in found] == [LedgerUnavailable] * 3
        ledger.is_down = False
        assert (await attestations.standing("library", TODAY_MS)).overdue_since is None

    asyncio.run(story())


@pytest.mark.usefixtures("patient")
def test_who_asks_after_midnight_takes_nothing_from_who_asked_before() -> None:
    async def story() -> None:
        ledger = LongLedger()
        attestations = Attestations(ledger, Ends())  # type: ignore[arg-type]
        found = await asked(attestations, ledger, TODAY_MS, TODAY_MS + DAY_MS)
        assert [getattr(one, "overdue_since", one) for one in found] == [None, None]

    asyncio.run(story())


@pytest.mark.usefixtures("patient")
def test_what_was_read_on_other_days_is_forgotten() -> None:
    async def story() -> None:
        ledger = LongLedger()
        ledger.is_read.set()
        attestations = Attestations(ledger, Ends())  # type: ignore[arg-type]
        for day in range(5):
            await attestations.standing("library", TODAY_MS + day * DAY_MS)
            await attestations.standing("library", TODAY_MS + day * DAY_MS)
        assert ledger.readings == 5
        assert len(attestations._settling) == 1

    asyncio.run(story())


def test_until_the_ledger_is_read_the_partner_counts_as_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("api.consents.attesting.SETTLED_SECONDS", 0.0)

    async def story() -> None:
        ledger = LongLedger()
        attestations = Attestations(ledger, Ends())  # type: ignore[arg-type]
        assert (await attestations.standing("library", TODAY_MS)).overdue_since == LATE
        ledger.is_read.set()

    asyncio.run(story())
