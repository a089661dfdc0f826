"""The parts that live with the event loop: handlers hold this, the lifespan fills and empties it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from api.accesses.protocol import AccessLog
from api.consents.attesting import Attestations
from api.consents.projection import LiveConsents
from api.consents.service import ConsentService
from api.ledger.audit.asking import LogDesk
from api.ledger.enrolment import EnrolmentService
from api.ledger.projection import LiveMarks
from api.ledger.protocol import Enrolment, Ledger, LedgerUnavailable
from api.ledger.standing import NoticeStanding
from api.me.admission import Admission
from api.rights.citizen import CitizenRights
from api.rights.office import Office
from api.rights.wiring import RightsParts
from api.store.protocol import SnapshotReader
from api.vouchers.issuing import VoucherIssuer


@dataclass(frozen=True, kw_only=True)
class OpenParts:
    """What exists from the service's opening to its closing."""

    ledger: Ledger
    marks: LiveMarks
    enrolments: EnrolmentService
    live_consents: LiveConsents
    consents: ConsentService
    attestations: Attestations
    access_log: AccessLog
    rights: RightsParts
    vouchers: VoucherIssuer
    log_desk: LogDesk


class Services:
    """`standing`: which acceptances of the notice count today; `admission`: whose score is shown.
    All but these and `reader` raise LedgerUnavailable before the service is open and after it is
    closed; `reader` is there from the beginning and answers for itself."""

    def __init__(
        self,
        make_reader: Callable[[Callable[[int], Awaitable[None]]], SnapshotReader],
        standing: NoticeStanding,
    ) -> None:
        self.reader = make_reader(self._replay_marks)
        self.standing = standing
        self.admission = Admission(standing, self._enrolment_of)
        self._open: OpenParts | None = None

    def fill(self, parts: OpenParts) -> None:
        self._open = parts

    def empty(self) -> None:
        self._open = None

    @property
    def ledger(self) -> Ledger:
        return self._opened().ledger

    @property
    def enrolments(self) -> EnrolmentService:
        return self._opened().enrolments

    @property
    def live_consents(self) -> LiveConsents:
        return self._opened().live_consents

    @property
    def consents(self) -> ConsentService:
        return self._opened().consents

    @property
    def attestations(self) -> Attestations:
        return self._opened().attestations

    @property
    def access_log(self) -> AccessLog:
        return self._opened().access_log

    @property
    def rights(self) -> CitizenRights:
        return self._opened().rights.citizen

    @property
    def office(self) -> Office:
        return self._opened().rights.office

    @property
    def vouchers(self) -> VoucherIssuer:
        return self._opened().vouchers

    @property
    def log_desk(self) -> LogDesk:
        return self._opened().log_desk

    def _opened(self) -> OpenParts:
        if self._open is None:
            raise LedgerUnavailable("not open")
        return self._open

    async def _enrolment_of(self, subject: str) -> Enrolment:
        return await self.enrolments.status(subject)

    async def _replay_marks(self, position: int) -> None:
        """Raises LedgerUnavailable, which keeps the reader from serving: a store that has forgotten
        a withdrawal would otherwise show a score, one that has forgotten a consent a wrong no."""
        parts = self._opened()
        await parts.marks.before_serving(position)
        await parts.live_consents.before_serving()
