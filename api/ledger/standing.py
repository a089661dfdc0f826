"""Which acceptances of the notice still stand: a question of the day, asked by every request."""

import datetime as dt
from collections.abc import Callable

from api.ledger.enrolment import city_day
from api.ledger.notice import Language, NoticeChange, NoticeDocument, Notices
from scoring.contract.snapshot import notice_in_mark

DAY_SECONDS = 86_400
CITY_OFFSET_SECONDS = 8 * 3_600  # of CITY_CLOCK


class NoticeStanding:
    """`clock`: Unix seconds. A version this program does not know is of a newer one: it stands."""

    def __init__(self, notices: Notices, clock: Callable[[], float]) -> None:
        self._notices = notices
        self._clock = clock
        self._too_old: frozenset[str] = frozenset()
        self._since, self._until = 0.0, 0.0

    def too_old(self) -> frozenset[str]:
        """Versions whose acceptance no longer stands today; the same object all day long."""
        if not self._since <= self._clock() < self._until:
            self._turn()
        return self._too_old

    def change_for(self, version: str) -> NoticeChange | None:
        """What who accepted `version` has to know of, as in Notices."""
        return self._notices.change_for(version, self._today())

    def change(self, old: str, new: str) -> NoticeChange:
        return self._notices.change(old, new)

    def told(self) -> list[str]:
        """Every version announced until today, in the order of their effective days."""
        today = self._today()
        return [e.version for e in self._notices.editions() if e.announced_on <= today]

    def document(self, version: str, language: Language) -> NoticeDocument | None:
        """None for a version that is not told."""
        return self._notices.document(version, language) if version in self.told() else None

    def _turn(self) -> None:
        now = self._clock()
        self._since = now - (now + CITY_OFFSET_SECONDS) % DAY_SECONDS
        self._until = self._since + DAY_SECONDS
        too_old = self._notices.too_old_on(self._today())
        if too_old != self._too_old:
            self._too_old = too_old

    def _today(self) -> dt.date:
        return city_day(int(self._clock() * 1_000))


def accepted_notice(mark: bytes | None, own: str, of_snapshot: str) -> str:
    """The version a citizen in a snapshot has accepted. `mark`: her live mark, not of a withdrawal;
    `own`: what her record names; `of_snapshot`: the manifest's."""
    if mark is not None:
        return notice_in_mark(mark)
    return own or of_snapshot
