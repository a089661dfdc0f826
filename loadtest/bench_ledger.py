"""Durable appends a second on this machine, hand-over from and to the event loop included.

`python -m loadtest.bench_ledger [SECONDS] [postgresql://…]` prints one line a figure. The database
must be an empty one of the bench's own.
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

from api.accesses.events import access_draft
from api.accesses.protocol import AccessEvent
from api.ledger.fold import EnrolledBody, body_bytes, enrolment_stream
from api.ledger.protocol import EventDraft, IdempotencyClaim, Ledger
from api.ledger.sqlite import open_ledger
from api.ledger.writer import Budgets

TASKS = 64
TARGET_APPENDS_PER_SECOND = 8_000
TARGET_P99_MS = 20.0

_PATIENT = Budgets(answer_seconds=10)
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


Append = Callable[[Ledger, int], Awaitable[object]]
AT_MS = 1_790_000_000_000


def _subject(number: int) -> str:
    digest = hashlib.blake2b(number.to_bytes(8, "big"), digest_size=16).digest()
    return base64.urlsafe_b64encode(digest)[:22].decode()


def _access(number: int) -> EventDraft:
    return access_draft(
        AccessEvent(
            subject=_subject(number),
            at_ms=AT_MS,
            initiator_kind="partner",
            initiator="city-bus",
            purpose="deposit_free_ride",
            legal_basis="consent",
            policy="xinyixing-deposit-free",
            consent_id="0" * 22,
            decision_id="0" * 22,
            response_digest="0" * 64,
            snapshot="20260401-000001",
        )
    )


def _enrolment(number: int) -> EventDraft:
    subject = _subject(number)
    return EventDraft(
        kind="enrolled",
        stream=enrolment_stream(subject),
        subject=subject,
        at_ms=AT_MS,
        body=_BODY,
    )


def _logged(ledger: Ledger, number: int) -> Awaitable[object]:
    return ledger.append(_access(number))


def _claimed(ledger: Ledger, number: int) -> Awaitable[object]:
    draft = _enrolment(number)
    claim = IdempotencyClaim(
        scope=f"enrolment {draft.subject}", key="k", fingerprint=b"0" * 32, status=201, body=_BODY
    )
    return ledger.append(draft, require="not_active", claim=claim)


def _spin(seconds: float) -> None:
    ends = time.perf_counter() + seconds
    while time.perf_counter() < ends:
        pass


async def _opened(folder: str, url: str | None) -> Ledger:
    if url is None:
        return await open_ledger(Path(folder) / "ledger.sqlite", _PATIENT)
    from api.ledger.postgres.ledger import open_postgres_ledger

    return await open_postgres_ledger(url, _PATIENT)


async def _measure(
    case: str, append: Append, busy_microseconds: int, *, seconds: float, url: str | None
) -> LedgerFigures:
    # In the working directory's file system, not in memory: a sync must reach a disk.
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-ledger-") as folder:
        ledger = await _opened(folder, url)
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


CASES: list[tuple[str, Append, int]] = [
    ("access event", _logged, 0),
    ("access event, loop busy", _logged, 50),
    ("enrolment with condition and idempotency key", _claimed, 0),
]


def ledger_figures(seconds: float = 3.0, url: str | None = None) -> list[LedgerFigures]:
    """Access events on a quiet loop; on one that also works 50 us a request; enrolments with
    condition and claim. `url`: an empty PostgreSQL ledger instead of a file."""
    return [uvloop.run(_measure(*case, seconds=seconds, url=url)) for case in CASES]


def access_figures(seconds: float) -> LedgerFigures:
    """Access events on a quiet loop, in a file."""
    return uvloop.run(_measure(*CASES[0], seconds=seconds, url=None))


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    for figures in ledger_figures(seconds, sys.argv[2] if len(sys.argv) > 2 else None):
        print(
            f"{figures.case:45} {figures.appends_per_second:9,.0f}/s"
            f"  p50 {figures.p50_ms:6.2f} ms  p99 {figures.p99_ms:6.2f} ms"
            f"  {figures.cpu_microseconds:5.1f} us CPU"
            f"  (target {TARGET_APPENDS_PER_SECOND:,}/s, p99 {TARGET_P99_MS:.0f} ms)"
        )


if __name__ == "__main__":
    main()
