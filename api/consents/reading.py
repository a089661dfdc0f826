"""A citizen's consents and their uses, read from the ledger page by page."""

from collections.abc import Sequence

import msgspec

from api.accesses.events import ACCESSED, access_body
from api.consents.machine import SUBJECT_KINDS, Consent, folded_consents
from api.ledger.protocol import Event, Ledger

PAGE_EVENTS = 1_000


class Uses(msgspec.Struct, frozen=True):
    """How often partners asked under a consent, and when last (UTC milliseconds)."""

    count: int = 0
    last_ms: int | None = None


async def all_events(ledger: Ledger, subject: str, kinds: Sequence[str]) -> list[Event]:
    """Oldest first. Raises LedgerUnavailable."""
    newest_first: list[Event] = []
    before: int | None = None
    while True:
        page = await ledger.subject_events(
            subject, kinds=kinds, limit=PAGE_EVENTS, before_seq=before
        )
        newest_first += page
        if len(page) < PAGE_EVENTS:
            return newest_first[::-1]
        before = page[-1].seq


async def consents_of(ledger: Ledger, subject: str) -> dict[str, Consent]:
    """By id, oldest first."""
    return folded_consents(await all_events(ledger, subject, SUBJECT_KINDS))


async def uses_of(ledger: Ledger, subject: str) -> dict[str, Uses]:
    """By consent id; partners' accesses alone."""
    uses: dict[str, Uses] = {}
    for event in await all_events(ledger, subject, (ACCESSED,)):
        body = access_body(event.body)
        if body.consent_id is not None and body.initiator_kind == "partner":
            before = uses.get(body.consent_id, Uses())
            uses[body.consent_id] = Uses(before.count + 1, event.at_ms)
    return uses
