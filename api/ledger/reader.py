"""Reads on connections of their own, in threads, each with a deadline."""

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, Protocol, TypeVar

from api.ledger.connection import LedgerFile, connect_to_read, reason_of
from api.ledger.protocol import LedgerUnavailable

Result = TypeVar("Result")
Connection = TypeVar("Connection")

THREADS = 2
READ_SECONDS = 0.5
WAITING_READS = 1024  # 2 threads x 0.5 s at 1 ms each
# SQLite asks after this many of its instructions (about 100 us) whether the deadline has passed.
INSTRUCTIONS_BETWEEN_LOOKS = 10_000


class Source(Protocol[Connection]):
    """What a reading thread asks of a database; all but close raise LedgerUnavailable."""

    def connect(self) -> Connection: ...

    def ask(
        self, connection: Connection, query: Callable[[Connection], Result], deadline: float
    ) -> Result:
        """`deadline`: of the monotonic clock. After it has raised, the connection is closed."""
        ...

    def close(self, connection: Connection) -> None: ...


class SqliteSource:
    def __init__(self, file: LedgerFile) -> None:
        self._file = file

    def connect(self) -> sqlite3.Connection:
        return connect_to_read(self._file.path)

    def ask(
        self,
        connection: sqlite3.Connection,
        query: Callable[[sqlite3.Connection], Result],
        deadline: float,
    ) -> Result:
        self._file.require_present()
        connection.set_progress_handler(
            lambda: time.monotonic() > deadline, INSTRUCTIONS_BETWEEN_LOOKS
        )
        try:
            return query(connection)
        except sqlite3.Error as error:
            raise LedgerUnavailable(reason_of(error)) from error

    def close(self, connection: sqlite3.Connection) -> None:
        with contextlib.suppress(sqlite3.Error):
            connection.close()


class Reader(Generic[Connection]):
    def __init__(self, source: Source[Connection], read_seconds: float = READ_SECONDS) -> None:
        self._source = source
        self._read_seconds = read_seconds
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="ledger-reader")
        self._own = threading.local()
        self._connections: list[Connection] = []
        self._waiting = 0
        self._is_closed = False

    async def read(self, query: Callable[[Connection], Result]) -> Result:
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

    def _run(self, query: Callable[[Connection], Result], deadline: float) -> Result:
        is_kept = getattr(self._own, "connection", None) is not None
        try:
            return self._ask(query, deadline)
        except LedgerUnavailable as error:
            if error.reason != "gone" or not is_kept:
                raise
            return self._ask(query, deadline)  # a server may have been restarted since

    def _ask(self, query: Callable[[Connection], Result], deadline: float) -> Result:
        connection = self._connection()
        try:
            return self._source.ask(connection, query, deadline)
        except LedgerUnavailable:
            self._forget(connection)
            raise

    def _connection(self) -> Connection:
        connection: Connection | None = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._own.connection = self._source.connect()
            self._connections.append(connection)
        return connection

    def _forget(self, connection: Connection) -> None:
        self._own.connection = None
        self._connections.remove(connection)
        self._source.close(connection)

    async def close(self) -> None:
        self._is_closed = True
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)
        for connection in self._connections:
            self._source.close(connection)
