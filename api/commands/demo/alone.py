"""One demo a folder: two would make each other's city anew."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scoring.errors import StoreUnavailable

LOCK_NAME = ".demo.lock"


@contextmanager
def alone_in(data: Path) -> Iterator[None]:
    """The kernel lets go when the process dies. Raises StoreUnavailable."""
    with (data / LOCK_NAME).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreUnavailable(
                "demo_already_running",
                "another demo runs in this folder",
                where=str(data),
                do="stop it, or name another folder with --data",
            ) from None
        yield
