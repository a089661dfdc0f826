"""The parts that live with the event loop: handlers hold this, the lifespan fills and empties it."""

from api.ledger.enrolment import EnrolmentService
from api.ledger.protocol import Ledger, LedgerUnavailable
from api.store.protocol import SnapshotReader


class Services:
    """`ledger` and `enrolments` raise LedgerUnavailable before the service is open and after it is
    closed."""

    def __init__(self, reader: SnapshotReader) -> None:
        self.reader = reader
        self._ledger: Ledger | None = None
        self._enrolments: EnrolmentService | None = None

    def fill(self, ledger: Ledger, enrolments: EnrolmentService) -> None:
        self._ledger, self._enrolments = ledger, enrolments

    def empty(self) -> None:
        self._ledger = self._enrolments = None

    @property
    def ledger(self) -> Ledger:
        if self._ledger is None:
            raise LedgerUnavailable("not open")
        return self._ledger

    @property
    def enrolments(self) -> EnrolmentService:
        if self._enrolments is None:
            raise LedgerUnavailable("not open")
        return self._enrolments
