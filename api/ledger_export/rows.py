"""What an export reads of a ledger, whichever database holds it."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from api.ledger.fold import ENROLMENT_KINDS
from api.ledger.kinds import STREAM_WORDS
from api.ledger.statements import EventRow

# subject, kind, at_ms, body
EnrolmentEvent = tuple[str, str, int, str]


def _listed(kinds: Iterable[str]) -> str:
    return ", ".join(f"'{kind}'" for kind in kinds)


# What can change a score, as lists of SQL.
CASE_KINDS = _listed(kind for kind, word in STREAM_WORDS.items() if word in ("dispute", "repair"))
SCORE_KINDS = f"{_listed(ENROLMENT_KINDS)}, {CASE_KINDS}"


class Rows(Protocol):
    """One state of a ledger. All raise LedgerUnavailable."""

    last_seq: int

    def enrolment_events(self, position: int) -> Iterator[EnrolmentEvent]:
        """By subject, then seq."""
        ...

    def case_events(self, position: int) -> Iterator[EventRow]:
        """Of disputes and repairs, by stream, then seq."""
        ...

    def changed(self, after: int, until: int) -> list[tuple[str, int]]:
        """Subjects of SCORE_KINDS events, sorted, and when the last of them was, UTC ms."""
        ...

    def enrolment_events_of(self, subject: str, position: int) -> Iterator[EnrolmentEvent]: ...

    def case_events_of(self, subject: str, position: int) -> Iterator[EventRow]: ...

    def close(self) -> None: ...
