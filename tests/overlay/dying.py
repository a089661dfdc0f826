"""Overlays that die: at each step of the wire in this process, at any moment in one of their own."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Literal

from scoring.contract.store_address import parse_address
from scoring.store.connection import StoreConnection

Moment = Literal["before", "half-way", "after"]
_processes = multiprocessing.get_context("forkserver")


class DyingConnection(StoreConnection):
    """Ends at its `at`-th command: before it is sent, with half of it sent, or when all of it is and
    nobody waits for the answer. `end` is what then happens to the one who holds it."""

    def __init__(self, url: str, at: int, moment: Moment, end: Callable[[], None]) -> None:
        self._left: int | None = None
        super().__init__(parse_address(url))
        self._left = at
        self._moment = moment
        self._end = end

    def send(self, data: bytes | memoryview) -> None:
        if self._left is not None:
            self._left -= 1
        if self._left != 0:
            super().send(data)
            return
        parts = {"before": data[:0], "half-way": data[: len(data) // 2], "after": data}
        super().send(parts[self._moment])
        self._end()
        self.close()
        super().send(data)  # says that the store is gone


def start_overlay(data: Path, url: str, *, at: int = 0, moment: Moment = "after") -> "OwnProcess":
    """Rounds without a pause until it is killed; by itself at the `at`-th command of one, if any."""
    return OwnProcess(data, url, at, moment)


class OwnProcess:
    """Ready when `begin` returns; dead when `kill` does."""

    def __init__(self, data: Path, url: str, at: int, moment: Moment) -> None:
        self._ready, self._go = _processes.Event(), _processes.Event()
        self._process: BaseProcess = _processes.Process(
            target=_lay_until_killed, args=(str(data), url, at, moment, self._ready, self._go)
        )
        self._process.start()

    def begin(self) -> None:
        assert self._ready.wait(60)
        self._go.set()

    def kill(self, after_seconds: float) -> int | None:
        self._process.join(after_seconds)
        self._process.kill()
        self._process.join(30)
        return self._process.exitcode


def _lay_until_killed(  # noqa: PLR0917 a process takes its arguments by place
    data: str, url: str, at: int, moment: Moment, ready: Event, go: Event
) -> None:
    from api.commands.overlay import overlay_of
    from scoring.overlay import lay

    lay.CITIZENS_AT_ONCE = 2  # type: ignore[misc]  # many steps for few citizens
    overlay = overlay_of(Path(data))
    ready.set()
    go.wait()
    while True:
        with DyingConnection(
            url, at, moment, lambda: os.kill(os.getpid(), signal.SIGKILL)
        ) as connection:
            overlay.round(connection)
