"""Reads on connections of their own, in threads, each with a deadline."""

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from api.ledger.connection import LedgerFile, connect_to_read, reason_of
from api.ledger.protocol import LedgerUnavailable

Result = TypeVar("Result")

THREADS = 2
READ_SECONDS = 0.5
WAITING_READS = 1024  # 2 threads x 0.5 s at 1 ms each
# SQLite asks after this many of its instructions (about 100 us) whether the deadline has passed.
INSTRUCTIONS_BETWEEN_LOOKS = 10_000


class Reader:
    def __init__(self, file: LedgerFile, read_seconds: float = READ_SECONDS) -> None:
        self._file = file
        self._read_seconds = read_seconds
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="ledger-reader")
        self._own = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._waiting = 0
        self._is_closed = False

    async def read(self, query: Callable[[sqlite3.Connection], Result]) -> Result:
        """Raises LedgerUnavailable, at the latest when the read's time is over."""
        if self._is_closed:
            raise LedgerUnavailable("closed")
        if self._waiting >= WAITING_READS:
            raise LedgerUnavailable("overloaded")
        deadline = time.monotonic() + self._read_seconds
        work = asyncio.wrap_future(self._threads.submit(self._run, query, deadline))
        self._waiting += 1
        work.add_done_callback(self._one_less)
        done, _ = await asyncio.wait((work,), timeout=self._read_seconds)
        if not done:
            work.cancel()
            raise LedgerUnavailable("slow")
        return work.result()

    def _one_less(self, work: asyncio.Future[Result]) -> None:
        self._waiting -= 1
        if not work.cancelled():
            work.exception()  # seen, also when its caller has gone

    def _run(self, query: Callable[[sqlite3.Connection], Result], deadline: float) -> Result:
        self._file.require_present()
        connection = self._connection()
        connection.set_progress_handler(
            lambda: time.monotonic() > deadline, INSTRUCTIONS_BETWEEN_LOOKS
        )
        try:
            return query(connection)
        except sqlite3.Error as error:
            self._forget(connection)
            raise LedgerUnavailable(reason_of(error)) from error

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._own.connection = connect_to_read(self._file.path)
            self._connections.append(connection)
        return connection

    def _forget(self, connection: sqlite3.Connection) -> None:
        self._own.connection = None
        self._connections.remove(connection)
        with contextlib.suppress(sqlite3.Error):
            connection.close()

    async def close(self) -> None:
        self._is_closed = True
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)
        for connection in self._connections:
            connection.close()
