"""Every event of a ledger in order, as the bytes that the tree is made of; read in pages, so that
an audit of hours holds up no writer."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from api.ledger.canonical import canonical_row
from api.ledger.connection import connect_to_read, reason_of
from api.ledger.protocol import LedgerUnavailable
from api.ledger.statements import LAST_POSSIBLE_SEQ, last_seq

PAGE_EVENTS = 5_000
# Data of a row that no event can have: its hash is nobody's.
NO_EVENT = b""

Leaf = tuple[int, bytes]

_ROWS = """SELECT seq, at_ms, kind, stream, subject, body FROM event
  WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?"""


class EventLog(Protocol):
    def position(self) -> int:
        """Number of the last event; 0 when empty. Raises LedgerUnavailable."""
        ...

    def leaves(self, after: int) -> Iterator[list[Leaf]]:
        """(seq, canonical bytes) of the rows above `after` in pages, NO_EVENT for a row that is
        none. Raises LedgerUnavailable."""
        ...

    def leaf(self, seq: int) -> bytes:
        """Canonical bytes of one event. Raises KeyError, LedgerUnavailable."""
        ...


class SqliteLog:
    """A context manager over a ledger file, which may be a damaged copy."""

    def __init__(self, path: Path) -> None:
        self._connection = connect_to_read(path)
        self._connection.text_factory = bytes  # as it stands there, also where it is no UTF-8

    def __enter__(self) -> "SqliteLog":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def position(self) -> int:
        try:
            return last_seq(self._connection)
        except sqlite3.Error as error:
            raise LedgerUnavailable(reason_of(error)) from error

    def leaves(self, after: int) -> Iterator[list[Leaf]]:
        while page := self._page(after, LAST_POSSIBLE_SEQ, PAGE_EVENTS):
            yield page
            after = page[-1][0]

    def leaf(self, seq: int) -> bytes:
        page = self._page(seq - 1, seq, 1)
        if not page:
            raise KeyError(seq)
        return page[0][1]

    def _page(self, after: int, last: int, limit: int) -> list[Leaf]:
        """What can be read of it: the page that follows fails with its first row."""
        page: list[Leaf] = []
        try:
            for row in self._connection.execute(_ROWS, (after, last, limit)):
                page.append((row[0], leaf_data(row)))
        except sqlite3.Error as error:
            if not page:
                raise LedgerUnavailable(reason_of(error)) from error
        return page


def leaf_data(row: tuple[Any, ...]) -> bytes:
    """From seq, at_ms and the four texts as bytes, whatever really stands there."""
    try:
        return canonical_row(*row)
    except (TypeError, OverflowError, AttributeError):  # a column that no event has
        return NO_EVENT
