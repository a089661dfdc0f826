"""The cap of a consent holds although the store's counters are lost."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.partner.policies import city_day_number
from api.partner.uses import Day
from scoring.store.embedded import EmbeddedStore
from tests.partner.town import Town, subject_of, town_in
from tests.support.stores import connected
from tests.support.waiting import LONG_SECONDS


@pytest.fixture
def town(tmp_path: Path) -> Iterator[tuple[Town, EmbeddedStore]]:
    with EmbeddedStore(tmp_path / "store") as store, town_in(tmp_path, store, people=2) as running:
        yield running, store


def lose_counters(store: EmbeddedStore) -> None:
    """What is left of the counters when the store comes back with nothing and is filled again."""
    with connected(store) as connection:
        for key in connection.call("KEYS", "u:*"):
            connection.call("DEL", key)
        connection.call("SET", "ptr:claims", str(int(time.time())))


def wait_until_seen(town: Town, before: int | None) -> None:
    import asyncio

    deadline = time.monotonic() + LONG_SECONDS
    while town.reader.began_at == before:
        assert time.monotonic() < deadline
        town.service.run(asyncio.sleep(0.05))


def test_uses_of_the_day_are_counted_on_after_the_store_lost_them(
    town: tuple[Town, EmbeddedStore],
) -> None:
    running, store = town
    (handle,) = running.consents([subject_of("over")], max_uses_per_day=4)
    token = running.token()
    assert [running.ask(handle, token).status for _ in range(3)] == [200] * 3
    before = running.reader.began_at
    time.sleep(1.1)
    lose_counters(store)
    wait_until_seen(running, before)
    assert [running.ask(handle, token).status for _ in range(3)] == [200, 429, 429]


def test_another_consent_of_the_same_citizen_keeps_its_own_uses(
    town: tuple[Town, EmbeddedStore],
) -> None:
    running, store = town
    first, other = running.consents([subject_of("over")] * 2, max_uses_per_day=2)
    token = running.token()
    assert [running.ask(first, token).status for _ in range(2)] == [200] * 2
    before = running.reader.began_at
    time.sleep(1.1)
    lose_counters(store)
    wait_until_seen(running, before)
    assert running.ask(other, token).status == 200
    assert running.ask(first, token).status == 429


def test_a_store_older_than_the_day_is_believed_without_asking_the_ledger(
    town: tuple[Town, EmbeddedStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    running, store = town
    (handle,) = running.consents([subject_of("over")])
    token = running.token()
    with connected(store) as connection:
        connection.call("SET", "ptr:claims", str(int(time.time()) - 2 * 86_400))
    wait_until_seen(running, running.reader.began_at)

    async def never(*_: object, **__: object) -> None:
        raise AssertionError("the ledger was read")

    monkeypatch.setattr(running.service.ledger, "subject_events", never)
    assert running.ask(handle, token).status == 200


def test_a_day_of_the_city_begins_at_its_midnight() -> None:
    last = 1_795_363_199_999  # 2026-11-22 23:59:59.999 in China
    days = [Day(city_day_number(at)) for at in (last, last + 1)]
    assert [day.number for day in days] == [20_779, 20_780]
    assert days[0].ends_ms == days[1].starts_ms == last + 1
