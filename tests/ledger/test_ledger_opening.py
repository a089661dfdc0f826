"""Several workers start at once: whoever comes second waits for the first, and nobody is refused."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from api.ledger.connection import LedgerFile
from api.ledger.migrations import create_if_missing, migrate
from api.ledger.sqlite import prepare
from tests.support.waiting import LONG_SECONDS


def test_a_new_ledger_waits_for_whoever_else_is_opening_it(tmp_path: Path) -> None:
    """SQLite itself would not: it refuses the change to WAL at once while another prepares one."""
    path = tmp_path / "ledger.sqlite"
    create_if_missing(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(1) as pool:
        migrated = pool.submit(migrate, path)
        with pytest.raises(TimeoutError):
            migrated.result(timeout=0.1)
        other.execute("COMMIT")
        migrated.result(timeout=LONG_SECONDS)
    other.close()


def test_many_workers_open_a_new_ledger_at_once(tmp_path: Path) -> None:
    workers = 8
    with ThreadPoolExecutor(workers) as pool:
        for round_ in range(3):
            path, gate = tmp_path / f"{round_}.sqlite", Barrier(workers)

            def opened(path: Path = path, gate: Barrier = gate) -> LedgerFile:
                gate.wait()
                return prepare(path)

            for file in [pool.submit(opened) for _ in range(workers)]:
                file.result().require_present()
