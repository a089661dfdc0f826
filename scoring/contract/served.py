"""Which snapshot the store serves, as a file beside the snapshots' folders.

For a worker that starts while the store is down. It names, and proves nothing: what it names is
believed by its signature alone. Where it is missing, nobody knows.
"""

from pathlib import Path

import msgspec

SERVED_FILE = "served.json"


class ServedSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    snapshot: str


def told_as_served(snapshots: Path) -> str | None:
    """The id in `served.json`; None where there is none, or none that can be read."""
    try:
        content = (snapshots / SERVED_FILE).read_bytes()
        return msgspec.json.decode(content, type=ServedSnapshot).snapshot
    except (OSError, msgspec.DecodeError):
        return None
