"""One thread a process writes the ledger: whatever is queued is committed together.

A sync takes about as long for a hundred events as for one, so the group grows by itself under
load and is a single event when it is quiet. Futures are resolved after the commit, all of them by
one call into the event loop.
"""

import asyncio
import contextlib
import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from queue import Empty, SimpleQueue
from typing import Protocol, TypeVar

import msgspec

from api.ledger.commit_group import AppendRequest, Outcome
from api.ledger.protocol import (
    Afterwards,
    EventDraft,
    EventRefused,
    LedgerError,
    LedgerUnavailable,
)

log = logging.getLogger("chengxin.ledger")

# Pauses between two tries to begin, another process writing. SQLite's own handler sleeps up to
# 100 ms, a hundred times the length of a commit.
LOCK_PAUSES_SECONDS = (0.0002, 0.0005, 0.001)
# Loading a city or erasing has no caller who must be answered at once.
JOB_LOCK_SECONDS = 30.0


def lock_pauses() -> Iterator[float]:
    return itertools.chain(LOCK_PAUSES_SECONDS, itertools.repeat(LOCK_PAUSES_SECONDS[-1]))


class Transactions(Protocol):
    """A database's write transactions, used by the writer's thread alone. What raises stores
    nothing and leaves nothing begun."""

    def try_begin(self) -> bool:
        """False while another process writes. Raises LedgerUnavailable."""
        ...

    def stop_trying(self) -> None:
        """After try_begin has failed and nobody wants the transaction any more."""
        ...

    def begin_within(self, seconds: float) -> None:
        """Raises LedgerUnavailable."""
        ...

    def store(self, requests: list[AppendRequest]) -> list[Outcome]:
        """Decide in the transaction begun, store, commit: when it returns it is on disk. Raises
        EventRefused for what an event is to blame for, else LedgerUnavailable."""
        ...

    def store_many(self, drafts: Sequence[EventDraft]) -> int:
        """The last sequence number; raises as store does."""
        ...

    def give_way(self) -> None:
        """Called with nothing begun: lets another process that waits go first."""
        ...

    def erase_texts(self, digests: Sequence[str], log: EventDraft) -> int:
        """How many there were; raises as store does."""
        ...

    def close(self) -> None: ...


class Budgets(msgspec.Struct, frozen=True, kw_only=True):
    """`lock_seconds`: age at which a request that still waits for the write lock is refused.
    `answer_seconds`: age at which nobody waits any longer (a disk that hangs). `queued`: requests
    waiting; beyond it new ones are refused. `group`: most events in one commit."""

    lock_seconds: float = 0.25
    answer_seconds: float = 1.0
    queued: int = 8192
    group: int = 1024


class Waiting:
    """A request, and the future of whoever waits for its outcome; `afterwards`: as of `append`."""

    __slots__ = ("afterwards", "future", "request", "since")

    def __init__(
        self,
        request: AppendRequest,
        future: asyncio.Future[Outcome],
        afterwards: Afterwards | None = None,
    ) -> None:
        self.request = request
        self.future = future
        self.afterwards = afterwards
        self.since = time.monotonic()

    def tell(self, outcome: Outcome) -> None:
        """On the loop. Its caller may have been cancelled or out of time."""
        if not self.future.done():
            self.future.set_result(outcome)
        elif self.afterwards is not None:
            self.afterwards(outcome)


class Job:
    """A transaction of its own; the outcome is a number."""

    __slots__ = ("future", "work")

    def __init__(
        self, work: Callable[[Transactions], int], future: asyncio.Future[int | LedgerError]
    ) -> None:
        self.work = work
        self.future = future


class Stop:
    """Last in the queue."""


Result = TypeVar("Result")
Results = list[tuple[Waiting, Outcome]]


class Writer:
    """Owned by one event loop: submit and stop are called on it, join anywhere else."""

    def __init__(
        self, transactions: Transactions, loop: asyncio.AbstractEventLoop, budgets: Budgets
    ) -> None:
        self._transactions = transactions
        self._loop = loop
        self._budgets = budgets
        self._queue: SimpleQueue[Waiting | Job | Stop] = SimpleQueue()
        self._taken: deque[Waiting | Job | Stop] = deque()
        self._is_stopped = False
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)
        self._thread.start()

    def submit(
        self, request: AppendRequest, afterwards: Afterwards | None = None
    ) -> asyncio.Future[Outcome]:
        self._require_room()
        future: asyncio.Future[Outcome] = self._loop.create_future()
        self._queue.put(Waiting(request, future, afterwards))
        return future

    def submit_job(self, work: Callable[[Transactions], int]) -> asyncio.Future[int | LedgerError]:
        self._require_room()
        future: asyncio.Future[int | LedgerError] = self._loop.create_future()
        self._queue.put(Job(work, future))
        return future

    def stop(self) -> None:
        """Refuse new requests; what is queued is still stored."""
        if not self._is_stopped:
            self._is_stopped = True
            self._queue.put(Stop())

    def join(self) -> None:
        self._thread.join()

    def _require_room(self) -> None:
        if self._is_stopped:
            raise LedgerUnavailable("closed", is_certain=True)
        if self._queue.qsize() >= self._budgets.queued:
            raise LedgerUnavailable("overloaded", is_certain=True)

    # The writer's thread from here on.

    def _run(self) -> None:
        while not isinstance(job := self._next(), Stop):
            if isinstance(job, Job):
                self._do(job)
            else:
                self._taken.appendleft(job)
                self._store_group()
            self._give_way()
        self._transactions.close()

    def _give_way(self) -> None:
        try:
            self._transactions.give_way()
        except Exception as error:
            _tell_unforeseen(error)

    def _next(self) -> Waiting | Job | Stop:
        return self._taken.popleft() if self._taken else self._queue.get()

    def _store_group(self) -> None:
        """Whatever happens, each of the group is answered and the thread goes on: one that ended
        would leave a worker that stores nothing until somebody starts it anew."""
        try:
            if not self._begin():
                return
        except Exception as error:
            reason = _reason_of(error)
            self._deliver(_all_unavailable(self._take_group(), reason, is_certain=True))
            return
        group = self._take_group()
        try:
            results = self._commit(group)
        except Exception as error:
            results = _all_unavailable(group, _reason_of(error))
        self._deliver(results)

    def _begin(self) -> bool:
        """Wait for the write lock while a request is young enough; False when none is left."""
        for pause in lock_pauses():
            if self._transactions.try_begin():
                return True
            self._refuse_waited_out()
            if not self._taken or not isinstance(self._taken[0], Waiting):
                break
            time.sleep(pause)
        self._transactions.stop_trying()
        return False

    def _refuse_waited_out(self) -> None:
        self._drain()
        oldest = time.monotonic() - self._budgets.lock_seconds
        refused: Results = []
        while self._taken and isinstance(first := self._taken[0], Waiting) and first.since < oldest:
            self._taken.popleft()
            refused.append((first, LedgerUnavailable("locked", is_certain=True)))
        self._deliver(refused)

    def _drain(self) -> None:
        with contextlib.suppress(Empty):
            while len(self._taken) < self._budgets.group:
                self._taken.append(self._queue.get_nowait())

    def _take_group(self) -> list[Waiting]:
        """Requests up to the next job; not those whose caller has gone."""
        self._drain()
        group: list[Waiting] = []
        gone: list[Waiting] = []
        while self._taken and isinstance(first := self._taken[0], Waiting):
            self._taken.popleft()
            (gone if first.future.done() else group).append(first)
        self._deliver(_all_unavailable(gone, "slow", is_certain=True))
        return group

    def _commit(self, group: list[Waiting]) -> Results:
        """Outcomes of the group whose transaction has begun; none of them before the sync."""
        requests = [waiting.request for waiting in group]
        try:
            outcomes = self._transactions.store(requests)
        except LedgerUnavailable as error:
            return _all_unavailable(group, error.reason, is_certain=error.is_certain)
        except EventRefused as error:
            # The database does not say which of them it refuses: each by itself.
            return [(group[0], error)] if len(group) == 1 else self._commit_singly(group)
        return list(zip(group, outcomes, strict=True))

    def _commit_singly(self, group: list[Waiting]) -> Results:
        results: Results = []
        for waiting in group:
            try:
                self._transactions.begin_within(self._budgets.lock_seconds)
            except LedgerUnavailable as error:
                results += _all_unavailable([waiting], error.reason, is_certain=True)
            else:
                results += self._commit([waiting])
        return results

    def _do(self, job: Job) -> None:
        outcome: int | LedgerError
        try:
            self._transactions.begin_within(JOB_LOCK_SECONDS)
            outcome = job.work(self._transactions)
        except LedgerError as error:
            outcome = error
        except Exception as error:
            outcome = LedgerUnavailable(_reason_of(error))
        self._call_loop(lambda: _resolve(job.future, outcome))

    def _deliver(self, results: Results) -> None:
        def resolve_all() -> None:
            for waiting, outcome in results:
                waiting.tell(outcome)

        if results:
            self._call_loop(resolve_all)

    def _call_loop(self, callback: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits any more
            self._loop.call_soon_threadsafe(callback)


def _all_unavailable(group: list[Waiting], reason: str, *, is_certain: bool = False) -> Results:
    """An exception each: one raised by many tasks would collect all their tracebacks."""
    return [(waiting, LedgerUnavailable(reason, is_certain=is_certain)) for waiting in group]


def _reason_of(error: Exception) -> str:
    if isinstance(error, LedgerUnavailable):
        return error.reason
    _tell_unforeseen(error)
    return "io"


def _tell_unforeseen(error: Exception) -> None:
    """The type alone: its text may quote a row."""
    log.error("the ledger's writer met %s and goes on", type(error).__name__)


def _resolve(future: asyncio.Future[Result], outcome: Result) -> None:
    if not future.done():  # its caller may have been cancelled or out of time
        future.set_result(outcome)
