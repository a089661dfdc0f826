"""Waiting for what another process brings about."""

import asyncio
from collections.abc import Callable


async def eventually(is_so: Callable[[], bool], seconds: float) -> None:
    """Raises TimeoutError when it is not so after `seconds`."""
    async with asyncio.timeout(seconds):
        while not is_so():  # noqa: ASYNC110 nothing to wait on: the change comes from outside
            await asyncio.sleep(0.01)
