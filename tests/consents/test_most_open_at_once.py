"""How many consents a citizen may have is held exactly, however many are granted at once."""

import asyncio
from pathlib import Path

import pytest

from api.consents import service
from api.consents.answers import ConsentAnswer
from api.consents.machine import Consent, status_at
from api.consents.protocol import ENDED
from api.consents.reading import consents_of
from api.consents.service import ConsentsRefused
from api.ledger.protocol import Ledger
from scoring.store.embedded import EmbeddedStore
from tests.consents.consent_parts import PERSON, Worker, enrol, working
from tests.support.snapshots import city, write_snapshot
from tests.support.stores import publish_to

MOST, AT_ONCE, ENDED_BETWEEN = 5, 14, 2


def count_together(patch: pytest.MonkeyPatch) -> None:
    """The next AT_ONCE grants have all counted before any of them goes on."""
    all_counted, counted = asyncio.Event(), 0

    async def counting(ledger: Ledger, subject: str) -> dict[str, Consent]:
        nonlocal counted
        found = await consents_of(ledger, subject)
        counted += 1
        if counted == AT_ONCE:
            all_counted.set()
        await all_counted.wait()
        return found

    patch.setattr(service, "consents_of", counting)


async def grants_at_once(workers: tuple[Worker, Worker]) -> list[str]:
    """What becomes of each: `granted`, or the code of its refusal."""
    answers = await asyncio.gather(
        *(workers[n % 2].grant() for n in range(AT_ONCE)), return_exceptions=True
    )
    told = []
    for answer in answers:
        if isinstance(answer, ConsentsRefused):
            told.append(answer.code)
        else:
            assert isinstance(answer, ConsentAnswer), answer
            told.append("granted")
    return told


async def open_consents(worker: Worker) -> list[Consent]:
    found = (await consents_of(worker.ledger, PERSON)).values()
    return [one for one in found if status_at(one, worker.now_ms) not in ENDED]


def test_grants_at_once_on_two_workers_fill_the_places_left_and_no_more(
    ledger_place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_OPEN", MOST)

    async def story(url: str) -> None:
        async with working(ledger_place, url) as one, working(ledger_place, url) as other:
            await enrol(one)
            for places in (MOST, ENDED_BETWEEN):  # what has ended makes room, and no more than it
                count_together(monkeypatch)
                told = await grants_at_once((one, other))
                assert told.count("granted") == places
                assert told.count("too_many_consents") == AT_ONCE - places
                consents = await open_consents(other)
                assert len(consents) == MOST
                for consent in consents[:ENDED_BETWEEN]:
                    await other.consents.change(PERSON, consent.id, "revoked")

    with EmbeddedStore(tmp_path / "store") as store:
        publish_to(store, write_snapshot(tmp_path, "20260115-000000000001", city(10, 1)))
        asyncio.run(story(store.url))
