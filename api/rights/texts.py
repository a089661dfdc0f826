"""What people wrote, apart from the log that can never forget.

The ledger keeps a digest over a random salt and the words; both stand here and can be erased, and
then the digest tells nobody anything. A text is durable before the event that names it.
"""

import asyncio
import hashlib
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from api.ledger.connection import reason_of
from api.ledger.protocol import LedgerUnavailable

TEXTS_FILE = "texts.sqlite"
SALT_BYTES = 16
BUSY_SECONDS = 0.25
_SCHEMA = """CREATE TABLE IF NOT EXISTS text (
  digest TEXT PRIMARY KEY CHECK (length(digest) = 64), salt BLOB NOT NULL, words TEXT NOT NULL
) STRICT, WITHOUT ROWID"""

Result = TypeVar("Result")


def texts_path(ledger: Path) -> Path:
    """Beside the ledger's file."""
    return ledger.with_name(TEXTS_FILE)


def text_digest(salt: bytes, words: str) -> str:
    return hashlib.sha256(salt + words.encode()).hexdigest()


async def open_texts(path: Path) -> "TextStore":
    """The store at `path`, made where there is none. Raises LedgerUnavailable."""
    return await asyncio.to_thread(TextStore, path)


class TextStore:
    """Every method raises LedgerUnavailable. Several processes may hold the same file."""

    def __init__(
        self, path: Path, new_salt: Callable[[], bytes] = lambda: secrets.token_bytes(SALT_BYTES)
    ) -> None:
        self._new_salt = new_salt
        self._one_at_a_time = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._connection = sqlite3.connect(
                path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            path.chmod(0o600)
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
                self._connection.execute(f"PRAGMA {pragma}")
            self._connection.execute(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise _unavailable(error) from error

    async def put(self, words: str) -> str:
        """Digest of the words; durable when it returns."""
        salt = self._new_salt()
        digest = text_digest(salt, words)
        await self._run(
            lambda c: c.execute("INSERT INTO text VALUES (?, ?, ?)", (digest, salt, words))
        )
        return digest

    async def many(self, digests: Iterable[str | None]) -> dict[str, str]:
        """Words by digest; what was erased is missing."""
        asked = sorted({digest for digest in digests if digest is not None})
        if not asked:
            return {}
        places = ", ".join("?" * len(asked))
        query = f"SELECT digest, words FROM text WHERE digest IN ({places})"  # noqa: S608 # placeholders only
        return dict(await self._run(lambda c: c.execute(query, asked).fetchall()))

    async def erase(self, digests: Iterable[str]) -> int:
        """How many were there. Gone from the file and its log when it returns."""
        asked = [(digest,) for digest in digests]

        def erase_in(connection: sqlite3.Connection) -> int:
            before = connection.total_changes
            with connection:
                connection.executemany("DELETE FROM text WHERE digest = ?", asked)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return connection.total_changes - before

        return await self._run(erase_in)

    async def close(self) -> None:
        await self._run(lambda c: c.close())

    async def _run(self, query: Callable[[sqlite3.Connection], Result]) -> Result:
        return await asyncio.to_thread(self._alone, query)

    def _alone(self, query: Callable[[sqlite3.Connection], Result]) -> Result:
        with self._one_at_a_time:
            try:
                return query(self._connection)
            except sqlite3.Error as error:
                raise _unavailable(error) from error


def _unavailable(error: Exception) -> LedgerUnavailable:
    return LedgerUnavailable(reason_of(error) if isinstance(error, sqlite3.Error) else "gone")
