"""An outage of the store is one line of the log for each cause, however long it lasts."""

import asyncio
import logging
from pathlib import Path

import pytest

from api.store.reader import ValkeyReader
from tests.support.waiting import eventually


def test_each_cause_of_an_outage_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tries: list[str] = []
    causes = ["refused"]

    async def connect() -> None:
        tries.append(causes[-1])
        raise OSError(causes[-1])

    async def story() -> None:
        reader = ValkeyReader(f"unix://{tmp_path}/nobody.sock")
        monkeypatch.setattr(reader, "_connect", connect)
        monkeypatch.setattr(reader._backoff, "next_seconds", lambda: 0.0)
        await reader.open()
        try:
            for cause in ("refused", "reset", "refused"):
                causes.append(cause)
                tried = len(tries)
                await eventually(lambda seen=tried: len(tries) > seen + 5)  # type: ignore[misc]
        finally:
            await reader.close()

    with caplog.at_level(logging.WARNING, "api.store.reader"):
        asyncio.run(story())
    assert [record.getMessage() for record in caplog.records] == ["store: refused", "store: reset"]
