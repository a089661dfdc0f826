from pathlib import Path

import pytest

from tests.build.random_city import AS_OF, City, random_city
from tests.support.lake import Built, build_snapshot


@pytest.fixture(scope="session")
def city() -> City:
    return random_city(people=900, enrolled=600, records=9_000, corrected=400, seed=11)


@pytest.fixture(scope="session")
def city_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("city")


@pytest.fixture(scope="session")
def built(city: City, city_data: Path) -> Built:
    """The city's snapshot; its lake and export lie in `city_data`."""
    return build_snapshot(
        city_data,
        records=city.records,
        enrolled=city.enrolled,
        as_of=AS_OF,
        states=city.states,
    )
