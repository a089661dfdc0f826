"""A gate's memory of used vouchers: in one process, or in a file that several share.

Nothing but `jti` and the second it can be forgotten is kept. A gate that has lost its memory takes
no voucher until `forgetful_until`: what was used before has expired by then.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from api.vouchers.terms import TERMS, VoucherTerms
from api.vouchers.token import Voucher
from api.vouchers.verify import VoucherRefused

WAIT_SECONDS = 2.0  # for another reader of the same gate


class SeenVouchers:
    """In memory. Holds what one window brings: about 100 B a voucher."""

    def __init__(self) -> None:
        self._until: dict[str, int] = {}
        self._next_sweep = 0

    def __len__(self) -> int:
        return len(self._until)

    def use(self, voucher: Voucher, now: int) -> None:
        """`now`: the second the voucher was verified at. Raises VoucherRefused `voucher_used`."""
        if now >= self._next_sweep:
            self._until = {jti: until for jti, until in self._until.items() if until > now}
            self._next_sweep = now + 10
        if voucher.jti in self._until:
            raise VoucherRefused("voucher_used")
        self._until[voucher.jti] = voucher.exp


def use_in_file(path: Path, voucher: Voucher, now: int) -> None:
    """As SeenVouchers, in an SQLite file that any number of processes share; durable before it
    returns. Raises VoucherRefused `voucher_used`, sqlite3.Error."""
    with closing(sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None)) as seen:
        seen.execute("PRAGMA synchronous = FULL")
        seen.execute("BEGIN IMMEDIATE")
        seen.execute("CREATE TABLE IF NOT EXISTS seen (jti TEXT PRIMARY KEY, until INTEGER)")
        seen.execute("DELETE FROM seen WHERE until <= ?", (now,))
        row = (voucher.jti, voucher.exp)
        stored = seen.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", row).rowcount
        seen.execute("COMMIT")
    if not stored:
        raise VoucherRefused("voucher_used")


def forgetful_until(started_at: int, terms: VoucherTerms = TERMS) -> int:
    """Second from which a gate that started at `started_at` without its memory may open again."""
    return started_at + terms.replay_window_seconds
