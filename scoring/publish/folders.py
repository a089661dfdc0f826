"""Which snapshot of a folder is the newest, by what the manifests say."""

from pathlib import Path

import msgspec

from scoring.contract.snapshot import Manifest
from scoring.errors import InputRefused
from scoring.publish.verify import MANIFEST_FILE


def newest_snapshot(snapshots: Path) -> Path:
    """By as-of day, then ledger position, then name. Folders without a manifest are builds that
    did not end; unreadable manifests are left to `verify`. Raises InputRefused for none."""
    found = []
    for file in snapshots.glob(f"*/{MANIFEST_FILE}"):
        try:
            manifest = msgspec.json.decode(file.read_bytes(), type=Manifest)
        except (FileNotFoundError, msgspec.DecodeError):  # one that is just ending is none
            continue
        found.append((manifest.as_of, manifest.ledger_position, file.parent.name))
    if not found:
        raise InputRefused(
            "no_snapshot", "there is no snapshot", where=str(snapshots), do="chengxin build"
        )
    return snapshots / max(found)[-1]
