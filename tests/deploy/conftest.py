"""A small town, built, published and served by the real parts: what integrators and nginx meet."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from api.commands.demo.lasting import lasting_register
from api.commands.demo.partners import make_partner_keys
from scoring.city.generation import generate
from scoring.city.personas import personas
from scoring.contract.pseudonyms import subject_of
from scoring.store.embedded import EmbeddedStore
from tests.road.road import Road, Service

PEOPLE, SEED, AS_OF = 200, 7, dt.date(2026, 11, 20)
JOINED_ON = dt.date(2026, 6, 1)


@dataclass(frozen=True)
class Town:
    road: Road
    service: Service
    cast: dict[str, str]  # persona -> sub

    def bearer(self, persona: str) -> dict[str, str]:
        return self.service.bearer(self.cast[persona])


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    road = Road(tmp_path_factory.mktemp("deployed"))
    generate(people=PEOPLE, seed=SEED, out=road.data / "incoming", as_of=AS_OF)
    road.ingest(road.data / "incoming")
    cast = {
        code: subject_of(road.lake_key, who.id_number)
        for code, who in personas(people=PEOPLE, seed=SEED, as_of=AS_OF).items()
    }
    road.enrol([cast["rich"], cast["under"], cast["over"]], JOINED_ON)
    make_partner_keys(road.data)
    with EmbeddedStore(road.data / "store") as store:
        road.publish(road.build(AS_OF, lasting_register()), store.url)
        with road.served(store.url) as service:
            yield Town(road, service, cast)
