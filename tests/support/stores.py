"""A real server for tests, its state laid bare, and publishers in processes of their own."""

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Barrier, Event
from pathlib import Path

from scoring.contract.snapshot import (
    CLAIMS_KEY,
    MARKS_KEY,
    NEXT_KEY,
    OVERLAY_RUN_KEY,
    PUBLISHER_KEY,
    documents_key,
    explanation_key,
    history_key,
    hot_key,
    manifest_key,
    overlay_key,
)
from scoring.errors import ChengxinError
from scoring.publish import pointers
from scoring.publish.publish import Published, publish
from scoring.store.connection import StoreConnection
from scoring.store.embedded import EmbeddedStore
from tests.support.snapshots import PUBLIC_KEY
from tests.support.waiting import LONG_SECONDS

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["tests.support.stores"])


class Bystander:
    """Steps that do something of the test's at one of them."""

    def __init__(self, at: str = "", then: object = None) -> None:
        self.at = at
        self.then = then
        self.seen: list[str] = []

    def enter(self, step: str, total: int) -> None:
        self.seen.append(step)
        if step == self.at and callable(self.then):
            self.then()

    def advance(self, done: int) -> None: ...


@contextlib.contextmanager
def connected(server: EmbeddedStore) -> Iterator[StoreConnection]:
    with StoreConnection.open(server.url) as connection:
        yield connection


def publish_to(server: EmbeddedStore, folder: Path, **options: object) -> Published:
    with connected(server) as connection:
        return publish(folder, connection, PUBLIC_KEY, **options)  # type: ignore[arg-type]


def empty(server: EmbeddedStore) -> None:
    with connected(server) as connection:
        connection.call("CONFIG", "SET", "maxmemory", "0")
        connection.call("FLUSHALL", "SYNC")


def used_memory_bytes(connection: StoreConnection) -> int:
    info = connection.call("INFO", "memory").decode().splitlines()
    return int(next(line for line in info if line.startswith("used_memory:")).split(":")[1])


def fill_to_the_brim(connection: StoreConnection, spare_bytes: int = 0) -> None:
    limit = max(1, used_memory_bytes(connection) + spare_bytes)
    connection.call("CONFIG", "SET", "maxmemory", str(limit))


def all_keys(connection: StoreConnection) -> set[str]:
    return {key.decode() for key in connection.call("KEYS", "*")}


def stray_keys(connection: StoreConnection) -> set[str]:
    """Keys that belong to no version one can be served from, live marks aside."""
    expected = {"current", "versions", "ptr:rollback", MARKS_KEY, CLAIMS_KEY, OVERLAY_RUN_KEY}
    for name, version in pointers.versions_in(connection).items():
        if version.flip_number or version.retired_ms:
            expected |= {manifest_key(name), documents_key(name), overlay_key(name)}
            for bucket in range(version.bucket_count):
                expected |= {hot_key(name, bucket), explanation_key(name, bucket)}
                expected.add(history_key(name, bucket))
    return {key for key in all_keys(connection) - expected if not key.startswith("l:")}


def has_work_in_progress(connection: StoreConnection) -> bool:
    return bool(connection.call("EXISTS", NEXT_KEY, PUBLISHER_KEY))


def start_publisher(url: str, folder: Path, go: Event, dies_at: str = "") -> BaseProcess:
    """A process that publishes when `go` is set; exit code as the command's, or killed at a step."""
    process = _processes.Process(target=_publish_dying, args=(url, str(folder), go, dies_at))
    process.start()
    return process


def race(url: str, folders: list[Path]) -> dict[str, int | None]:
    """Exit codes by snapshot of publishers that all began before one of them could end."""
    start_line = _processes.Barrier(len(folders))
    racers = [
        _processes.Process(target=_publish_racing, args=(url, str(folder), start_line))
        for folder in folders
    ]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(LONG_SECONDS)
    return {folder.name: racer.exitcode for folder, racer in zip(folders, racers, strict=True)}


def new_event() -> Event:
    return _processes.Event()


def _publish_dying(url: str, folder: str, go: Event, dies_at: str) -> None:
    go.wait()
    _publish(url, folder, Bystander(dies_at, lambda: os.kill(os.getpid(), signal.SIGKILL)))


def _publish_racing(url: str, folder: str, start_line: Barrier) -> None:
    _publish(url, folder, Bystander("verify", start_line.wait))


def _publish(url: str, folder: str, steps: Bystander) -> None:
    try:
        with StoreConnection.open(url) as connection:
            publish(Path(folder), connection, PUBLIC_KEY, steps=steps)
    except ChengxinError as error:
        os._exit(error.exit_code)
    os._exit(0)
