"""The whole application over a city in memory."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.city import make_city
from tests.api.service import Service, service_of


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service_of(make_city(), tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture
def fresh(tmp_path: Path, ledger_place: str) -> Iterator[Service]:
    """On either ledger."""
    with service_of(make_city(), tmp_path, ledger_url=ledger_place) as running:
        yield running
