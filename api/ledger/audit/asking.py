"""The published log for an event loop: asked in threads of its own, each question with a deadline,
so that proofs never hold up the ledger's reads."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from api.ledger.audit.folders import StoredHead
from api.ledger.audit.heads import HeadWrong
from api.ledger.audit.proving import ContinuityProof, EventProof
from api.ledger.audit.published import PublishedLog
from api.ledger.merkle.tree import ProofRefused
from api.ledger.merkle.verifying import ProofWrong
from api.ledger.protocol import Event, LedgerUnavailable
from api.ledger.reader import Reader
from scoring.errors import VerificationFailed

Result = TypeVar("Result")


class _Folders:
    """A reader's source (see `ledger.reader.Source`): files are opened by each question."""

    def __init__(self, log: PublishedLog) -> None:
        self._log = log

    def connect(self) -> PublishedLog:
        return self._log

    def ask(
        self, connection: PublishedLog, query: Callable[[PublishedLog], Result], deadline: float
    ) -> Result:
        try:
            return query(connection)
        except (OSError, IndexError) as error:  # hashes are being made again, or the disk fails
            raise LedgerUnavailable("io") from error
        except (HeadWrong, ProofRefused, ProofWrong, VerificationFailed) as error:
            raise LedgerUnavailable("damaged") from error

    def close(self, connection: PublishedLog) -> None:
        pass


class LogDesk:
    """Belongs to the event loop it was made on. Every question raises LedgerUnavailable."""

    def __init__(self, data: Path) -> None:
        self._log = PublishedLog(data)
        self._reader: Reader[PublishedLog] = Reader(_Folders(self._log))

    @property
    def origin(self) -> str:
        return self._log.origin

    async def key_text(self) -> str | None:
        """The log's public key, PEM; None before there is one."""
        return await self._reader.read(PublishedLog.key_text)

    async def heads(self, *, limit: int, before: str | None) -> list[StoredHead]:
        return await self._reader.read(lambda log: log.page(limit=limit, before=before))

    async def continuity(self, first: int, second: int) -> ContinuityProof:
        """Raises NotYetSigned."""
        return await self._reader.read(lambda log: log.continuity(first, second))

    async def event(self, event: Event) -> EventProof:
        """Raises NotYetSigned."""
        return await self._reader.read(lambda log: log.event(event))

    async def close(self) -> None:
        await self._reader.close()
