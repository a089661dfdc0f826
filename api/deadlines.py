"""One deadline for very many short waits: a timer for all of them instead of a timer each.

Whoever is in time costs an entry in a row; asyncio.timeout costs a timer made and cancelled, 10 us
on uvloop. A wait ends up to STEP_SECONDS late.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

STEP_SECONDS = 0.01

Wait = TypeVar("Wait")


class Deadlines(Generic[Wait]):
    """Used on one event loop. `give_up` is called for each wait that is not over in time."""

    def __init__(
        self,
        seconds: float,
        *,
        is_over: Callable[[Wait], bool],
        give_up: Callable[[Wait], None],
    ) -> None:
        self._seconds = seconds
        self._is_over = is_over
        self._give_up = give_up
        self._row: deque[tuple[float, Wait]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def watch(self, wait: Wait) -> None:
        loop = self._loop
        if loop is None:
            loop = self._loop = asyncio.get_running_loop()  # asks the kernel: once, not each time
        self._row.append((loop.time() + self._seconds, wait))
        if self._timer is None:
            self._timer = loop.call_later(STEP_SECONDS, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        row, now = self._row, loop.time()
        while row and (row[0][0] <= now or self._is_over(row[0][1])):
            _, wait = row.popleft()
            if not self._is_over(wait):
                self._give_up(wait)
        self._timer = loop.call_later(STEP_SECONDS, self._look, loop) if row else None


class Running:
    """A piece of a task's work; `end` when it is done."""

    __slots__ = ("_task", "is_late")

    def __init__(self) -> None:
        self._task = asyncio.current_task()
        self.is_late = False

    @property
    def is_over(self) -> bool:
        return self._task is None

    def end(self) -> None:
        self._task = None

    def give_up(self) -> None:
        """Cancels the task where it waits; the cancellation is its own from then on."""
        if self._task is not None:
            self.is_late = True
            self._task.cancel()
            self._task.uncancel()
            self._task = None


def work_deadlines(seconds: float) -> Deadlines[Running]:
    return Deadlines(
        seconds, is_over=lambda running: running.is_over, give_up=lambda running: running.give_up()
    )
