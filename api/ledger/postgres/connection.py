"""Connections to the ledger's PostgreSQL: settings and error words."""

from typing import Any

import psycopg

from api.ledger.protocol import LedgerUnavailable

Connection = psycopg.Connection[tuple[Any, ...]]

CONNECT_SECONDS = 2
# A peer that vanished without a word is noticed before callers have given up on the next request.
KEEPALIVE_SECONDS = 2
TCP_USER_TIMEOUT_MS = 5_000

_REASONS = {
    "53100": "full",  # disk_full
    "53200": "overloaded",  # out_of_memory
    "53300": "overloaded",  # too_many_connections
    "55P03": "locked",  # lock_not_available
    "40P01": "locked",  # deadlock_detected
    "57014": "slow",  # query_canceled by its time limit
    "25006": "read_only",  # read_only_sql_transaction: a standby
    "42501": "read_only",  # insufficient_privilege
    "42P01": "damaged",  # undefined_table
    "XX001": "damaged",  # data_corrupted
    "XX002": "damaged",  # index_corrupted
}


def reason_of(error: psycopg.Error) -> str:
    """One of LedgerUnavailable's words; `gone` for a server that does not answer."""
    if error.sqlstate is None or error.sqlstate[:3] in ("08", "57P"):
        return "gone"
    return _REASONS.get(error.sqlstate, "io")


def connect(url: str, *, statement_seconds: float | None = None) -> Connection:
    """Explicit transactions; a commit returns when it is on disk, and on the standbys that the
    server waits for. Raises LedgerUnavailable."""
    try:
        connection = psycopg.connect(
            url,
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            tcp_user_timeout=TCP_USER_TIMEOUT_MS,
            keepalives_idle=KEEPALIVE_SECONDS,
            keepalives_interval=KEEPALIVE_SECONDS,
            keepalives_count=2,
        )
        if connection.execute("SHOW synchronous_commit").fetchone() == ("off",):
            connection.execute("SET synchronous_commit = on")
        if statement_seconds is not None:
            connection.execute(f"SET statement_timeout = {round(statement_seconds * 1_000)}")
    except psycopg.Error as error:
        raise LedgerUnavailable(reason_of(error)) from error
    return connection
