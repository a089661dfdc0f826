"""Which log is meant: a file, or an address as in the service's settings."""

from contextlib import AbstractContextManager
from pathlib import Path

from api.ledger.audit.log import EventLog, SqliteLog

SQLITE_PREFIX = "sqlite:///"


def open_log(place: str) -> AbstractContextManager[EventLog]:
    """Raises LedgerUnavailable."""
    return SqliteLog(Path(place.removeprefix(SQLITE_PREFIX)))
