"""Whom partners were answered about, by the version they were answered from."""

from collections.abc import Collection

import msgspec

from api.accesses.events import ACCESSED, access_body
from api.ledger.protocol import Ledger

EVENTS_A_PAGE = 5_000


class Answered(msgspec.Struct):
    """`subjects`: as in the ledger. `last_at_ms`: of the last answer."""

    subjects: set[str]
    last_at_ms: int


async def answered_from(
    ledger: Ledger, snapshots: Collection[str], after: int
) -> dict[str, Answered]:
    """By snapshot; a version nobody was answered from is missing. `after`: a ledger position no
    younger than the oldest of them. Raises LedgerUnavailable."""
    found: dict[str, Answered] = {}
    while page := await ledger.events_after(after, limit=EVENTS_A_PAGE, kinds=[ACCESSED]):
        for event in page:
            line = access_body(event.body)
            snapshot = line.snapshot
            if line.decision_id is None or snapshot is None or snapshot not in snapshots:
                continue
            of_version = found.setdefault(snapshot, Answered(set(), event.at_ms))
            of_version.subjects.add(event.subject)
            of_version.last_at_ms = max(of_version.last_at_ms, event.at_ms)
        after = page[-1].seq
    return found
