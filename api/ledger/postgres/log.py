"""Every event of a PostgreSQL ledger in order, as the bytes that the tree is made of."""

import contextlib
from collections.abc import Iterator

import psycopg

from api.ledger.audit.log import PAGE_EVENTS, Leaf, leaf_data
from api.ledger.postgres import statements
from api.ledger.postgres.connection import connect, reason_of
from api.ledger.protocol import LedgerUnavailable

_ROWS = """SELECT seq, at_ms, kind, stream, subject, body FROM event
  WHERE seq > %s ORDER BY seq LIMIT %s"""


class PostgresLog:
    """See `audit.log.EventLog`; a context manager."""

    def __init__(self, url: str) -> None:
        self._connection = connect(url)

    def __enter__(self) -> "PostgresLog":
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(psycopg.Error):
            self._connection.close()

    def position(self) -> int:
        try:
            return statements.last_seq(self._connection)
        except psycopg.Error as error:
            raise LedgerUnavailable(reason_of(error)) from error

    def leaves(self, after: int) -> Iterator[list[Leaf]]:
        while page := self._page(after, PAGE_EVENTS):
            yield page
            after = page[-1][0]

    def leaf(self, seq: int) -> bytes:
        page = self._page(seq - 1, 1)
        if not page or page[0][0] != seq:
            raise KeyError(seq)
        return page[0][1]

    def _page(self, after: int, limit: int) -> list[Leaf]:
        try:
            rows = self._connection.execute(_ROWS, (after, limit)).fetchall()
        except psycopg.Error as error:
            raise LedgerUnavailable(reason_of(error)) from error
        return [(row[0], leaf_data((row[0], row[1], *map(_encoded, row[2:])))) for row in rows]


def _encoded(text: str | None) -> bytes | None:
    return None if text is None else text.encode()
