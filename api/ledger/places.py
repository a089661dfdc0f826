"""Where a ledger is kept: a file (`sqlite:///path`, or the path) or a database
(`postgresql://…`). The database's library is imported only where there is one."""

from contextlib import AbstractContextManager
from pathlib import Path

from api.ledger.audit.log import EventLog, SqliteLog
from api.ledger.protocol import Ledger
from api.ledger.sqlite import open_ledger

SQLITE_PREFIX = "sqlite:///"
POSTGRES_PREFIX = "postgresql://"


def is_postgres(place: str) -> bool:
    return place.startswith(POSTGRES_PREFIX)


def file_at(place: str) -> Path:
    return Path(place.removeprefix(SQLITE_PREFIX))


async def open_ledger_at(place: str) -> Ledger:
    """For the running event loop alone. Raises LedgerSchemaUnknown, LedgerUnavailable."""
    if is_postgres(place):
        from api.ledger.postgres.ledger import open_postgres_ledger

        return await open_postgres_ledger(place)
    return await open_ledger(file_at(place))


def open_log(place: str) -> AbstractContextManager[EventLog]:
    """Raises LedgerUnavailable."""
    if is_postgres(place):
        from api.ledger.postgres.log import PostgresLog

        return PostgresLog(place)
    return SqliteLog(file_at(place))
