"""Which folders of `snapshots/` may go.

Never: what the store holds (the served version, those a rollback walks back to), what workers
without the store would serve (`served.json`), and the newest, which the next build continues.
"""

import datetime as dt
from collections.abc import Collection
from pathlib import Path

import msgspec

from scoring.contract.served import told_as_served
from scoring.contract.snapshot import Manifest
from scoring.publish import pointers
from scoring.publish.verify import MANIFEST_FILE
from scoring.store.connection import StoreConnection


class OldVersion(msgspec.Struct, frozen=True, kw_only=True):
    snapshot: str
    as_of: dt.date
    ledger_position: int


def versions_on_disk(snapshots: Path) -> list[OldVersion]:
    """Oldest first. A folder whose manifest cannot be read is left to `verify` and to a person."""
    found = []
    for file in snapshots.glob(f"*/{MANIFEST_FILE}"):
        try:
            manifest = msgspec.json.decode(file.read_bytes(), type=Manifest)
        except (OSError, msgspec.DecodeError):
            continue
        found.append(
            OldVersion(
                snapshot=file.parent.name,
                as_of=manifest.as_of,
                ledger_position=manifest.ledger_position,
            )
        )
    return sorted(found, key=lambda each: (each.as_of, each.ledger_position, each.snapshot))


def old_versions(snapshots: Path, day: dt.date, days: int) -> list[OldVersion]:
    """Of which the `days` after their as-of day are over on `day`, but the newest and the one told
    in `served.json`; what the store needs is not asked here."""
    found = versions_on_disk(snapshots)
    told = told_as_served(snapshots)
    last_day = day - dt.timedelta(days=days)
    return [each for each in found[:-1] if each.as_of <= last_day and each.snapshot != told]


def needed_by_store(store: StoreConnection) -> Collection[str] | None:
    """Ids of the versions it holds; None where it serves nothing: then it has lost them, and nobody
    knows which one it will be given. Raises StoreUnavailable."""
    served = pointers.served_id(store)
    return None if served is None else {served, *pointers.versions_in(store)}
