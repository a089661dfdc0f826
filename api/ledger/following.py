"""How what is projected from the ledger is kept up: by the request that changes something, within
what is left of the promised second, and by a follower for what other workers changed."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from api.ledger.protocol import LedgerError, MarkPending
from api.store.protocol import StoreDown

FOLLOW_SECONDS = 0.2
ANNOUNCE_SECONDS = 0.5  # the promise is 1 s; the rest is the request's own
RETRY_SECONDS = 0.05


async def written_in_time(write: Callable[[], Awaitable[None]]) -> None:
    """Tries until the store takes it. Raises MarkPending."""
    try:
        async with asyncio.timeout(ANNOUNCE_SECONDS):
            while True:
                try:
                    return await write()
                except StoreDown:
                    await asyncio.sleep(RETRY_SECONDS)
    except TimeoutError:
        raise MarkPending from None


class Follower:
    """`once` again and again in a task of the running event loop, whatever it raises: a follower
    that ended would leave what others revoked. `waiting` is what the log says, once an outage."""

    def __init__(
        self, once: Callable[[], Awaitable[None]], waiting: str, log: logging.Logger
    ) -> None:
        self._once = once
        self._waiting = waiting
        self._log = log
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._follow(), name=self._waiting)

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _follow(self) -> None:
        is_failing = False
        while True:
            try:
                await self._once()
                is_failing = False
            except (StoreDown, LedgerError) as error:
                if not is_failing:
                    self._log.warning("%s: %s", self._waiting, type(error).__name__)
                is_failing = True
            except Exception:
                if not is_failing:
                    self._log.exception(self._waiting)
                is_failing = True
            await asyncio.sleep(FOLLOW_SECONDS)
