"""What the store serves, told to workers that may start while it is down.

The file is gone while the pointer moves: between a flip and its file a killed publisher leaves no
file rather than one that names the version before, which may have been rolled back from.
"""

import contextlib
import os
from pathlib import Path

import msgspec

from scoring.contract.served import SERVED_FILE, ServedSnapshot
from scoring.durable import sync_folder
from scoring.publish import pointers
from scoring.store.connection import StoreConnection


def forget_served(snapshots: Path) -> None:
    """Before a flip. A folder that cannot be written to holds no flip up: `tell_served` says so."""
    with contextlib.suppress(OSError):
        (snapshots / SERVED_FILE).unlink()
        sync_folder(snapshots)


def tell_served(snapshots: Path, store: StoreConnection) -> bool:
    """After a flip, whoever's: looks again, so that of two at once the later one is told. False
    where the folder cannot be written to. Raises StoreUnavailable."""
    told = None
    while (served := pointers.served_id(store)) is not None and served != told:
        try:
            _write(snapshots, ServedSnapshot(snapshot=served))
        except OSError:
            return False
        told = served
    return True


def _write(snapshots: Path, served: ServedSnapshot) -> None:
    unfinished = snapshots / f".{SERVED_FILE}.{os.getpid()}"
    with unfinished.open("wb") as file:
        os.fchmod(file.fileno(), 0o600)  # as every file about people
        file.write(msgspec.json.encode(served))
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(snapshots / SERVED_FILE)
    sync_folder(snapshots)
