"""Wrong credentials slow whoever sends them: a source is stopped, a client is not locked out.

A source (the address of the connection) that fails too often in a minute is refused before anything
is verified, whoever it claims to be; the tighter limit is for one source and one client together.
A client name that fails from everywhere still gets its token where the proof is right: else anybody
could lock a partner out by guessing in its name.
"""

import hashlib
from collections.abc import Callable

from api.problems import Problem
from api.store.protocol import SnapshotReader

WINDOW_SECONDS = 60
# A partner asks for six tokens an hour; a broken deployment retries a few times a minute.
MOST_OF_PAIR = 10
MOST_OF_SOURCE = 50
MOST_OF_CLIENT = 100


class Attempts:
    """Failures in the minute that runs, over all workers. Raises StoreDown."""

    def __init__(self, reader: SnapshotReader, clock: Callable[[], float]) -> None:
        self._reader = reader
        self._clock = clock

    async def require_few(self, source: str, client: str) -> None:
        """Raises Problem too_many_attempts."""
        pair, whole = await self._counted((f"pair:{source}:{client}", 0), (f"source:{source}", 0))
        if pair >= MOST_OF_PAIR or whole >= MOST_OF_SOURCE:
            raise self._refusal()

    async def failed(self, source: str, client: str) -> None:
        """Raises Problem too_many_attempts where the client's name is being tried from many
        places."""
        *_, by_client = await self._counted(
            (f"pair:{source}:{client}", 1), (f"source:{source}", 1), (f"client:{client}", 1)
        )
        if by_client > MOST_OF_CLIENT:
            raise self._refusal()

    async def _counted(self, *steps: tuple[str, int]) -> list[int]:
        """All in one write to the store."""
        minute = int(self._clock()) // WINDOW_SECONDS
        end = (minute + 1) * WINDOW_SECONDS
        waiting = [
            self._reader.count(f"f:{_digest(what)}:{minute}", amount, expires_at=end + 1)
            for what, amount in steps
        ]
        return [await total for total in waiting]

    def _refusal(self) -> Problem:
        left = WINDOW_SECONDS - int(self._clock()) % WINDOW_SECONDS
        return Problem("too_many_attempts", retry_after_seconds=left)


def _digest(what: str) -> str:
    """An address is personal data, and what is claimed may be anything: neither goes into a key."""
    return hashlib.sha256(what.encode()).hexdigest()[:32]
