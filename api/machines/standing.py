"""What is being served, asked of the store and not of the memory that outlives it."""

from api.store.protocol import SnapshotReader, StoreDown
from scoring.contract.snapshot import CURRENT_KEY, Manifest


async def served_manifest(reader: SnapshotReader) -> Manifest:
    """Raises StoreDown, also for a store that has lost its data."""
    manifest = reader.version().manifest
    if await reader.get(CURRENT_KEY) is None:
        raise StoreDown("the store serves nothing")
    return manifest
