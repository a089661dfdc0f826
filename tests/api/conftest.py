"""The whole application in one process: real ledger on disk, keys and tokens made here, and a
snapshot in memory behind the reader's protocol."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.city import City, make_city
from tests.api.service import Service, service_of


@pytest.fixture(scope="session")
def city() -> City:
    return make_city()


@pytest.fixture
def service(city: City, tmp_path: Path) -> Iterator[Service]:
    with service_of(city, tmp_path) as running:
        yield running
