"""The town of these tests."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from scoring.city.generation import generate
from scoring.store.embedded import EmbeddedStore
from tests.overlay.town import AS_OF, PEOPLE, SEED, Town
from tests.road.road import Road


@pytest.fixture(scope="package")
def city(tmp_path_factory: pytest.TempPathFactory) -> Road:
    road = Road(tmp_path_factory.mktemp("overlay"))
    generate(people=PEOPLE, seed=SEED, out=road.data / "incoming", as_of=AS_OF)
    road.ingest(road.data / "incoming")
    return road


@pytest.fixture
def town(city: Road, tmp_path: Path) -> Iterator[Town]:
    """The city's lake under a ledger, snapshots and store of the test's own."""
    road = Road(tmp_path)
    for name in ("keys", "lake"):
        target = tmp_path / name
        if target.exists():
            for file in target.iterdir():
                file.unlink()
            target.rmdir()
        target.symlink_to(city.data / name)
    road = Road(tmp_path)
    with EmbeddedStore(tmp_path / "store") as store:
        town = Town(road, store)
        road.enrol([town.cast["disputed"], town.cast["over"]], dt.date(2026, 6, 1))
        town.publish_next()
        yield town
