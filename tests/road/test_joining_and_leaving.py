"""A citizen joins, is scored by the next build, leaves, and is gone: over HTTP, with two workers."""

import datetime as dt
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from api.ledger.enrolment import CITY_CLOCK
from api.ledger.notice import load_notices
from scoring.city.generation import generate
from scoring.city.personas import personas
from scoring.contract.pseudonyms import snapshot_subject_of, subject_of
from scoring.contract.snapshot import field_of
from scoring.keys import read_symmetric_key
from scoring.store.connection import StoreConnection
from scoring.store.embedded import EmbeddedStore
from tests.road.road import Road, Service
from tests.support.waiting import LONG_SECONDS

PEOPLE, SEED, AS_OF = 200, 7, dt.date(2026, 11, 20)
QUESTIONS_AFTER_LEAVING = 40  # spread over both workers


class Town:
    def __init__(self, road: Road, service: Service, store: EmbeddedStore, citizen: str) -> None:
        self.road = road
        self.service = service
        self.store = store
        self.citizen = citizen
        self.headers = service.bearer(citizen)
        # a connection of its own for each request, so that either worker may answer
        limits = httpx.Limits(max_keepalive_connections=0)
        self.client = httpx.Client(base_url=service.url, limits=limits, timeout=LONG_SECONDS)

    def ask(self) -> httpx.Response:
        return self.client.get("/v1/me/score", headers=self.headers)

    def ask_until(self, code: str, seconds: float) -> httpx.Response:
        deadline = time.monotonic() + seconds
        while True:
            answer = self.ask()
            if answer.json().get("code", "scored") == code or time.monotonic() > deadline:
                return answer

    def join(self) -> httpx.Response:
        notice = self.client.get("/v1/notice").json()
        return self.client.post(
            "/v1/me/enrolment",
            headers={**self.headers, "Idempotency-Key": "road-joining-1"},
            json={"notice_version": notice["version"]},
        )

    def rebuild(self, as_of: dt.date) -> Path:
        snapshot = self.road.build(as_of)
        self.road.publish(snapshot, self.store.url)
        return snapshot

    def traces(self, snapshot: Path) -> list[str]:
        """Files and keys of this snapshot that name the citizen, by either pseudonym."""
        key = read_symmetric_key(self.road.keys.snapshot)
        named = snapshot_subject_of(key, self.citizen)
        needles = [self.citizen.encode(), named.encode(), field_of(named).encode()]
        files = [path for path in snapshot.rglob("*") if path.is_file()]
        found = [str(f) for f in files if any(n in f.read_bytes() for n in needles)]
        with StoreConnection.open(self.store.url) as connection:
            pattern = f"?:{snapshot.name}:*"
            for name in connection.call("KEYS", pattern):
                fields = connection.call("HKEYS", name)
                found += [name.decode() for field in fields if field in needles]
        return found


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    road = Road(tmp_path_factory.mktemp("town"))
    generate(people=PEOPLE, seed=SEED, out=road.data / "incoming", as_of=AS_OF)
    road.ingest(road.data / "incoming")
    cast = {
        code: subject_of(road.lake_key, who.id_number)
        for code, who in personas(people=PEOPLE, seed=SEED, as_of=AS_OF).items()
    }
    road.enrol([cast["under"], cast["over"]], dt.date(2026, 6, 1))
    with EmbeddedStore(road.data / "store") as store:
        road.publish(road.build(AS_OF), store.url)
        with road.served(store.url, workers=2) as service:
            town = Town(road, service, store, cast["rich"])
            with town.client:
                yield town


def test_a_citizen_joins_is_scored_leaves_and_is_gone(town: Town) -> None:
    assert town.ask().json()["code"] == "not_enrolled"

    assert town.join().status_code == 201
    waiting = town.ask()
    assert (waiting.status_code, waiting.json()["code"]) == (404, "not_scored_yet")
    assert int(waiting.headers["retry-after"]) > 0

    first = town.rebuild(AS_OF)
    scored = town.ask_until("scored", LONG_SECONDS)
    assert (scored.status_code, scored.json()["snapshot"]) == (200, first.name)
    assert scored.json()["score"] > 600
    assert town.traces(first), "the search for traces must be able to find some"

    left = town.client.delete("/v1/me/enrolment", headers=town.headers)
    assert left.status_code == 204
    asked = time.monotonic()
    codes = {town.ask().json().get("code") for _ in range(QUESTIONS_AFTER_LEAVING)}
    assert codes == {"not_enrolled"}, f"first asked {time.monotonic() - asked:.3f} s after leaving"

    assert town.traces(town.rebuild(AS_OF)) == []
    assert town.ask().json()["code"] == "not_enrolled"


def test_the_notice_she_accepts_is_the_one_in_force(town: Town) -> None:
    served = town.client.get("/v1/notice").json()["version"]
    assert served == load_notices().current(dt.datetime.now(CITY_CLOCK).date()).version
