"""One connection shared by all requests: reads of the same loop tick leave in one write.

Replies are matched to calls by order alone, so the row of waiting calls is never touched except at
its ends: a cancelled call keeps its place and its answer is thrown away. A pipe that lost or timed
out one answer is closed for good; a new connection starts with a new pipe, row and parser.
"""

import asyncio
from collections import deque
from functools import partial
from typing import Any, cast

import hiredis

from api.store.protocol import Stored, StoreDown

# Time for answers that came while the process itself was not running (a pause, a busy host): the
# loop looks at timers before it looks at sockets.
SECOND_LOOK_SECONDS = 0.01

_NOTHING_YET = object()
_ANSWER_TYPES = (bytes, type(None))

# What a call waits for: one answer, so many, or record and mark, with what to ask where there is no
# record.
_Shape = int | bytes | None


class Pipe(asyncio.Protocol):
    """`deadline_seconds`: oldest unanswered write before the pipe is given up. `most_waiting`:
    calls in the row before new ones are refused."""

    def __init__(self, *, deadline_seconds: float, most_waiting: int) -> None:
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._loop = asyncio.get_running_loop()
        self._deadline_seconds = deadline_seconds
        self._most_waiting = most_waiting
        self._transport: asyncio.Transport | None = None
        self._reader = hiredis.Reader(notEnoughData=_NOTHING_YET)
        self._waiting: deque[tuple[asyncio.Future[Any], _Shape]] = deque()
        self._begun: list[Any] = []  # answers of the first call in the row, while some are missing
        self._unsent: list[bytes] = []
        self._entered = 0  # calls that ever joined the row
        self._sent: deque[tuple[int, float]] = deque()  # (entered, loop time) of each write
        self._watch: asyncio.TimerHandle | None = None
        self._is_suspected = False

    # calls

    def pair(self, request: bytes, is_present: bytes) -> asyncio.Future[Stored]:
        """`request` is two commands, answered by record and mark. Where there is no record,
        `is_present` (EXISTS of the snapshot's manifest) is asked before that is believed."""
        return self._enter(request, is_present)

    def call(self, request: bytes) -> asyncio.Future[Any]:
        """`request` is one command; an error reply raises StoreDown."""
        return self._enter(request, None)

    def several(self, request: bytes, answers: int) -> asyncio.Future[list[Any]]:
        """`request` is as many commands as `answers`; one error reply among them raises
        StoreDown."""
        return self._enter(request, answers)

    def _enter(self, request: bytes, shape: _Shape) -> asyncio.Future[Any]:
        if self._transport is None:
            raise StoreDown("the connection to the store is closed")
        if len(self._waiting) >= self._most_waiting:
            raise StoreDown("too many reads are waiting for the store")
        future = self._loop.create_future()
        self._waiting.append((future, shape))
        self._entered += 1
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(request)
        return future

    def _flush(self) -> None:
        unsent, self._unsent = self._unsent, []
        if self._transport is None:
            return
        self._transport.write(b"".join(unsent))
        self._sent.append((self._entered, self._loop.time()))
        if self._watch is None:
            self._watch = self._loop.call_later(self._deadline_seconds, self._look)

    # answers

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        try:
            self._settle_all()
        except (hiredis.ProtocolError, IndexError):  # no RESP, or an answer nobody asked for
            self.give_up("the store sent what was not asked for")

    def _settle_all(self) -> None:
        gets, waiting = self._reader.gets, self._waiting
        begun = self._begun
        while (reply := gets()) is not _NOTHING_YET:
            future, shape = waiting[0]
            if shape is None:
                waiting.popleft()
                if not future.done():
                    _settle(future, reply)
                continue
            begun.append(reply)
            if len(begun) == (shape if type(shape) is int else 2):
                waiting.popleft()
                if not future.done():
                    self._settle_begun(future, shape, begun)
                self._begun = begun = []

    def _settle_begun(
        self, future: asyncio.Future[Any], shape: bytes | int, answers: list[Any]
    ) -> None:
        if isinstance(shape, bytes):
            self._settle_pair(future, answers[0], answers[1], shape)
            return
        for answer in answers:
            if isinstance(answer, hiredis.ReplyError):
                future.set_exception(_refused_by(answer))
                return
        future.set_result(answers)

    def _settle_pair(
        self, future: asyncio.Future[Stored], value: Any, mark: Any, is_present: bytes
    ) -> None:
        if type(value) is bytes and type(mark) in _ANSWER_TYPES:
            future.set_result(Stored(value, mark))
        elif value is None and type(mark) in _ANSWER_TYPES:
            try:
                check = self.call(is_present)
            except StoreDown as error:
                future.set_exception(error)
            else:
                check.add_done_callback(partial(_settle_absent, future, mark))
        else:
            future.set_exception(StoreDown("the store answered a read with an error"))

    # the end

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # made by create_*_connection

    def connection_lost(self, exc: Exception | None) -> None:
        self.give_up("the connection to the store was lost")

    def give_up(self, reason: str) -> None:
        """Fail every waiting call at once; nothing that still arrives is looked at."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()
        if self._watch is not None:
            self._watch.cancel()
        waiting, self._waiting = self._waiting, deque()
        for future, _ in waiting:
            if not future.done():
                future.set_exception(StoreDown(reason))
        if not self.lost.done():
            self.lost.set_result(None)

    def _look(self) -> None:
        """Is the oldest unanswered write older than the deadline?"""
        self._watch = None
        answered = self._entered - len(self._waiting)
        sent = self._sent
        while sent and sent[0][0] <= answered:
            sent.popleft()
            self._is_suspected = False
        if not sent:
            return
        left_seconds = sent[0][1] + self._deadline_seconds - self._loop.time()
        if left_seconds <= 0 and self._is_suspected:
            self.give_up("the store did not answer in time")
            return
        self._is_suspected = left_seconds <= 0
        self._watch = self._loop.call_later(max(left_seconds, SECOND_LOOK_SECONDS), self._look)


def _settle(future: asyncio.Future[Any], reply: Any) -> None:
    if isinstance(reply, hiredis.ReplyError):
        future.set_exception(_refused_by(reply))
    else:
        future.set_result(reply)


def _refused_by(reply: hiredis.ReplyError) -> StoreDown:
    """Its text names the error's kind (OOM, LOADING, NOAUTH …), never a key or a value."""
    return StoreDown(f"the store answered {str(reply).split(' ', 1)[0]}")


def _settle_absent(
    future: asyncio.Future[Stored], mark: bytes | None, check: asyncio.Future[Any]
) -> None:
    error = None if check.cancelled() else check.exception()
    if future.done():
        return
    if error is None and not check.cancelled() and check.result() == 1:
        future.set_result(Stored(None, mark))
    else:
        future.set_exception(error or StoreDown("the snapshot is no longer in the store"))
