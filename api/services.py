"""The parts that live with the event loop: handlers hold this, the lifespan fills and empties it."""

from collections.abc import Awaitable, Callable

from api.ledger.enrolment import EnrolmentService
from api.ledger.projection import LiveMarks
from api.ledger.protocol import Ledger, LedgerUnavailable
from api.store.protocol import SnapshotReader


class Services:
    """`ledger` and `enrolments` raise LedgerUnavailable before the service is open and after it is
    closed; `reader` is there from the beginning and answers for itself."""

    def __init__(
        self, make_reader: Callable[[Callable[[int], Awaitable[None]]], SnapshotReader]
    ) -> None:
        self.reader = make_reader(self._replay_marks)
        self._open: tuple[Ledger, LiveMarks, EnrolmentService] | None = None

    def fill(self, ledger: Ledger, marks: LiveMarks, enrolments: EnrolmentService) -> None:
        self._open = (ledger, marks, enrolments)

    def empty(self) -> None:
        self._open = None

    @property
    def ledger(self) -> Ledger:
        return self._opened()[0]

    @property
    def enrolments(self) -> EnrolmentService:
        return self._opened()[2]

    def _opened(self) -> tuple[Ledger, LiveMarks, EnrolmentService]:
        if self._open is None:
            raise LedgerUnavailable("not open")
        return self._open

    async def _replay_marks(self, position: int) -> None:
        """Raises LedgerUnavailable, which keeps the reader from serving: a store that has forgotten
        a withdrawal would otherwise show a score."""
        await self._opened()[1].before_serving(position)
