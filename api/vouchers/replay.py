"""A gate's memory of used vouchers, in a file that any number of gates share.

Nothing but `jti` and the second it can be forgotten is kept. A gate that has lost its memory takes
no voucher for `replay_window_seconds`: what was used before has expired by then.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from api.vouchers.token import Voucher
from api.vouchers.verify import VoucherRefused

WAIT_SECONDS = 2.0  # for another reader of the same gate


def use_in_file(path: Path, voucher: Voucher, now: int) -> None:
    """An SQLite file, durable before it returns. `now`: the second the voucher was verified at.
    Raises VoucherRefused `voucher_used`, sqlite3.Error."""
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
