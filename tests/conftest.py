"""One PostgreSQL for every room whose suite runs on both ledgers, and how laws are tried out."""

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.ledger.postgres_server import PostgresServer, started

# The same cases at each run, and no clock: a law that fails, fails for everybody and again tomorrow.
# `make laws` asks for more cases and draws them anew each time.
settings.register_profile(
    "house",
    deadline=None,
    derandomize="CHENGXIN_LAW_CASES" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("house")

# As in the service (see api.app): what is there before the first test is never looked at again, and
# the collector comes when there is something to collect.
gc.set_threshold(20_000, 20, 50)


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    gc.unfreeze()  # else native parts complain at the end that nobody ever let go of theirs


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    # Not below pytest's own folder: the server's user could not enter it.
    folder = Path(tempfile.mkdtemp(prefix="chengxin-postgres-"))
    try:
        server = started(folder)
        yield server
        server.stop("immediate")
    finally:
        shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgres"])
def ledger_place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a ledger is kept (see api.ledger.places): empty, a file or a database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.sqlite"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.url_for(tmp_path)
