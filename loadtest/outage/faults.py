"""Ways in which store and ledger stop, each to be begun and ended."""

import contextlib
import os
import resource
import signal
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psutil

from scoring.store.embedded import EmbeddedStore

Fault = Callable[[], AbstractContextManager[None]]


@contextmanager
def store_hangs(store: EmbeddedStore) -> Iterator[None]:
    os.kill(store.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(store.pid, signal.SIGCONT)


@contextmanager
def store_dies(store: EmbeddedStore, fill: Callable[[], None]) -> Iterator[None]:
    """And comes back empty: `fill` publishes anew."""
    store.kill()
    try:
        yield
    finally:
        store.restart()
        fill()


@contextmanager
def ledger_is_locked(ledger: Path) -> Iterator[None]:
    """Another program writes and does not end."""
    with contextlib.closing(sqlite3.connect(ledger, isolation_level=None, timeout=10)) as other:
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")


@contextmanager
def ledger_is_full(server: int) -> Iterator[None]:
    """No file of the server's processes may grow: what a full disk does to a write-ahead log. The
    log is as long as it will get only after a checkpoint, so the limit is below its size."""
    processes = [process.pid for process in psutil.Process(server).children(recursive=True)]
    before = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in processes}
    for pid, (_, hard) in before.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        for pid, limits in before.items():
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)


@contextmanager
def ledger_is_gone(ledger: Path) -> Iterator[None]:
    """Its folder is away, as when a disk is unmounted."""
    away = ledger.parent.with_name("ledger.away")
    ledger.parent.rename(away)
    try:
        yield
    finally:
        if ledger.parent.exists():  # nobody may have made another one in the meantime
            raise SystemExit(f"{ledger.parent} was made anew while the ledger was away")
        away.rename(ledger.parent)


def faults(
    store: EmbeddedStore, ledger: Path, server: int, fill: Callable[[], None]
) -> Mapping[str, Fault]:
    return {
        "store stopped (SIGSTOP)": lambda: store_hangs(store),
        "ledger locked": lambda: ledger_is_locked(ledger),
        "ledger full": lambda: ledger_is_full(server),
        "ledger gone": lambda: ledger_is_gone(ledger),
        "store killed (SIGKILL)": lambda: store_dies(store, fill),
    }
