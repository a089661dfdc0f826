"""The snapshot reader of one API worker: a pipe, the version it serves, and how both come back."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

import msgspec

from api.store import versions, wire
from api.store.backoff import Backoff
from api.store.pipe import Pipe
from api.store.protocol import CountedRead, Stored, StoredLife, StoreDown, Version
from api.store.versions import VersionRefused
from scoring.contract.store_address import StoreAddress, parse_address

log = logging.getLogger(__name__)

BeforeServing = Callable[[int], Awaitable[None]]
MOST_REMEMBERED_COUNTERS = 200_000


class ReaderLimits(msgspec.Struct, frozen=True, kw_only=True):
    """A read that takes longer than `deadline_seconds` is 50 times slower than p99: hung."""

    deadline_seconds: float = 0.25
    poll_seconds: float = 0.25  # how late a flip or rollback is seen
    connect_seconds: float = 0.25
    first_wait_seconds: float = 0.02
    most_wait_seconds: float = 1.0  # healthy again at most this long after the store is
    most_waiting: int = 10_000  # at 50,000 reads/s the row of 0.2 s
    replay_seconds: float = 60.0  # a ledger's worth of live marks


class ValkeyReader:
    """Implements SnapshotReader on one connection.

    `before_serving(position)` runs after every connect, and whenever the store has lost its data,
    before any read is answered: it must `mark` what happened after ledger `position`, for a store
    that forgot a withdrawal would answer with a score. It may call `mark` of this reader.
    """

    def __init__(
        self,
        url: str,
        *,
        before_serving: BeforeServing | None = None,
        limits: ReaderLimits | None = None,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._address: StoreAddress = parse_address(url)
        self._before_serving = before_serving
        self._limits = limits or ReaderLimits()
        self._backoff = Backoff(
            self._limits.first_wait_seconds, self._limits.most_wait_seconds, draw
        )
        self._connected: Pipe | None = None
        self._serving: Pipe | None = None  # reads are answered: marks replayed, version known
        self._version: Version | None = None
        self._is_assumed = False  # nobody has asked the store for it yet
        self._keys: dict[str, wire.VersionKeys] = {}
        self._refused: str | None = None
        self._told_causes: set[str] = set()  # of the outage that lasts
        self._began_at: int | None = None
        self._ending: set[str] = set()  # counters whose end this connection has sent
        self._task: asyncio.Task[None] | None = None
        self._first_attempt = asyncio.Event()

    # reads

    def version(self) -> Version:
        if self._version is None:
            raise StoreDown("no snapshot has been read from the store yet")
        return self._version

    def assume(self, version: Version) -> None:
        if self._version is None:
            self._take(version)
            self._is_assumed = True

    @property
    def is_serving(self) -> bool:
        return self._serving is not None and self._version is not None

    def hot(self, version: Version, snapshot_subject: str) -> Awaitable[Stored]:
        pipe = self._serving
        if pipe is None:
            raise StoreDown("the store is not reachable")
        keys = self._keys.get(version.manifest.snapshot) or self._keys_for(version)
        return pipe.pair(keys.hot(snapshot_subject), keys.is_present)

    def explanation(self, version: Version, snapshot_subject: str) -> Awaitable[Stored]:
        pipe = self._serving
        if pipe is None:
            raise StoreDown("the store is not reachable")
        keys = self._keys.get(version.manifest.snapshot) or self._keys_for(version)
        return pipe.pair(keys.explanation(snapshot_subject), keys.is_present)

    async def life(
        self, version: Version, snapshot_subject: str, what: Literal["explanation", "history"]
    ) -> StoredLife:
        pipe = self._serving
        if pipe is None:
            raise StoreDown("the store is not reachable")
        manifest = version.manifest
        request = wire.life(manifest.snapshot, manifest.bucket_count, snapshot_subject, what)
        is_present, mark, hot, beside, position = await pipe.call(request)
        if hot is None and not is_present:
            raise StoreDown("the snapshot is no longer in the store")
        return StoredLife(
            hot=Stored(hot, mark),
            beside=beside,
            overlaid_position=None if position is None else int(position),
        )

    def _keys_for(self, version: Version) -> wire.VersionKeys:
        """Keys of a version that requests in flight still hold; not kept."""
        return wire.keys_of(version.manifest.snapshot, version.manifest.bucket_count)

    async def mark(self, snapshot_subject: str, mark: bytes) -> None:
        if self._connected is None:
            raise StoreDown("the store is not reachable")
        await self._connected.call(wire.set_mark(snapshot_subject, mark))

    def get(self, key: str) -> Awaitable[bytes | None]:
        pipe = self._serving
        if pipe is None:
            raise StoreDown("the store is not reachable")
        return pipe.call(wire.get(key))

    def peek(self, key: str) -> Awaitable[bytes | None]:
        return self._any_pipe().call(wire.get(key))

    def keep_newer(
        self, key: str, value: bytes, *, expires_at: int | None = None
    ) -> Awaitable[object]:
        return self._any_pipe().call(wire.keep_newer(key, value, expires_at))

    async def counted(
        self,
        version: Version,
        snapshot_subject: str,
        *,
        beside: str,
        counter: str,
        expires_at: int,
    ) -> CountedRead:
        pipe = self._serving
        if pipe is None:
            raise StoreDown("the store is not reachable")
        keys = self._keys.get(version.manifest.snapshot) or self._keys_for(version)
        request = keys.counted(snapshot_subject, beside, counter)
        answers = pipe.several(request, wire.COUNTED_ANSWERS)
        self._let_end(pipe, counter, expires_at)
        value, mark, is_present, string, uses = await answers
        if is_present != 1:
            raise StoreDown("the snapshot is no longer in the store")
        return CountedRead(string, uses, Stored(value, mark))

    def count(self, key: str, amount: int, *, expires_at: int) -> Awaitable[int]:
        pipe = self._serving
        if pipe is None:
            raise StoreDown("the store is not reachable")
        counted = pipe.call(wire.count(key, amount))
        self._let_end(pipe, key, expires_at)
        return counted

    def _let_end(self, pipe: Pipe, counter: str, expires_at: int) -> None:
        """Once a connection: after the count, for what there is not cannot be given an end."""
        if counter in self._ending:
            return
        try:
            pipe.call(wire.expire(counter, expires_at)).add_done_callback(_heard)
        except (
            StoreDown
        ):  # no room for another call: what is counted counts, and ends with the next
            return
        if len(self._ending) >= MOST_REMEMBERED_COUNTERS:
            self._ending.clear()
        self._ending.add(counter)

    @property
    def began_at(self) -> int | None:
        return self._began_at

    def add(self, key: str, member: str) -> Awaitable[object]:
        return self._any_pipe().call(wire.add(key, member))

    def members(self, key: str) -> Awaitable[Sequence[bytes]]:
        return self._serving_pipe().call(wire.members(key))

    def raise_to(self, key: str, least: int, *, expires_at: int) -> Awaitable[object]:
        return self._serving_pipe().call(wire.raise_to(key, least, expires_at))

    async def hold(self, key: str, *, milliseconds: int) -> bool:
        return await self._serving_pipe().call(wire.hold(key, milliseconds)) is not None

    def let_go(self, key: str) -> Awaitable[object]:
        return self._serving_pipe().call(wire.let_go(key))

    async def claim_once(self, key: str, *, at: int, issued_at: int, expires_at: int) -> bool:
        if self._serving is None:
            raise StoreDown("the store is not reachable")
        request = wire.claim_once(key, at=at, issued_at=issued_at, expires_at=expires_at)
        return bool(await self._serving.call(request))

    def advance(self, key: str, start: int, end: int) -> Awaitable[int]:
        return self._any_pipe().call(wire.advance(key, start, end))

    def _serving_pipe(self) -> Pipe:
        if self._serving is None:
            raise StoreDown("the store is not reachable")
        return self._serving

    def _any_pipe(self) -> Pipe:
        if self._connected is None:
            raise StoreDown("the store is not reachable")
        return self._connected

    # life

    async def open(self) -> None:
        """Returns after the first attempt to connect, successful or not; then keeps trying."""
        if self._task is None:
            self._task = asyncio.create_task(self._stay_connected(), name="store reader")
            await self._first_attempt.wait()

    async def close(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _stay_connected(self) -> None:
        while True:
            try:
                await self._connect_and_follow()
            except (StoreDown, OSError, ValueError) as error:
                self._tell_outage(logging.WARNING, f"store: {error}")
            except Exception:
                self._tell_outage(logging.ERROR, "store: live marks could not be replayed")
            finally:
                self._hang_up()
            await asyncio.sleep(self._backoff.next_seconds())

    def _tell_outage(self, level: int, what: str) -> None:
        """Each cause once an outage, not twice a second."""
        if what not in self._told_causes:
            self._told_causes.add(what)
            log.log(level, what, exc_info=level >= logging.ERROR)

    def _hang_up(self) -> None:
        self._serving = None
        self._ending.clear()
        pipe, self._connected = self._connected, None
        if pipe is not None:
            pipe.give_up("the connection to the store was closed")
        self._first_attempt.set()

    async def _connect_and_follow(self) -> None:
        pipe = await self._connect()
        self._connected = pipe
        for command in self._address.greeting():
            await pipe.call(wire.pack(*command))
        await self._replay_marks(pipe)
        await self._refresh(pipe)
        self._backoff.reset()
        self._told_causes.clear()
        self._first_attempt.set()
        while not pipe.lost.done():
            await asyncio.wait({pipe.lost}, timeout=self._limits.poll_seconds)
            await self._refresh(pipe)

    async def _connect(self) -> Pipe:
        loop = asyncio.get_running_loop()
        address, limits = self._address, self._limits

        def new_pipe() -> Pipe:
            return Pipe(deadline_seconds=limits.deadline_seconds, most_waiting=limits.most_waiting)

        async with asyncio.timeout(limits.connect_seconds):
            if address.socket_path is not None:
                _, pipe = await loop.create_unix_connection(new_pipe, address.socket_path)
            else:
                _, pipe = await loop.create_connection(
                    new_pipe, address.host, address.port, ssl=address.is_tls or None
                )
        return pipe

    async def _refresh(self, pipe: Pipe) -> None:
        """Serve what `current` names. A version is taken whole or not at all."""
        polled = await versions.poll(pipe)
        if not polled.has_marks:
            self._serving = None
            await self._replay_marks(pipe)
            polled = await versions.poll(pipe)
        self._began_at, current = polled.began_at, polled.current
        if current is not None and current != self._known():
            try:
                self._take(await versions.fetch(pipe, current))
            except VersionRefused as refused:
                self._tell_refused(current, str(refused))
        self._serving = pipe if self._version is not None else None

    def _known(self) -> str | None:
        if self._version is None or self._is_assumed:
            return None
        return self._version.manifest.snapshot

    def _take(self, version: Version) -> None:
        self._version = version
        self._is_assumed = False
        self._refused = None
        snapshot = version.manifest.snapshot
        self._keys = {snapshot: wire.keys_of(snapshot, version.manifest.bucket_count)}

    def _tell_refused(self, snapshot: str, reason: str) -> None:
        if self._refused != snapshot:  # once, not four times a second
            self._refused = snapshot
            log.error("store: %s is not served: %s", snapshot, reason)

    async def _replay_marks(self, pipe: Pipe) -> None:
        position = await versions.lowest_ledger_position(pipe)
        if self._before_serving is not None:
            async with asyncio.timeout(self._limits.replay_seconds):
                await self._before_serving(position)
        with contextlib.suppress(StoreDown):  # a full store: the first claim will tell
            await pipe.call(wire.begin_claims())
        await pipe.call(wire.set_replayed(position))


def _heard(answer: asyncio.Future[object]) -> None:
    """Nobody waits for this answer; a failure shows in the call beside it."""
    if not answer.cancelled():
        answer.exception()
