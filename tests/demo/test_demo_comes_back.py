"""The demo as a newcomer runs it: what dies comes back, what was published stays."""

import json
import os
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from api.commands.demo.handover import DemoDocument
from scoring.store.connection import StoreConnection
from tests.demo.running import COMMAND, demo, store_url

COME_BACK_SECONDS = 120


def score_of(document: DemoDocument, persona: str) -> tuple[int, str]:
    """Status and snapshot, `stale` where the store is not back yet; or status and code."""
    token = next(who.token for who in document.citizens if who.persona == persona)
    request = urllib.request.Request(  # noqa: S310 - loopback
        f"{document.api}/v1/me/score", headers={"Authorization": f"Bearer {token}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - loopback
            told = json.load(answer)
            return answer.status, "stale" if told["stale"] else told["snapshot"]
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)["code"]


def wait_for(document: DemoDocument, persona: str, wanted: tuple[int, str]) -> None:
    """A slow machine is answered 503 or with the last good copy between two right answers."""
    deadline = time.monotonic() + COME_BACK_SECONDS
    while (told := score_of(document, persona)) != wanted and time.monotonic() < deadline:
        time.sleep(0.1)
    assert told == wanted


def readable_by_others(data: Path) -> list[Path]:
    """Files and folders about people that another account of the machine could open."""
    rooms = ("incoming", "lake", "ledger", "exports", "snapshots", "store", "logs")
    found = [path for room in rooms for path in (data / room, *(data / room).rglob("*"))]
    return [path for path in found if path.stat().st_mode & 0o077]


def wait_until_remembered(data: Path, snapshot: str) -> None:
    """The demo looks once a second at what is served."""
    deadline = time.monotonic() + COME_BACK_SECONDS
    while state_of(data)["snapshot"] != snapshot and time.monotonic() < deadline:
        time.sleep(0.1)
    assert state_of(data)["snapshot"] == snapshot


def state_of(data: Path) -> dict[str, str]:
    return dict(json.loads((data / "demo.state.json").read_bytes()))


def store_pid(data: Path) -> int:
    with StoreConnection.open(store_url(data)) as store:
        found = re.search(r"process_id:(\d+)", store.call("INFO", "server").decode())
    assert found is not None
    return int(found[1])


def run(*words: str) -> str:
    return subprocess.run(
        [*COMMAND, *words], check=True, capture_output=True, text=True
    ).stdout.strip()


def test_a_killed_store_comes_back_and_a_second_start_serves_what_was_published(
    tmp_path: Path,
) -> None:
    data = tmp_path / "demo"
    with demo(data) as document:
        first = document.snapshot
        wait_for(document, "rich", (200, first))
        wait_for(document, "new", (404, "not_scored_yet"))
        os.kill(store_pid(data), signal.SIGKILL)
        wait_for(document, "rich", (200, first))
        wait_for(document, "withdrawn", (404, "not_enrolled"))

        run("ledger", "export", "--data", str(data))
        second = run("build", "--data", str(data), "--as-of", state_of(data)["as_of"])
        run("publish", "--data", str(data), "--store", store_url(data), second)
        wait_for(document, "new", (200, second))
        wait_until_remembered(data, second)
        os.kill(store_pid(data), signal.SIGKILL)
        wait_for(document, "new", (200, second))

    assert readable_by_others(data) == []
    with demo(data) as document:
        assert document.snapshot == second
        wait_for(document, "new", (200, second))
