"""The room as the application holds it: its parts while the service is open."""

from collections.abc import Callable

import msgspec

from api.ledger.protocol import Ledger
from api.rights.book import CaseBook
from api.rights.citizen import CitizenRights
from api.rights.office import Office


class RightsParts(msgspec.Struct, frozen=True, kw_only=True):
    citizen: CitizenRights
    office: Office


def rights_parts(ledger: Ledger, now_ms: Callable[[], int]) -> RightsParts:
    return RightsParts(
        citizen=CitizenRights(ledger, now_ms), office=Office(ledger, CaseBook(ledger), now_ms)
    )
