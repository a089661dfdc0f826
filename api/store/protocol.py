"""What the service asks of the snapshot store."""

from collections.abc import Awaitable, Sequence
from typing import Literal, Protocol

import msgspec

from scoring.contract.snapshot import Manifest


class StoreDown(Exception):
    """Not reachable, hung beyond the budget, or without a complete snapshot: answer 503."""


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """The snapshot a request reads, taken once and used for every read of that request."""

    manifest: Manifest
    documents: dict[str, bytes]  # names in scoring.contract.snapshot.DOCUMENTS -> JSON bytes


class Stored(msgspec.Struct, frozen=True):
    """`value`: hot record or explanation as stored, None where there is none. `mark`: live mark
    (`e:<seq>` or `w:<seq>`), None where nothing happened since the snapshot."""

    value: bytes | None
    mark: bytes | None


class CountedRead(msgspec.Struct, frozen=True):
    """`beside`: the string asked for. `uses`: what the counter holds, this use included."""

    beside: bytes | None
    uses: int
    stored: Stored


class StoredLife(msgspec.Struct, frozen=True, kw_only=True):
    """A citizen's hot record and what stands beside it, read at one moment: an overlay lies over
    both or over none. `overlaid_position`: of the ledger, None where she is as the build left her."""

    hot: Stored
    beside: bytes | None
    overlaid_position: int | None


class SnapshotReader(Protocol):
    def version(self) -> Version:
        """The version being served, from memory. Raises StoreDown where there is none yet."""
        ...

    def assume(self, version: Version) -> None:
        """Where none has been read from the store yet: what it is known to have served last, until
        the store is there and says so itself."""
        ...

    def hot(self, version: Version, snapshot_subject: str) -> Awaitable[Stored]:
        """Raises StoreDown, at the call or when awaited, within the reader's deadline. An awaitable
        and not a coroutine: on the way of every request a layer less is a microsecond less."""
        ...

    def explanation(self, version: Version, snapshot_subject: str) -> Awaitable[Stored]: ...

    async def life(
        self, version: Version, snapshot_subject: str, what: Literal["explanation", "history"]
    ) -> StoredLife:
        """Score and explanation, or score and history, that belong together. Raises StoreDown."""
        ...

    async def mark(self, snapshot_subject: str, mark: bytes) -> None:
        """Set a live mark; returns when every reader of this store sees it. Marks of one subject
        never go back: one with a lower sequence number than the stored mark's changes nothing, so
        that a slow worker cannot undo a withdrawal another one has acknowledged."""
        ...

    def get(self, key: str) -> Awaitable[bytes | None]:
        """A string beside the snapshots, in one write with the other reads of this tick. Raises
        StoreDown, at the call or when awaited."""
        ...

    def peek(self, key: str) -> Awaitable[bytes | None]:
        """As `get`, also before the store serves: for replays."""
        ...

    def keep_newer(
        self, key: str, value: bytes, *, expires_at: int | None = None
    ) -> Awaitable[object]:
        """Set a string that begins with a sequence number, unless the stored one's is as high;
        done when every reader of this store sees it. `expires_at`: Unix seconds. Raises
        StoreDown, at the call or when awaited."""
        ...

    def counted(
        self,
        version: Version,
        snapshot_subject: str,
        *,
        beside: str,
        counter: str,
        expires_at: int,
    ) -> Awaitable[CountedRead]:
        """As `hot`, with one more use counted until `expires_at` (Unix seconds) and the string
        `beside` read: one round trip and the same steps whether there is a record or not. Only a
        complete snapshot is believed that it has none. Raises StoreDown, at the call or when
        awaited."""
        ...

    def count(self, key: str, amount: int, *, expires_at: int) -> Awaitable[int]:
        """Add to a counter that lives until `expires_at` (Unix seconds); its new value. Raises
        StoreDown, at the call or when awaited."""
        ...

    def add(self, key: str, member: str) -> Awaitable[object]:
        """Into a set; also before the store serves: for replays. Raises StoreDown, at the call or
        when awaited."""
        ...

    def members(self, key: str) -> Awaitable[Sequence[bytes]]:
        """Of a set, in any order. Raises StoreDown, at the call or when awaited."""
        ...

    def raise_to(self, key: str, least: int, *, expires_at: int) -> Awaitable[object]:
        """Bring a counter that is lower to `least`, until `expires_at` (Unix seconds). Raises
        StoreDown, at the call or when awaited."""
        ...

    @property
    def began_at(self) -> int | None:
        """Unix seconds since when the store has lost no counter, as last seen; None: unknown."""
        ...

    async def hold(self, key: str, *, milliseconds: int) -> bool:
        """Whether `key` was free on all workers; then it is taken for so long. Raises StoreDown."""
        ...

    def let_go(self, key: str) -> Awaitable[object]:
        """Give a held key back. Raises StoreDown, at the call or when awaited."""
        ...

    def claim_once(self, key: str, *, at: int, issued_at: int, expires_at: int) -> Awaitable[bool]:
        """Whether this is the first claim of `key`, on any worker. A store that lost its data does
        not know the claims before: until `expires_at` it refuses what was issued before it began
        to remember. Unix seconds. Raises StoreDown, at the call or when awaited."""
        ...

    def advance(self, key: str, start: int, end: int) -> Awaitable[int]:
        """Move a stored position to `end`, unless it is below `start`: then the store has lost what
        was written before, and its position is returned as it is. A missing one counts as 0.
        Raises StoreDown, at the call or when awaited."""
        ...

    async def open(self) -> None: ...

    async def close(self) -> None: ...
