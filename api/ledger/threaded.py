"""A ledger whose database is asked in threads: one that writes, two that read."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from api.deadlines import Deadlines
from api.ledger.commit_group import AppendRequest, Outcome, StoredClaim, answered_before
from api.ledger.protocol import (
    Afterwards,
    Appended,
    Enrolment,
    Event,
    EventDraft,
    IdempotencyClaim,
    IdempotencyConflict,
    LedgerError,
    LedgerUnavailable,
    Replayed,
    Require,
    Room,
    StandingText,
    Text,
)
from api.ledger.reader import Reader, Source
from api.ledger.writer import Budgets, Transactions, Writer

Connection = TypeVar("Connection")
Asked_contra = TypeVar("Asked_contra", contravariant=True)


class Questions(Protocol[Asked_contra]):
    """What a database's module of statements can be asked."""

    def claim_in(self, connection: Asked_contra, scope: str, key: str, /) -> StoredClaim | None: ...

    def enrolment_in(self, connection: Asked_contra, subject: str, /) -> Enrolment: ...

    def stream_events_in(self, connection: Asked_contra, stream: str, /) -> list[Event]: ...

    def subject_events_in(
        self,
        connection: Asked_contra,
        subject: str,
        kinds: Sequence[str],
        limit: int,
        before_seq: int | None,
        /,
    ) -> list[Event]: ...

    def events_in(
        self, connection: Asked_contra, after: int, limit: int, kinds: Sequence[str] | None, /
    ) -> list[Event]: ...

    def last_seq(self, connection: Asked_contra, /) -> int: ...

    def texts_in(self, connection: Asked_contra, digests: Sequence[str], /) -> dict[str, str]: ...

    def standing_texts_in(
        self, connection: Asked_contra, after_seq: int, limit: int, /
    ) -> list[StandingText]: ...


class ThreadedLedger(Generic[Connection]):
    """See `protocol.Ledger`. Belongs to the event loop it was made on."""

    def __init__(
        self,
        transactions: Transactions,
        source: Source[Connection],
        questions: Questions[Connection],
        budgets: Budgets,
    ) -> None:
        self._deadlines: Deadlines[asyncio.Future[Outcome]] = Deadlines(
            budgets.answer_seconds,
            is_over=asyncio.Future.done,
            give_up=lambda future: future.set_result(LedgerUnavailable("slow")),
        )
        self._questions = questions
        self._writer = Writer(transactions, asyncio.get_running_loop(), budgets)
        self._reader = Reader(source)

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
        request = AppendRequest(
            draft, require, unchanged_since, stream_unchanged_since, room, claim, text
        )
        future = self._writer.submit(request, afterwards)
        self._deadlines.watch(future)
        outcome = await future
        if isinstance(outcome, LedgerError):
            raise outcome
        return outcome

    async def append_many(self, drafts: Sequence[EventDraft]) -> int:
        return await self._done(lambda transactions: transactions.store_many(drafts))

    async def texts(self, digests: Sequence[str]) -> dict[str, str]:
        if not digests:
            return {}
        return await self._reader.read(lambda c: self._questions.texts_in(c, digests))

    async def standing_texts(self, after_seq: int, *, limit: int) -> list[StandingText]:
        return await self._reader.read(
            lambda c: self._questions.standing_texts_in(c, after_seq, limit)
        )

    async def erase_texts(self, digests: Sequence[str], log: EventDraft) -> int:
        return await self._done(lambda transactions: transactions.erase_texts(digests, log))

    async def _done(self, work: Callable[[Transactions], int]) -> int:
        outcome = await self._writer.submit_job(work)
        if isinstance(outcome, LedgerError):
            raise outcome
        return outcome

    async def replay(self, *, scope: str, key: str, fingerprint: bytes) -> Replayed | None:
        stored = await self._reader.read(lambda c: self._questions.claim_in(c, scope, key))
        if stored is None:
            return None
        answer = answered_before(stored, fingerprint)
        if isinstance(answer, IdempotencyConflict):
            raise answer
        return answer

    async def enrolment_of(self, subject: str) -> Enrolment:
        return await self._reader.read(lambda c: self._questions.enrolment_in(c, subject))

    async def stream_events(self, stream: str) -> list[Event]:
        return await self._reader.read(lambda c: self._questions.stream_events_in(c, stream))

    async def subject_events(
        self,
        subject: str,
        *,
        kinds: Sequence[str],
        limit: int,
        before_seq: int | None = None,
    ) -> list[Event]:
        return await self._reader.read(
            lambda c: self._questions.subject_events_in(c, subject, kinds, limit, before_seq)
        )

    async def events_after(
        self, seq: int, *, limit: int, kinds: Sequence[str] | None = None
    ) -> list[Event]:
        return await self._reader.read(lambda c: self._questions.events_in(c, seq, limit, kinds))

    async def position(self) -> int:
        return await self._reader.read(self._questions.last_seq)

    async def close(self) -> None:
        """Store what is queued, then end; later calls raise LedgerUnavailable."""
        self._writer.stop()
        await asyncio.to_thread(self._writer.join)
        await self._reader.close()
