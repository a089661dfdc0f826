"""The room as the application holds it: its parts while the service is open, and its routes."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from api.ledger.protocol import Ledger
from api.rights.book import CaseBook
from api.rights.citizen import CitizenRights
from api.rights.office import Office
from api.rights.texts import TEXTS_FILE, TextStore, texts_path

SQLITE = "sqlite:///"


class RightsParts(msgspec.Struct, frozen=True, kw_only=True):
    texts: TextStore
    citizen: CitizenRights
    office: Office


def rights_parts(ledger: Ledger, texts: TextStore, now_ms: Callable[[], int]) -> RightsParts:
    return RightsParts(
        texts=texts,
        citizen=CitizenRights(ledger, texts, now_ms),
        office=Office(ledger, texts, CaseBook(ledger), now_ms),
    )


def texts_file(ledger_url: str, data_dir: Path) -> Path:
    """Beside an embedded ledger; else in the data directory, which every node then shares."""
    if ledger_url.startswith(SQLITE):
        return texts_path(Path(ledger_url.removeprefix(SQLITE)))
    return data_dir / "ledger" / TEXTS_FILE
