"""What the service asks of a ledger; SQLite and PostgreSQL keep the same promise.

Promise: when `append` returns, the event survives power loss; when it raises, the event is not
stored (or, after LedgerUnavailable, may be: repeat with the same idempotency key).
"""

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

import msgspec

Require = Literal["any", "active", "not_active"]


class EventDraft(msgspec.Struct, frozen=True, kw_only=True):
    """`kind`, and the `stream` it may stand in: see `kinds`. `subject`: the citizen's pseudonym.
    `at_ms`: UTC milliseconds, given by the caller. `body`: canonical JSON of the event's kind."""

    kind: str
    stream: str
    subject: str
    at_ms: int
    body: bytes


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """`seq` grows by commit order without gaps that are later filled: a follower misses nothing."""

    seq: int
    kind: str
    stream: str
    subject: str
    at_ms: int
    body: bytes


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wrote; an event names it by `digest` (see `texts`). Unlike an event it can be
    erased."""

    digest: str
    salt: bytes
    words: str


class StandingText(msgspec.Struct, frozen=True, kw_only=True):
    """A text that is not erased, by its digest, and the event it was stored with."""

    digest: str
    event: Event


class IdempotencyClaim(msgspec.Struct, frozen=True, kw_only=True):
    """Stored in the same transaction as the event. `scope`: who (a pseudonym) and which operation;
    `fingerprint`: digest of the request; `status` and `body`: the answer to give again."""

    scope: str
    key: str
    fingerprint: bytes
    status: int
    body: bytes


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """A limit on what one citizen may have. Of `kinds`, the draft's subject must have fewer than
    `places` events above `since`. Who has counted up to `since` and asks for the places left is
    held to the limit exactly, however many ask at once; they need not wait for each other."""

    kinds: tuple[str, ...]
    since: int
    places: int


class Appended(msgspec.Struct, frozen=True, kw_only=True):
    event: Event


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """The same key with the same fingerprint came before: its answer, nothing stored."""

    status: int
    body: bytes


class Enrolment(msgspec.Struct, frozen=True, kw_only=True):
    """Fold of a subject's `enrolled` and `withdrawn` events."""

    status: Literal["none", "active", "withdrawn"]
    notice_version: str | None
    enrolled_at_ms: int | None
    seq: int


class LedgerError(Exception):
    """Base of what `append` can refuse."""


class LedgerUnavailable(LedgerError):
    """Nothing was acknowledged: answer 503. `reason`: one of locked, full, read_only, io, gone,
    damaged, overloaded, slow, closed. `is_certain`: nothing is stored, and nothing will be."""

    def __init__(self, reason: str = "io", *, is_certain: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_certain = is_certain


class LedgerSchemaUnknown(LedgerError):
    """The ledger was written by a newer program, or its migrations are not ours: do not serve."""


class EventRefused(LedgerError):
    """The database refuses this very event (no subject, body not JSON); repeating cannot help."""


class ConditionNotMet(LedgerError):
    """The subject's state, read in the append's own transaction, is not the required one."""

    def __init__(self, enrolment: Enrolment) -> None:
        super().__init__(enrolment.status)
        self.enrolment = enrolment


class StreamChanged(LedgerError):
    """Somebody wrote to the stream since it was read: read it again, decide again. `seq`: of its
    last event, 0 when it has none."""

    def __init__(self, seq: int) -> None:
        super().__init__(str(seq))
        self.seq = seq


class RoomTaken(LedgerError):
    """Others took the places left since they were counted: count again, decide again."""


class IdempotencyConflict(LedgerError):
    """The key was used before with another request."""


Afterwards = Callable[[Appended | Replayed | LedgerError], None]


class MarkPending(Exception):
    """Stored, but not yet seen by the snapshot's readers: answer 503. It will be, without any
    further request, and repeating the request is safe."""


class MarkWriter(Protocol):
    """Tells the snapshot's readers of an enrolment before the next build does."""

    async def announce(self, subject: str, enrolment: Enrolment) -> None:
        """Returns when every reader sees it. Raises MarkPending after its budget."""
        ...


class Ledger(Protocol):
    async def append(
        self,
        draft: EventDraft,
        *,
        require: Require = "any",
        unchanged_since: int | None = None,
        stream_unchanged_since: int | None = None,
        room: Room | None = None,
        claim: IdempotencyClaim | None = None,
        text: Text | None = None,
        afterwards: Afterwards | None = None,
    ) -> Appended | Replayed:
        """Store one event durably, and in the same transaction the text it names.

        Inside the transaction `require` is checked against the subject's enrolment,
        `unchanged_since` against that enrolment's `seq`, `stream_unchanged_since` against the
        seq of the last event of the draft's stream (0: none yet), and then `room`. The claim is
        looked up first: a repeated request is answered whatever became of the state since.
        `afterwards` is told what became of it where the caller was cancelled or refused as slow
        before that was known.

        Raises ConditionNotMet, StreamChanged, RoomTaken, IdempotencyConflict, EventRefused,
        LedgerUnavailable.
        """
        ...

    async def replay(self, *, scope: str, key: str, fingerprint: bytes) -> Replayed | None:
        """The answer given to this request before, None where it never came. Raises
        IdempotencyConflict, LedgerUnavailable."""
        ...

    async def append_many(self, drafts: Sequence[EventDraft]) -> int:
        """Store many in one transaction (loading a demo city); returns the last sequence number."""
        ...

    async def enrolment_of(self, subject: str) -> Enrolment: ...

    async def stream_events(self, stream: str) -> list[Event]:
        """All events of one stream in order: what its state is folded from."""
        ...

    async def subject_events(
        self,
        subject: str,
        *,
        kinds: Sequence[str],
        limit: int,
        before_seq: int | None = None,
    ) -> list[Event]:
        """Events about one citizen, newest first; the next page is `before_seq` the last one's."""
        ...

    async def events_after(
        self, seq: int, *, limit: int, kinds: Sequence[str] | None = None
    ) -> list[Event]:
        """Committed events above `seq` in order, of these kinds or of all; what projections
        follow."""
        ...

    async def position(self) -> int:
        """Sequence number of the last committed event; 0 when empty."""
        ...

    async def texts(self, digests: Sequence[str]) -> dict[str, str]:
        """Words by digest; what was erased is missing."""
        ...

    async def standing_texts(self, after_seq: int, *, limit: int) -> list[StandingText]:
        """Of events above `after_seq`, in their order. The database itself erases a statement when
        it is replaced, removed, or its citizen leaves: in the transaction of that event."""
        ...

    async def erase_texts(self, digests: Sequence[str], log: EventDraft) -> int:
        """Erase, and store the event that tells of it, in one transaction; how many texts there
        were. Their bytes are gone from the database's files soon after."""
        ...

    async def close(self) -> None: ...
