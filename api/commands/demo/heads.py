"""The demo signs its log at the start and each hour, as the timer does in service."""

import datetime as dt
import time
from pathlib import Path

from rich.console import Console

HOUR_SECONDS = 3600


def sign_head(data: Path) -> None:
    """A log that was tampered with is not signed; the demo goes on and says so."""
    from api.ledger.audit.heads import HeadWrong
    from api.ledger.audit.keeping import HeadRefused, make_head
    from api.ledger.audit.log import SqliteLog
    from api.ledger.sqlite import ledger_path
    from scoring.keys import key_files
    from scoring.signing import read_signing_key

    key = read_signing_key(key_files(data).log)
    try:
        with SqliteLog(ledger_path(data)) as log:
            make_head(data, log, key, dt.datetime.now(dt.UTC))
    except (HeadRefused, HeadWrong, FileExistsError) as error:
        Console(stderr=True).print(f"the log is not signed: {error}", markup=False)


class HourlyHeads:
    """`look` is called about once a second."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._due = time.monotonic()

    def look(self) -> None:
        """Raises LedgerUnavailable."""
        if time.monotonic() >= self._due:
            self._due += HOUR_SECONDS
            sign_head(self._data)
