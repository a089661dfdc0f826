"""While what is over is erased nothing is delivered: a new version would bring a record back whose
citizen's words are just going."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from api.ledger.protocol import Ledger
from api.rights import retention
from scoring.errors import StoreUnavailable
from scoring.ingest.lake_commit import locked_lake
from scoring.retention import kept_days
from tests.ledger.drafts import enrolled
from tests.retention.test_retention_run import KIND, days_after, lake_with, run, state, told
from tests.support.lake import record_id

HAPPENED = dt.date(2023, 1, 10)
OVER = days_after(HAPPENED, kept_days()[KIND])


async def standing(ledger: Ledger) -> int:
    return len(await ledger.standing_texts(0, limit=10))


def test_no_file_is_taken_between_looking_and_erasing(
    ledger_place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = tmp_path / "lake"
    lake_with(lake, HAPPENED)
    deliveries: list[str] = []
    real = retention.erase_due

    async def erase_due(*asked: Any, **more: Any) -> int:
        with pytest.raises(StoreUnavailable) as refused, locked_lake(lake):
            raise AssertionError("a delivery came in between")
        deliveries.append(refused.value.code)
        return await real(*asked, **more)

    monkeypatch.setattr(retention, "erase_due", erase_due)

    async def story(ledger: Ledger) -> None:
        await ledger.append(enrolled(1))
        await state(ledger, 1, record_id(0))
        await run(ledger, lake, OVER)
        assert deliveries == ["lake_busy"]
        assert await standing(ledger) == 0

    told(ledger_place, story)


def test_while_a_file_is_being_taken_nothing_is_erased_and_it_can_still_be_counted(
    ledger_place: str, tmp_path: Path
) -> None:
    lake = tmp_path / "lake"
    lake_with(lake, HAPPENED)

    async def story(ledger: Ledger) -> None:
        await ledger.append(enrolled(1))
        await state(ledger, 1, record_id(0))
        with locked_lake(lake):
            with pytest.raises(StoreUnavailable, match="another ingest"):
                await run(ledger, lake, OVER)
            assert await standing(ledger) == 1
            assert (await run(ledger, lake, OVER, is_dry=True))["statements"] == 1
        assert (await run(ledger, lake, OVER))["statements"] == 1

    told(ledger_place, story)
