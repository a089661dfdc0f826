"""Limits: right to the request where they are small, over workers, and nobody else's business."""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from api.limits import Limits, Quota
from api.store.protocol import StoreDown
from api.tokens import Principal
from scoring.store.embedded import EmbeddedStore
from tests.api.city import City, MemoryReader
from tests.api.service import Reply, Service
from tests.partner.town import BUS, LIBRARY, Town, question, subject_of, town_in

NOON = 1_795_348_800.0


def principal(name: str) -> Principal:
    return Principal(
        subject=name,
        snapshot_subject=name,
        scopes=frozenset(),
        birthdate=None,
        valid_until=0,
        partner=name,
    )


def workers(count: int, quota: Quota, clock: list[float]) -> tuple[MemoryReader, list[Limits]]:
    """Workers that share one store's counters."""
    store = MemoryReader(City())
    made = [
        Limits(store, lambda who: (f"p.{who.partner}", quota), lambda: clock[0])
        for _ in range(count)
    ]
    return store, made


async def granted(limits: list[Limits], who: str, tries: int) -> int:
    async def one(number: int) -> bool:
        allowance = limits[number % len(limits)].of(principal(who))
        return await allowance.take(1)

    return sum(await asyncio.gather(*(one(n) for n in range(tries))))


@pytest.mark.parametrize("requests", [1, 7, 50, 500])
@pytest.mark.parametrize("is_strict", [True, False])
def test_twice_the_quota_over_two_workers_gives_the_quota(requests: int, is_strict: bool) -> None:
    quota = Quota(name="partner", requests=requests, is_strict=is_strict, is_told=True)
    _, limits = workers(2, quota, [NOON])
    count = asyncio.run(granted(limits, "a", 2 * requests + 2))
    most = requests if is_strict else requests + 2 * max(1, requests // 50)
    assert requests * 0.95 - 1 <= count <= most


def test_a_storm_of_one_leaves_the_others_their_quota() -> None:
    quota = Quota(name="partner", requests=20, is_strict=True, is_told=True)
    _, limits = workers(2, quota, [NOON])

    async def story() -> list[int]:
        await granted(limits, "storm", 500)
        return [await granted(limits, who, 20) for who in ("a", "b")]

    assert asyncio.run(story()) == [20, 20]


def test_a_new_minute_is_a_new_quota() -> None:
    clock = [NOON]
    quota = Quota(name="partner", requests=5, is_strict=True, is_told=True)
    _, limits = workers(2, quota, clock)

    async def story() -> list[int]:
        first = await granted(limits, "a", 9)
        clock[0] += 60
        return [first, await granted(limits, "a", 9)]

    assert asyncio.run(story()) == [5, 5]


def test_without_the_store_a_citizen_is_served_and_a_partner_is_not() -> None:
    for is_strict in (True, False):
        quota = Quota(name="x", requests=100, is_strict=is_strict, is_told=True)
        store, limits = workers(1, quota, [NOON])
        store.is_down = True
        if is_strict:
            with pytest.raises(StoreDown):
                asyncio.run(granted(limits, "a", 1))
        else:
            assert asyncio.run(granted(limits, "a", 10)) == 10


REGISTRY = """
[[partner]]
id = "city_library"
name = "市图书馆"
client_id = "city-library"
scopes = ["eligibility", "consents"]
policies = ["xinyiyue_deposit_free"]
requests_per_minute = 30

[[partner]]
id = "city_bus"
name = "城市客运公司"
client_id = "city-bus"
scopes = ["eligibility", "consents"]
policies = ["xinyixing_ride_later"]
requests_per_minute = 100000
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, store: EmbeddedStore) -> Iterator[Town]:
    folder: Path = tmp_path_factory.mktemp("small")
    registry = folder / "partners.toml"
    registry.write_text(REGISTRY)
    with town_in(
        folder, store, people=3, partners_file=registry, citizen_requests_per_minute=40
    ) as town:
        yield town


Found = TypeVar("Found")


def in_one_minute(story: Callable[[], Found]) -> Found:
    """What it returns, all its requests having fallen into one minute of the quota."""
    least_seconds = 10.0
    while True:
        left = 60 - time.time() % 60
        if left < least_seconds:
            time.sleep(left + 0.05)
        minute = time.time() // 60
        found = story()
        if time.time() // 60 == minute:
            return found
        least_seconds = 60.0  # a minute of which nothing is used


def test_a_partner_is_told_its_quota_and_stopped_at_it(small: Town) -> None:
    library, bus = small.token(LIBRARY), small.token(BUS)

    def story() -> tuple[list[Reply], Reply]:
        replies = [small.ask("A" * 22, library, "city_library") for _ in range(45)]
        return replies, spoofing(small, library)

    replies, spoofed = in_one_minute(story)
    statuses = [reply.status for reply in replies]
    assert statuses.count(403) <= 30
    assert statuses[-1] == 429
    assert replies[-1].code == "rate_limited"
    assert replies[0].headers["ratelimit-policy"] == '"partner";q=30;w=60'
    assert replies[0].headers["ratelimit"].startswith('"partner";r=')
    assert replies[-1].headers["ratelimit"].startswith('"partner";r=0;t=')
    assert 1 <= int(replies[-1].headers["retry-after"]) <= 60
    assert spoofed.status == 429
    assert small.ask("A" * 22, bus, "city_bus").status == 403


def spoofing(small: Town, token: str) -> Reply:
    headers = {
        "content-type": "application/json",
        "x-forwarded-for": "203.0.113.77",
        "x-real-ip": "203.0.113.77",
        "forwarded": "for=203.0.113.77",
    }
    return small.service.ask("POST", "/v1/eligibility", token, headers, [b"{}"])


def test_a_citizen_is_stopped_at_hers_and_another_is_not(small: Town) -> None:
    service: Service = small.service
    first, second = (service.signer.token(sub=subject_of(name)) for name in ("over", "under"))
    replies = in_one_minute(lambda: [service.get("/v1/me/enrolment", first) for _ in range(60)])
    assert replies[-1].status == 429
    assert "retry-after" in replies[-1].headers
    assert replies[-1].headers["ratelimit-policy"] == '"citizen";q=40;w=60'
    assert 38 <= sum(reply.status == 200 for reply in replies) <= 42
    assert service.get("/v1/me/enrolment", second).status == 200


def test_a_batch_counts_each_of_its_questions(small: Town) -> None:
    bus = small.token(BUS)
    items = [question("A" * 22, BUS)] * 400

    def story() -> tuple[str, str]:
        before = small.service.get(f"/v1/partner/consents/{'A' * 22}", bus).headers["ratelimit"]
        assert small.service.post("/v1/eligibility/batch", {"items": items}, bus).status == 200
        after = small.service.get(f"/v1/partner/consents/{'A' * 22}", bus).headers["ratelimit"]
        return before, after

    before, after = in_one_minute(story)
    used = int(before.split("r=")[1].split(";")[0]) - int(after.split("r=")[1].split(";")[0])
    assert used == 401


def test_the_daily_uses_of_a_consent_are_counted_to_the_last(small: Town) -> None:
    bus = small.token(BUS)
    (handle,) = small.consents([subject_of("over")], BUS, max_uses_per_day=3)
    replies = [small.ask(handle, bus, BUS) for _ in range(5)]
    assert [reply.status for reply in replies] == [200, 200, 200, 429, 429]
    refused = replies[-1]
    assert refused.code == "frequency_exceeded"
    assert 1 <= int(refused.headers["retry-after"]) <= 86_400
    policies = [value for name, value in refused.pairs if name == b"ratelimit-policy"]
    assert b'"consent";q=3;w=86400' in policies
