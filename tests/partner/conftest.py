"""The whole application on a real store, with three partners whose keys are made here."""

from collections.abc import Iterator

import pytest

from scoring.store.embedded import EmbeddedStore
from tests.partner.town import Town, town_in


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    with EmbeddedStore(tmp_path_factory.mktemp("store")) as server:
        yield server


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, store: EmbeddedStore) -> Iterator[Town]:
    """One for a module."""
    with town_in(tmp_path_factory.mktemp("town"), store) as running:
        yield running
