"""The demo's hand-over is the word that it is up: from then on whoever asks it to stop is heard."""

import datetime as dt
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.commands.demo import running
from api.commands.demo.city import DemoState

STATE = DemoState(people=400, seed=7, as_of=dt.date(2026, 11, 20), snapshot="20261120-000000000001")


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_finds_the_hand_over_may_stop_the_demo_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: signal.Signals
) -> None:
    asked: list[Path] = []

    def found(path: Path, document: object) -> None:
        asked.append(path)
        os.kill(os.getpid(), number)

    monkeypatch.setattr(running, "start", lambda *_, **__: ("http://127.0.0.1:1", None, None))
    monkeypatch.setattr(running, "write_handover", found)
    running.run_until_stopped(tmp_path, STATE, port=1, workers=1)
    assert asked == [tmp_path / "demo.json"]
