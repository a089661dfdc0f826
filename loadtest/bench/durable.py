"""Access events acknowledged after their sync, beside the same rows committed one by one."""

import contextlib
import sqlite3
import tempfile
import time
from pathlib import Path

from loadtest.bench.report import Figure
from loadtest.bench_ledger import access_figures


def measure_access_events(seconds: float) -> Figure:
    access = access_figures(seconds)
    return Figure(
        name="access events, durable before acknowledged, 64 waiting",
        value=f"{access.appends_per_second:,.0f}/s, p99 {access.p99_ms:.1f} ms,"
        f" {access.cpu_microseconds:.0f} µs CPU",
        target="≥ 5,000/s, p99 ≤ 20 ms",
        peer=f"SQLite, a commit for each event: {_one_by_one(seconds):,.0f}/s",
    )


def _one_by_one(seconds: float) -> float:
    """Commits a second of rows as large as an access event's, in the same file system."""
    body = "x" * 420
    with (
        tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-ledger-") as folder,
        contextlib.closing(sqlite3.connect(f"{folder}/peer.sqlite", isolation_level=None)) as peer,
    ):
        peer.execute("PRAGMA journal_mode = WAL")
        peer.execute("PRAGMA synchronous = FULL")
        peer.execute("CREATE TABLE event (seq INTEGER PRIMARY KEY, body TEXT NOT NULL)")
        began, count = time.perf_counter(), 0
        while (took := time.perf_counter() - began) < seconds:
            peer.execute("INSERT INTO event (body) VALUES (?)", (body,))
            count += 1
        return count / took
