"""Signs a ledger again and again while another process writes it, and remembers when."""

import datetime as dt
import threading
import time
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.ledger.audit.folders import StoredHead
from api.ledger.audit.keeping import make_head
from api.ledger.audit.log import SqliteLog
from api.ledger.protocol import LedgerUnavailable

FIRST_HOUR = dt.datetime(2026, 4, 1, tzinfo=dt.UTC)


class SignedAt(msgspec.Struct, frozen=True):
    """`at_seconds`: when the head was there to be published, by time.time()."""

    at_seconds: float
    head: StoredHead


class SigningBeside:
    """A context manager; `data` holds heads and hashes. `heads` is whole when it has ended."""

    def __init__(self, ledger: Path, data: Path) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.heads: list[SignedAt] = []
        self._ledger = ledger
        self._data = data
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "SigningBeside":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_over.wait(0.02):
            try:
                self._sign()
            except LedgerUnavailable:  # not opened by its writer yet
                continue

    def _sign(self) -> None:
        with SqliteLog(self._ledger) as log:
            if self.heads and log.position() == self.heads[-1].head.head.size:
                return
            hour = FIRST_HOUR + dt.timedelta(hours=len(self.heads))
            path, head = make_head(self._data, log, self.key, hour)
        stored = StoredHead(path.name, path.read_text("utf-8"), head)
        self.heads.append(SignedAt(time.time(), stored))
