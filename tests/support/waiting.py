"""Waiting for what another process brings about, and times promised to people.

Other work on the machine only ever adds to what something takes. So a promise of seconds is held
against the quickest of some tries, and what takes longer in one of them fails nobody.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

LONG_SECONDS = 60.0  # more than it takes on a machine that is slow and shared
TRIES = 10


async def eventually(is_so: Callable[[], bool], seconds: float = LONG_SECONDS) -> None:
    """Raises TimeoutError when it is not so after `seconds`."""
    async with asyncio.timeout(seconds):
        while not is_so():  # noqa: ASYNC110 nothing to wait on: the change comes from outside
            await asyncio.sleep(0.01)


async def seconds_until(is_so: Callable[[], bool]) -> float:
    began = time.monotonic()
    await eventually(is_so)
    return time.monotonic() - began


def within(promised_seconds: float, trial: Callable[[], float | None]) -> None:
    """Of some trials one is over in time, by the clock or by the seconds it returns."""
    took: list[float] = []
    while len(took) < TRIES:
        began = time.monotonic()
        seconds = trial()
        took.append(time.monotonic() - began if seconds is None else seconds)
        if took[-1] < promised_seconds:
            return
    raise AssertionError(f"{promised_seconds} s were promised, and these were needed: {took}")


async def awaited_within(
    promised_seconds: float, trial: Callable[[], Awaitable[float | None]]
) -> None:
    """As `within`."""
    took: list[float] = []
    while len(took) < TRIES:
        began = time.monotonic()
        seconds = await trial()
        took.append(time.monotonic() - began if seconds is None else seconds)
        if took[-1] < promised_seconds:
            return
    raise AssertionError(f"{promised_seconds} s were promised, and these were needed: {took}")
