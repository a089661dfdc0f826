"""Nothing acknowledged is lost: killed writers, failed power, two writers at once."""

import asyncio
import collections
import datetime as dt
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from api.ledger.audit.auditing import AuditReport, audit
from api.ledger.audit.folders import StoredHead
from api.ledger.audit.heads import verify_head
from api.ledger.audit.keeping import make_head
from api.ledger.audit.log import SqliteLog
from api.ledger.sqlite import open_ledger, prepare
from tests.ledger.drafts import enrolled, pseudonym
from tests.ledger.power_loss import Disk, calls_in, written
from tests.ledger.signing_beside import FIRST_HOUR, SigningBeside
from tests.support.waiting import LONG_SECONDS

ROOT = Path(__file__).parents[2]


def start_writer(
    ledger: Path,
    told: Path,
    first: int,
    last: int,
    per_second: float,
    *more: str,
    under: Sequence[str] = (),
) -> subprocess.Popen[bytes]:
    arguments = [str(ledger), str(told), str(first), str(last), str(per_second), *more]
    return subprocess.Popen(
        [*under, sys.executable, "-m", "tests.ledger.writer_process", *arguments], cwd=ROOT
    )


def acknowledged(text: str) -> dict[int, int]:
    """Number of the person -> sequence number, from complete lines."""
    words = [line.split() for line in text.splitlines(keepends=True) if line.endswith("\n")]
    return {int(number): int(seq) for number, seq, *_ in words if seq.isdecimal()}


def stored(ledger: Path) -> dict[str, int]:
    """Subject -> sequence number; fails where the file is damaged or someone stands there twice."""
    connection = sqlite3.connect(ledger)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = connection.execute("SELECT subject, seq FROM event ORDER BY seq").fetchall()
    finally:
        connection.close()
    assert [seq for _, seq in rows] == list(range(1, len(rows) + 1))
    assert max(collections.Counter(subject for subject, _ in rows).values(), default=1) == 1
    return dict(rows)


def stored_whole(ledger: Path) -> dict[str, int]:
    """As `stored`; fails where an event and the text stored with it are not both there."""
    events = stored(ledger)
    connection = sqlite3.connect(ledger)
    texts = connection.execute("SELECT seq FROM text ORDER BY seq").fetchall()
    connection.close()
    assert [seq for (seq,) in texts] == sorted(events.values())
    return events


def wait_for_lines(told: Path, lines: int, process: subprocess.Popen[bytes]) -> None:
    ends = time.monotonic() + LONG_SECONDS
    while not told.exists() or told.read_bytes().count(b"\n") < lines:
        assert process.poll() is None, "the writer ended early"
        assert time.monotonic() < ends, "the writer is too slow to be tested"
        time.sleep(0.005)


def test_a_killed_writer_has_lost_nothing_it_acknowledged(tmp_path: Path) -> None:
    ledger, told = tmp_path / "ledger.sqlite", tmp_path / "told"
    chance = random.Random(7)
    for round_ in range(3):
        first = round_ * 10_000
        process = start_writer(ledger, told, first, first + 9_999, 200)
        wait_for_lines(
            told, len(told.read_text().splitlines()) + 25 if told.exists() else 25, process
        )
        time.sleep(chance.uniform(0, 0.05))
        process.send_signal(signal.SIGKILL)
        process.wait()
        kept = stored_whole(ledger)
        answers = acknowledged(told.read_text())
        assert len(answers) >= 25 * (round_ + 1)
        assert {pseudonym(n): seq for n, seq in answers.items()}.items() <= kept.items()


class TracedRun(NamedTuple):
    """`before`: the ledger's bytes before the run."""

    ledger: Path
    trace: str
    before: bytes
    signing: SigningBeside

    def heads(self, at_seconds: float) -> list[StoredHead]:
        """Signed before then."""
        return [signed.head for signed in self.signing.heads if signed.at_seconds < at_seconds]


@pytest.fixture(scope="module")
def traced_run(tmp_path_factory: pytest.TempPathFactory) -> TracedRun:
    """120 events at 60/s, log moved into the database every 20 pages, signed all the while."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("power loss is replayed from a trace of system calls: strace is not installed")
    if subprocess.run([strace, "-f", "true"], capture_output=True, check=False).returncode:
        pytest.skip("power loss is replayed from a trace of system calls: tracing is not permitted")
    folder = tmp_path_factory.mktemp("power")
    ledger, told, trace = folder / "ledger.sqlite", folder / "told", folder / "trace"
    asyncio.run(_empty(ledger))
    before = ledger.read_bytes()
    assert not ledger.with_name("ledger.sqlite-wal").exists()
    traced = [strace, "-f", "-ttt", "-y", "-xx", "-s", "1000000", "-o", str(trace)]
    traced += ["-e", "trace=pwrite64,write,ftruncate,fdatasync,fsync"]
    for path in (ledger, ledger.with_name("ledger.sqlite-wal"), told):
        traced += ["-P", str(path)]
    with SigningBeside(ledger, folder / "signed") as signing:
        process = start_writer(ledger, told, 1, 120, 60, "20", under=traced)
        assert process.wait(timeout=3 * LONG_SECONDS) == 0
    return TracedRun(ledger, trace.read_text(), before, signing)


async def _empty(ledger: Path) -> None:
    await (await open_ledger(ledger)).close()


@pytest.mark.parametrize("keeps_unsynced", [False, True], ids=["cut to the last sync", "torn"])
def test_after_power_loss_at_any_moment_every_acknowledged_event_is_there_and_all_is_as_signed(
    traced_run: TracedRun, tmp_path: Path, keeps_unsynced: bool
) -> None:
    ledger, trace, before, signing = traced_run
    log = f"{ledger}-wal"
    calls = list(calls_in(trace))
    assert sum(call.name in ("fdatasync", "fsync") and call.path == log for call in calls) >= 40
    assert any(call.path == str(ledger) and call.name == "pwrite64" for call in calls)
    chance = random.Random(11)
    moments = {*chance.sample(range(len(calls)), 30), len(calls) - 1}
    disk, told = Disk({str(ledger): before}), ""
    most = most_heads = 0
    for moment, call in enumerate(calls):
        if call.path.endswith("told"):
            told += call.data.decode()
        else:
            disk.apply(call)
        if moment in moments:
            image = (
                disk.synced if not keeps_unsynced else lambda p: disk.after_power_loss(p, chance)
            )
            left = tmp_path / str(moment)
            written(left, {"ledger.sqlite": image(str(ledger)), "ledger.sqlite-wal": image(log)})
            answers = acknowledged(told)
            prepare(left / "ledger.sqlite")  # what a worker does at its start
            kept = stored_whole(left / "ledger.sqlite")
            assert {pseudonym(n): seq for n, seq in answers.items()}.items() <= kept.items()
            heads = traced_run.heads(call.at_seconds)
            report = audited(left / "ledger.sqlite", heads)
            assert report.broken is None
            assert (report.events, report.heads) == (len(kept), len(heads))
            assert_goes_on(left, signing, heads)
            most, most_heads = max(most, len(answers)), max(most_heads, len(heads))
    assert most == 120
    assert most_heads >= 3


def audited(ledger: Path, heads: list[StoredHead]) -> AuditReport:
    with SqliteLog(ledger) as log:
        return audit(log, heads)


def assert_goes_on(left: Path, signing: SigningBeside, heads: list[StoredHead]) -> None:
    """The next head can be signed though the kept hashes are lost, and continues the last one."""
    for stored in heads[-1:]:
        verify_head(stored.note, signing.key.public_key())
        (left / "heads").mkdir()
        (left / "heads" / stored.name).write_text(stored.note, "utf-8")
    hour = FIRST_HOUR + dt.timedelta(days=365)
    with SqliteLog(left / "ledger.sqlite") as log:
        _, head = make_head(left, log, signing.key, hour)
    assert head.size >= max((stored.head.size for stored in heads), default=0)


def test_without_the_last_sync_the_replay_does_find_lost_events(
    traced_run: TracedRun, tmp_path: Path
) -> None:
    """The check above can fail: a disk that never synced its log has lost what was acknowledged,
    and what was signed."""
    ledger, trace, before, signing = traced_run
    disk, told = Disk({str(ledger): before}), ""
    for call in calls_in(trace):
        if call.path.endswith("told"):
            told += call.data.decode()
        elif call.name not in ("fdatasync", "fsync"):
            disk.apply(call)
    written(tmp_path / "left", {"ledger.sqlite": disk.synced(str(ledger))})
    left = tmp_path / "left" / "ledger.sqlite"
    assert len(stored_whole(left)) < len(acknowledged(told))
    broken = audited(left, [signed.head for signed in signing.heads]).broken
    assert broken is not None
    assert broken.what == "missing"


def test_two_processes_writing_at_once_lose_nothing_and_number_nothing_twice(
    tmp_path: Path,
) -> None:
    ledger = tmp_path / "ledger.sqlite"
    logs = [tmp_path / "told-a", tmp_path / "told-b"]
    processes = [
        start_writer(ledger, told, n * 1_000, n * 1_000 + 299, 2_000) for n, told in enumerate(logs)
    ]
    assert [process.wait(timeout=3 * LONG_SECONDS) for process in processes] == [0, 0]
    answers: dict[int, int] = {}
    for told in logs:
        answers |= acknowledged(told.read_text())
    assert len(answers) == 600
    assert {pseudonym(n): seq for n, seq in answers.items()} == stored_whole(ledger)


def test_a_request_repeated_after_a_kill_is_stored_once(tmp_path: Path) -> None:
    ledger, told = tmp_path / "ledger.sqlite", tmp_path / "told"
    process = start_writer(ledger, told, 1, 100_000, 1_000)
    wait_for_lines(told, 40, process)
    process.kill()
    process.wait()
    again = tmp_path / "again"
    assert start_writer(ledger, again, 1, 60, 5_000).wait(timeout=3 * LONG_SECONDS) == 0
    answers = [line.split()[1] for line in again.read_text().splitlines()]
    assert answers.count("replayed") >= 40
    assert len(answers) == 60
    assert {pseudonym(n) for n in range(1, 61)} <= stored_whole(ledger).keys()
    assert enrolled(1).subject in stored_whole(ledger)
