"""`python -m loadtest.outage [--seconds N] [--askers N]`: a real server of two workers, a real store
and ledger, partners that go on asking while one of the two is stopped.

Prints for each fault how long a 503 took (median, p99, most), what came without an answer, how soon
after the fault a question was answered again, and how many answers were wrong: a false yes or no, an
answer without its line in the ledger, a 503 that does not say when to come again. Ends with 1 where
one was wrong, or slower than promised.
"""

import argparse
import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import msgspec
import polars as pl
from rich.console import Console
from rich.table import Table

from api.commands.serve import server_command, take_turns
from api.ledger.sqlite import ledger_path, open_ledger
from api.signing_keys import load_signing_key
from loadtest.bench.batch import Built, Size, make_snapshot
from loadtest.bench.eligibility import consents_of, grant, offer, service_environment, service_token
from loadtest.bench.report import machine
from loadtest.key_set import key_set
from loadtest.outage.asking import Asked, Case, ask_until
from loadtest.outage.faults import Fault, faults
from scoring.keys import key_files
from scoring.publish.publish import publish
from scoring.signing import read_verifying_key
from scoring.store.connection import StoreConnection
from scoring.store.embedded import EmbeddedStore

Asking = Callable[[asyncio.Event], Coroutine[None, None, list[Asked]]]

WORKERS = 2
PROMISED_SECONDS = 0.3
BEFORE_SECONDS, AFTER_SECONDS = 1.0, 4.0
SIZE = Size(records=60_000, people=20_000, enrolled=8_000)


class Story(msgspec.Struct, frozen=True):
    """One fault: what was asked before, during and after it. Instants of time.monotonic()."""

    name: str
    began: float
    ended: float
    asked: list[Asked]

    @property
    def refused(self) -> list[float]:
        """Seconds of each 503, shortest first."""
        return sorted(one.seconds for one in self.asked if one.status == 503)

    @property
    def healthy_after(self) -> float | None:
        """Seconds from the fault's end to the first question that was answered."""
        later = [one.at for one in self.asked if one.status == 200 and one.at > self.ended]
        return min(later) - self.ended if later else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="length of each fault")
    parser.add_argument("--askers", type=int, default=32)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="chengxin-outage-") as folder:
        stories, lines = _all_stories(Path(folder), options.seconds, options.askers)
    sys.exit(0 if _show(stories, lines) else 1)


def _all_stories(data: Path, seconds: float, askers: int) -> tuple[list[Story], set[str]]:
    """And the decisions that have a line in the ledger."""
    built, _ = make_snapshot(data, SIZE)
    partner, benefit = offer()
    consents = consents_of(built, partner, benefit)
    asyncio.run(grant(built, consents))
    scores = _scores(built)
    cases = [
        Case(
            msgspec.json.encode(
                {"policy": benefit.id, "consent": one.handle, "purpose": benefit.purpose}
            ),
            scores.get(one.subject, -1) >= benefit.threshold,
        )
        for one in consents
    ]
    key = load_signing_key(key_files(data).identity)
    with EmbeddedStore(data / "store") as store, key_set(key) as issuer:
        _fill(built, store)
        port = _free_port()
        environment = {**os.environ, **service_environment(built, store, issuer)}
        with (data / "server.log").open("wb") as log:
            command = server_command(host="127.0.0.1", port=port, workers=WORKERS)
            server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
            take_turns(server.pid)
        try:
            _wait_until_ready(port, data / "server.log")
            kinds = faults(store, ledger_path(data), server.pid, lambda: _fill(built, store))
            asking = partial(
                ask_until, port=port, token=service_token(built), cases=cases, askers=askers
            )
            stories = [
                asyncio.run(_story(name, fault, asking, seconds)) for name, fault in kinds.items()
            ]
        finally:
            server.terminate()
            server.wait(20)
    return stories, asyncio.run(_decisions(data))


async def _story(name: str, fault: Fault, ask: Asking, seconds: float) -> Story:
    stopped = asyncio.Event()
    asking = asyncio.create_task(ask(stopped))
    await asyncio.sleep(BEFORE_SECONDS)
    begun = await asyncio.to_thread(_enter, fault)
    began = time.monotonic()
    await asyncio.sleep(seconds)
    await asyncio.to_thread(begun.__exit__, None, None, None)
    ended = time.monotonic()
    await asyncio.sleep(AFTER_SECONDS)
    stopped.set()
    return Story(name, began, ended, await asking)


def _enter(fault: Fault) -> AbstractContextManager[None]:
    begun = fault()
    begun.__enter__()
    return begun


def _fill(built: Built, store: EmbeddedStore) -> None:
    verifying = read_verifying_key(key_files(built.data).signing_public)
    with StoreConnection.open(store.url) as connection:
        publish(built.snapshot, connection, verifying)


def _scores(built: Built) -> Mapping[str, int]:
    rows = pl.read_parquet(built.snapshot / "scores.parquet" / "*.parquet")
    return dict(zip(rows["subject"], rows["score_points"], strict=True))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(port: int, log: Path) -> None:
    import http.client

    deadline, ready = time.monotonic() + 60, 0
    while ready < 5 * WORKERS:  # in a row: each worker has been asked
        if time.monotonic() > deadline:
            sys.exit(log.read_text(errors="replace")[-2_000:])
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/readyz")
            ready = ready + 1 if connection.getresponse().status == 200 else 0
            connection.close()
        except OSError:
            ready = 0
        time.sleep(0.02 if ready else 0.2)


async def _decisions(data: Path) -> set[str]:
    ledger = await open_ledger(ledger_path(data))
    found: set[str] = set()
    try:
        after = 0
        while page := await ledger.events_after(after, kinds=["accessed"], limit=20_000):
            found |= {msgspec.json.decode(event.body)["decision_id"] for event in page}
            after = page[-1].seq
    finally:
        await ledger.close()
    return found


def _show(stories: Sequence[Story], lines: set[str]) -> bool:
    """Whether all was as promised."""
    table = Table(title=f"Chengxin · {machine()}", title_justify="left")
    for heading in (
        "fault", "answered", "503", "p50", "p99", "most", "no answer", "other", "healthy after",
        "false", "without line",
    ):  # fmt: skip
        table.add_column(heading, justify="left" if heading == "fault" else "right")
    is_kept = True
    for story in stories:
        refused, ok = story.refused, [one for one in story.asked if one.status == 200]
        unlogged = sum(one.decision_id not in lines for one in ok)
        false = sum(one.is_false for one in story.asked)
        other = sum(one.is_unexpected and one.status != 0 for one in story.asked)
        silent = sum(one.status == 0 for one in story.asked)
        healthy = story.healthy_after
        most = refused[-1] if refused else 0.0
        is_right = not (false or unlogged or other or silent) and healthy is not None
        is_kept &= is_right and bool(refused) and most <= PROMISED_SECONDS
        table.add_row(
            story.name,
            f"{len(ok):,}",
            f"{len(refused):,}",
            *(f"{_at(refused, share) * 1_000:.0f} ms" for share in (0.5, 0.99)),
            f"{most * 1_000:.0f} ms",
            str(silent),
            str(other),
            "never" if healthy is None else f"{healthy:.2f} s",
            str(false),
            str(unlogged),
        )
    Console(width=140).print(table)
    return is_kept


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


if __name__ == "__main__":
    main()
