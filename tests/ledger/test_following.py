"""A follower goes on, whatever it meets, and complains once an outage."""

import asyncio
import logging
from itertools import count

import pytest

from api.ledger.following import Follower
from api.ledger.protocol import LedgerUnavailable
from api.store.protocol import StoreDown

log = logging.getLogger("chengxin.ledger")
LONG_SECONDS = 60.0


@pytest.mark.parametrize("trouble", [StoreDown("gone"), LedgerUnavailable("io"), KeyError("odd")])
def test_a_follower_outlives_what_it_meets_and_says_so_once(
    trouble: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        looks, has_gone_on = count(), asyncio.Event()

        async def look() -> None:
            if next(looks) < 2:
                raise trouble
            has_gone_on.set()

        follower = Follower(look, "marks wait", log)
        follower.start()
        await asyncio.wait_for(has_gone_on.wait(), LONG_SECONDS)
        await follower.stop()

    with caplog.at_level(logging.WARNING, logger=log.name):
        asyncio.run(story())
    [said] = caplog.records
    assert said.getMessage().startswith("marks wait")


def test_a_follower_that_never_began_can_be_stopped() -> None:
    async def look() -> None: ...

    asyncio.run(Follower(look, "marks wait", log).stop())
