from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.service import Service, service_of
from tests.rights.town import join, make_town


@pytest.fixture
def town(tmp_path: Path, ledger_place: str) -> Iterator[Service]:
    """On either ledger; all of its people have joined."""
    with service_of(make_town(), tmp_path, ledger_url=ledger_place) as running:
        join(running, "ann", "bob", "cat", "dan")
        yield running
