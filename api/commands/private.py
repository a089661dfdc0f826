"""Data directories are for the office's own account: lake, ledger, exports and snapshots tell of
people, under pseudonyms that their keys undo."""

import os


def write_for_owner_alone() -> None:
    """Files and folders this process and its children make from now on are their owner's alone."""
    os.umask(0o077)
