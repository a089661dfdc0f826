"""Which snapshot to serve: a complete one that this reader understands, or the one it has."""

import msgspec

from api.store.pipe import Pipe
from api.store.protocol import Version
from api.store.wire import pack
from scoring.contract.snapshot import (
    CLAIMS_KEY,
    CURRENT_KEY,
    DOCUMENTS,
    MARKS_KEY,
    SCHEMA_VERSION,
    VERSIONS_KEY,
    Manifest,
    decode_stored_version,
    documents_key,
    manifest_key,
)

_POLL = pack("MGET", CURRENT_KEY, MARKS_KEY, CLAIMS_KEY)
_VERSIONS = pack("HGETALL", VERSIONS_KEY)


class VersionRefused(Exception):
    """The store points to a snapshot that cannot be served here; the reason, for the log."""


class Polled(msgspec.Struct, frozen=True):
    """`current`: id being served. `has_marks`: whether live marks are in the store. `began_at`:
    Unix seconds since when the store has lost nothing, None where that was never written."""

    current: str | None
    has_marks: bool
    began_at: int | None


async def poll(pipe: Pipe) -> Polled:
    current, marks, began = await pipe.call(_POLL)
    return Polled(
        current.decode() if current is not None else None,
        marks is not None,
        int(float(began)) if began is not None else None,
    )


async def lowest_ledger_position(pipe: Pipe) -> int:
    """Of all versions that can be served again: marks of later events must be in the store."""
    reply = await pipe.call(_VERSIONS)
    versions = [decode_stored_version(value) for value in reply[1::2]]
    return min((v.ledger_position for v in versions if v.flip_number), default=0)


async def fetch(pipe: Pipe, snapshot: str) -> Version:
    """Manifest and documents, all of them. Raises VersionRefused."""
    body = await pipe.call(pack("GET", manifest_key(snapshot)))
    if body is None:
        raise VersionRefused("it has no manifest")
    try:
        manifest = msgspec.json.decode(body, type=Manifest)
    except msgspec.DecodeError as error:
        raise VersionRefused("its manifest does not parse") from error
    if manifest.min_reader > SCHEMA_VERSION:
        raise VersionRefused(f"it needs readers of layout {manifest.min_reader}")
    reply = await pipe.call(pack("HGETALL", documents_key(snapshot)))
    documents = {name.decode(): text for name, text in zip(reply[::2], reply[1::2], strict=True)}
    if missing := [name for name in DOCUMENTS if name not in documents]:
        raise VersionRefused(f"it lacks {', '.join(missing)}")
    return Version(manifest=manifest, documents=documents)
