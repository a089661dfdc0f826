"""Which snapshot the store serves, as a file beside the snapshots' folders.

For a worker that starts while the store is down. It names, and proves nothing: what it names is
believed by its signature alone. Where it is missing, nobody knows.
"""

import msgspec

SERVED_FILE = "served.json"


class ServedSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    snapshot: str
