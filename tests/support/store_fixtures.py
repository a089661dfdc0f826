"""Fixtures of rooms whose tests need a real store: a conftest imports them by name."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scoring.store.embedded import EmbeddedStore
from tests.support import stores
from tests.support.ports import free_port


@pytest.fixture(scope="module")
def running_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    with EmbeddedStore(tmp_path_factory.mktemp("store"), port=free_port()) as server:
        yield server


@pytest.fixture
def server(running_server: EmbeddedStore) -> EmbeddedStore:
    """A running store with nothing in it."""
    stores.empty(running_server)
    return running_server


@pytest.fixture
def snapshots(tmp_path: Path) -> Path:
    return tmp_path / "snapshots"
