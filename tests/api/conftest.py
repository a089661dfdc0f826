"""The whole application in one process: real ledger on disk, keys and tokens made here, and a
snapshot in memory behind the reader's protocol."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.city import make_city
from tests.api.service import Service, service_of


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One for a module: its tests leave nothing behind that another would see."""
    with service_of(make_city(), tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Service]:
    """One for a test that changes what is stored or breaks a part."""
    with service_of(make_city(), tmp_path) as running:
        yield running
