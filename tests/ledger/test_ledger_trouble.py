"""A ledger that cannot store says so in time, acknowledges nothing it has not stored, and recovers."""

import asyncio
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from api.ledger.fold import NEVER_ENROLLED
from api.ledger.protocol import Appended, LedgerUnavailable
from api.ledger.sqlite import SqliteLedger, open_ledger, prepare
from api.ledger.writer import Budgets
from tests.ledger.drafts import enrolled, pseudonym
from tests.ledger.test_ledger_crashes import ROOT, stored
from tests.support.waiting import LONG_SECONDS, awaited_within

Story = Callable[[SqliteLedger], Awaitable[None]]


def run(path: Path, story: Story, budgets: Budgets | None = None) -> None:
    async def told() -> None:
        ledger = await open_ledger(path, budgets)
        try:
            await story(ledger)
        finally:
            await ledger.close()

    asyncio.run(told())


async def reason_refused(waiting: Awaitable[object]) -> str:
    with pytest.raises(LedgerUnavailable) as refused:
        await waiting
    return refused.value.reason


async def is_stored(waiting: Awaitable[object]) -> bool:
    try:
        return isinstance(await waiting, Appended)
    except LedgerUnavailable:
        return False


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


def test_a_lock_held_too_long_is_unavailable_within_300_ms_and_only_as_long_as_it_is_held(
    path: Path,
) -> None:
    async def story(ledger: SqliteLedger) -> None:
        await ledger.append(enrolled(1))
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")

        async def refused() -> None:
            began = time.monotonic()
            waiting = [asyncio.create_task(ledger.append(enrolled(n))) for n in range(2, 40)]
            assert {await reason_refused(task) for task in waiting} == {"locked"}
            assert time.monotonic() - began > 0.2  # they did wait

        await awaited_within(0.6, refused)  # 0.25 s and a busy machine
        assert await ledger.position() == 1  # readers do not wait for writers
        holder.execute("ROLLBACK")
        holder.close()
        assert isinstance(await ledger.append(enrolled(2)), Appended)

    run(path, story, Budgets(answer_seconds=LONG_SECONDS))


def test_requests_wait_for_a_lock_that_is_released_in_time(path: Path) -> None:
    async def story(ledger: SqliteLedger) -> None:
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        waiting = [asyncio.create_task(ledger.append(enrolled(n))) for n in range(10)]
        await asyncio.sleep(0.1)
        holder.execute("ROLLBACK")
        holder.close()
        assert len(await asyncio.gather(*waiting)) == 10

    run(path, story, Budgets(lock_seconds=LONG_SECONDS, answer_seconds=LONG_SECONDS))


def test_more_requests_than_may_wait_are_refused_at_once(path: Path) -> None:
    async def story(ledger: SqliteLedger) -> None:
        answers = await asyncio.gather(
            *(ledger.append(enrolled(n)) for n in range(300)), return_exceptions=True
        )
        refused = [a.reason for a in answers if isinstance(a, LedgerUnavailable)]
        assert "overloaded" in refused
        assert sum(isinstance(a, Appended) for a in answers) + len(refused) == 300
        assert await ledger.position() == 300 - len(refused)

    run(path, story, Budgets(queued=50, lock_seconds=LONG_SECONDS, answer_seconds=LONG_SECONDS))


def test_an_answer_that_takes_too_long_is_not_waited_for(path: Path) -> None:
    async def story(ledger: SqliteLedger) -> None:
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        assert await reason_refused(ledger.append(enrolled(1))) == "slow"
        holder.execute("ROLLBACK")
        holder.close()
        async with asyncio.timeout(LONG_SECONDS):
            while not await is_stored(ledger.append(enrolled(2))):  # a slow disk may take as long
                pass
        # One writer stores in turn; whoever has gone is not stored behind her back.
        assert await ledger.enrolment_of(pseudonym(1)) == NEVER_ENROLLED

    run(path, story, Budgets(lock_seconds=10, answer_seconds=0.1))


def test_a_ledger_removed_or_replaced_under_the_service_acknowledges_nothing(
    path: Path,
) -> None:
    """SQLite would go on writing into the file that no longer has a name."""
    moved = path.with_name("moved.sqlite")

    async def story(ledger: SqliteLedger) -> None:
        await ledger.append(enrolled(1))
        os.rename(path, moved)  # noqa: PTH104 # a test may block its loop
        assert await reason_refused(ledger.append(enrolled(2))) == "gone"
        assert await reason_refused(ledger.position()) == "gone"
        assert path.name not in os.listdir(path.parent)  # noqa: PTH208 # no empty one was begun
        os.close(os.open(path, os.O_CREAT))
        assert await reason_refused(ledger.append(enrolled(2))) == "gone"
        os.replace(moved, path)  # noqa: PTH105 # as above
        assert isinstance(await ledger.append(enrolled(2)), Appended)
        assert await ledger.position() == 2

    run(path, story)
    assert stored(path) == {pseudonym(1): 1, pseudonym(2): 2}


def test_a_log_without_its_ledger_is_not_overwritten_by_a_new_ledger(path: Path) -> None:
    log = path.with_name("ledger.sqlite-wal")
    log.write_bytes(b"the last events")
    with pytest.raises(LedgerUnavailable, match="gone"):
        prepare(path)
    assert log.read_bytes() == b"the last events"
    assert not path.exists()


def test_a_file_that_is_no_ledger_is_not_opened(path: Path) -> None:
    path.write_bytes(b"This is a letter, not a database. " * 200)
    before = path.read_bytes()
    with pytest.raises(LedgerUnavailable, match="damaged"):
        prepare(path)
    assert path.read_bytes() == before


def test_a_place_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(LedgerUnavailable, match="gone"):
        prepare(tmp_path / "file" / "ledger.sqlite")


def test_a_slow_read_ends_at_its_deadline_and_the_next_one_works(path: Path) -> None:
    forever = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"

    async def story(ledger: SqliteLedger) -> None:
        async def refused() -> None:
            reading = ledger._reader.read(lambda c: c.execute(forever).fetchone())
            assert await reason_refused(reading) == "slow"

        await awaited_within(2, refused)
        assert await ledger.position() == 0

    run(path, story)


def check_starved(seen: dict[str, object], path: Path) -> None:
    kept = {pseudonym(int(n)): seq for n, seq in dict(seen["kept"]).items()}  # type: ignore[call-overload]
    assert seen["refused"]
    assert set(seen["refused"]) <= {"full", "io"}  # type: ignore[call-overload]
    assert seen["refused_after"] == []
    assert seen["reads_while_full"]
    assert kept.items() <= stored(path).items()
    assert len(kept) >= 70  # the first 20 and all 50 after the trouble


def test_a_file_that_may_not_grow_is_unavailable_and_recovers_when_it_may(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.ledger.starved_process", str(path)],
        cwd=ROOT,
        capture_output=True,
        check=True,
        timeout=2 * LONG_SECONDS,
    )
    check_starved(json.loads(done.stdout), path)


def test_a_full_disk_is_unavailable_and_the_ledger_recovers_when_there_is_room(
    tmp_path: Path,
) -> None:
    if shutil.which("unshare") is None:
        pytest.skip("a small disk of its own needs unshare, which is not installed")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = f"mount -t tmpfs -o size=1m tmpfs {disk} && "
    permitted = subprocess.run(
        ["unshare", "-m", "sh", "-c", f"{mounted} true"], capture_output=True, check=False
    )
    if permitted.returncode:
        pytest.skip("a small disk of its own needs the right to mount, which is missing here")
    program = f"{sys.executable} -m tests.ledger.full_disk_process {disk}"
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", f"{mounted} {program} && cp {disk}/ledger.sqlite {tmp_path}"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        timeout=2 * LONG_SECONDS,
    )
    seen = json.loads(done.stdout)
    assert "full" in seen["refused"]
    check_starved(seen, tmp_path / "ledger.sqlite")
