"""Giving way: a process that has just written lets one that waits go first.

SQLite's lock has no queue. A busy writer takes it back within microseconds of letting it go, and
another process that looks every millisecond can miss every gap for a quarter of a second.
"""

import contextlib
import fcntl
import os
from pathlib import Path

from api.ledger.protocol import LedgerUnavailable


class Turn:
    """One shared file lock beside the ledger: whoever waits holds it, and others can tell. Raises
    LedgerUnavailable where the file cannot be made."""

    def __init__(self, ledger: Path) -> None:
        path = ledger.with_name(f"{ledger.name}-turn")
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise LedgerUnavailable("read_only") from error
        self._is_waiting = False

    def wait(self) -> None:
        if not self._is_waiting:
            with contextlib.suppress(BlockingIOError):  # somebody is just looking: next time
                fcntl.flock(self._file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                self._is_waiting = True

    def end_waiting(self) -> None:
        if self._is_waiting:
            fcntl.flock(self._file, fcntl.LOCK_UN)
            self._is_waiting = False

    def is_awaited(self) -> bool:
        """Whether another process waits."""
        self.end_waiting()
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        fcntl.flock(self._file, fcntl.LOCK_UN)
        return False

    def close(self) -> None:
        os.close(self._file)
