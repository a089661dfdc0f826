"""Durable appends a second on this machine, hand-over from and to the event loop included.

`python -m loadtest.bench_ledger [SECONDS]` prints one line a figure.
"""

import asyncio
import base64
import hashlib
import itertools
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import uvloop

from api.ledger.fold import EnrolledBody, body_bytes, enrolment_stream
from api.ledger.protocol import EventDraft, IdempotencyClaim
from api.ledger.sqlite import SqliteLedger, open_ledger
from api.ledger.writer import Budgets

TASKS = 64
TARGET_APPENDS_PER_SECOND = 8_000
TARGET_P99_MS = 20.0

_BODY = body_bytes(
    EnrolledBody(
        notice_version="2026-01",
        notice_language="zh-CN",
        notice_sha256="0" * 64,
        receipt_id="0" * 32,
    )
)


class LedgerFigures(msgspec.Struct, frozen=True, kw_only=True):
    """`busy_microseconds`: of the event loop's time, spent between two appends of a task, as a
    request would. `cpu_microseconds`: of the process for each append."""

    case: str
    tasks: int
    busy_microseconds: int
    appends_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_microseconds: float


Append = Callable[[SqliteLedger, int], Awaitable[object]]


def _draft(number: int) -> EventDraft:
    digest = hashlib.blake2b(number.to_bytes(8, "big"), digest_size=16).digest()
    subject = base64.urlsafe_b64encode(digest)[:22].decode()
    return EventDraft(
        kind="enrolled",
        stream=enrolment_stream(subject),
        subject=subject,
        at_ms=1_790_000_000_000,
        body=_BODY,
    )


def _plain(ledger: SqliteLedger, number: int) -> Awaitable[object]:
    return ledger.append(_draft(number))


def _claimed(ledger: SqliteLedger, number: int) -> Awaitable[object]:
    draft = _draft(number)
    claim = IdempotencyClaim(
        scope=f"enrolment {draft.subject}", key="k", fingerprint=b"0" * 32, status=201, body=_BODY
    )
    return ledger.append(draft, require="not_active", claim=claim)


def _spin(seconds: float) -> None:
    ends = time.perf_counter() + seconds
    while time.perf_counter() < ends:
        pass


async def _measure(
    case: str, append: Append, seconds: float, busy_microseconds: int
) -> LedgerFigures:
    # In the working directory's file system, not in memory: a sync must reach a disk.
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-ledger-") as folder:
        ledger = await open_ledger(Path(folder) / "ledger.sqlite", Budgets(answer_seconds=10))
        numbers = itertools.count()
        took: list[float] = []

        async def task(ends: float) -> None:
            while (began := time.perf_counter()) < ends:
                await append(ledger, next(numbers))
                took.append(time.perf_counter() - began)
                _spin(busy_microseconds / 1e6)

        began, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(task(began + seconds) for _ in range(TASKS)))
        wall, cpu = time.perf_counter() - began, time.process_time() - cpu
        await ledger.close()
    took.sort()
    return LedgerFigures(
        case=case,
        tasks=TASKS,
        busy_microseconds=busy_microseconds,
        appends_per_second=len(took) / wall,
        p50_ms=took[len(took) // 2] * 1e3,
        p99_ms=took[len(took) * 99 // 100] * 1e3,
        cpu_microseconds=cpu / len(took) * 1e6,
    )


def ledger_figures(seconds: float = 3.0) -> list[LedgerFigures]:
    """Quiet loop; loop that also works 50 us a request; enrolments with condition and claim."""
    cases: list[tuple[str, Append, int]] = [
        ("append", _plain, 0),
        ("append, loop busy", _plain, 50),
        ("append with condition and idempotency key", _claimed, 0),
    ]
    return [uvloop.run(_measure(case, append, seconds, busy)) for case, append, busy in cases]


def main() -> None:
    for figures in ledger_figures(float(sys.argv[1]) if len(sys.argv) > 1 else 3.0):
        print(
            f"{figures.case:45} {figures.appends_per_second:9,.0f}/s"
            f"  p50 {figures.p50_ms:6.2f} ms  p99 {figures.p99_ms:6.2f} ms"
            f"  {figures.cpu_microseconds:5.1f} us CPU"
            f"  (target {TARGET_APPENDS_PER_SECOND:,}/s, p99 {TARGET_P99_MS:.0f} ms)"
        )


if __name__ == "__main__":
    main()
