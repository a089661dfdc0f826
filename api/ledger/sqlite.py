"""The ledger embedded in the service: one SQLite file, written by every worker process in turn."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from api.ledger import statements
from api.ledger.commit_group import AppendRequest, answered_before
from api.ledger.connection import LedgerFile
from api.ledger.migrations import create_if_missing, migrate
from api.ledger.protocol import (
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
)
from api.ledger.reader import Reader
from api.ledger.writer import Budgets, Writer

LEDGER_FILE = "ledger.sqlite"


def ledger_path(data: Path) -> Path:
    return data / "ledger" / LEDGER_FILE


def prepare(path: Path) -> LedgerFile:
    """Create or migrate the file. Blocks; raises LedgerSchemaUnknown, LedgerUnavailable."""
    try:
        create_if_missing(path)
    except OSError as error:
        raise LedgerUnavailable("gone") from error
    migrate(path)
    return LedgerFile(path)


async def open_ledger(path: Path, budgets: Budgets | None = None) -> "SqliteLedger":
    """The ledger at `path`, created where there is none, for the running event loop alone."""
    file = await asyncio.to_thread(prepare, path)
    return SqliteLedger(file, budgets or Budgets())


class SqliteLedger:
    """See `protocol.Ledger`. Belongs to the event loop it was made on."""

    def __init__(self, file: LedgerFile, budgets: Budgets) -> None:
        self._answer_seconds = budgets.answer_seconds
        self._writer = Writer(file, asyncio.get_running_loop(), budgets)
        self._reader = Reader(file)

    async def append(
        self,
        draft: EventDraft,
        *,
        require: Require = "any",
        unchanged_since: int | None = None,
        stream_unchanged_since: int | None = None,
        claim: IdempotencyClaim | None = None,
    ) -> Appended | Replayed:
        request = AppendRequest(draft, require, unchanged_since, stream_unchanged_since, claim)
        future = self._writer.submit(request)
        try:
            async with asyncio.timeout(self._answer_seconds):
                outcome = await future
        except TimeoutError:
            raise LedgerUnavailable("slow") from None
        if isinstance(outcome, LedgerError):
            raise outcome
        return outcome

    async def append_many(self, drafts: Sequence[EventDraft]) -> int:
        outcome = await self._writer.submit_bulk(drafts)
        if isinstance(outcome, LedgerError):
            raise outcome
        return outcome

    async def replay(self, *, scope: str, key: str, fingerprint: bytes) -> Replayed | None:
        stored = await self._reader.read(lambda c: statements.claim_in(c, scope, key))
        if stored is None:
            return None
        answer = answered_before(stored, fingerprint)
        if isinstance(answer, IdempotencyConflict):
            raise answer
        return answer

    async def enrolment_of(self, subject: str) -> Enrolment:
        return await self._reader.read(lambda c: statements.enrolment_in(c, subject))

    async def stream_events(self, stream: str) -> list[Event]:
        return await self._reader.read(lambda c: statements.stream_events_in(c, stream))

    async def subject_events(
        self,
        subject: str,
        *,
        kinds: Sequence[str],
        limit: int,
        before_seq: int | None = None,
    ) -> list[Event]:
        return await self._reader.read(
            lambda c: statements.subject_events_in(c, subject, kinds, limit, before_seq)
        )

    async def events_after(
        self, seq: int, *, limit: int, kinds: Sequence[str] | None = None
    ) -> list[Event]:
        return await self._reader.read(lambda c: statements.events_in(c, seq, limit, kinds))

    async def position(self) -> int:
        return await self._reader.read(statements.last_seq)

    async def close(self) -> None:
        """Store what is queued, then end; later calls raise LedgerUnavailable."""
        self._writer.stop()
        await asyncio.to_thread(self._writer.join)
        await self._reader.close()
