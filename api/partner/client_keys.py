"""Public keys of partners: a JWK set a partner in the data directory, two keys at most.

A partner replaces its key by handing in a set with the old and the new one, and later one without
the old. Keys are never fetched from an address a partner names (OWASP API7).
"""

import time
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType

import msgspec

from api.keys import MAX_DOCUMENT_BYTES, KeySet, KeysRefused, key_set_of

MOST_KEYS = 2
LOOK_SECONDS = 5.0  # a withdrawn key is trusted this much longer
ALGORITHM = "ES256"
FOLDER = "partners"

_NO_KEYS: KeySet = MappingProxyType({})


def client_keys_file(data: Path, partner: str) -> Path:
    return data / FOLDER / f"{partner}.jwks.json"


class _Seen(msgspec.Struct, frozen=True):
    looked_at: float
    stamp: tuple[int, int, int] | None  # inode, size, time of the last change
    keys: KeySet


class ClientKeys:
    """Keys by partner id, read again when their file has changed. A missing or broken file means no
    keys: the partner cannot authenticate until it is mended."""

    def __init__(self, data: Path, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._data = data
        self._monotonic = monotonic
        self._seen: dict[str, _Seen] = {}

    def of(self, partner: str) -> KeySet:
        now = self._monotonic()
        seen = self._seen.get(partner)
        if seen is None or now - seen.looked_at >= LOOK_SECONDS:
            seen = self._seen[partner] = self._look(partner, now, seen)
        return seen.keys

    def _look(self, partner: str, now: float, before: _Seen | None) -> _Seen:
        path = client_keys_file(self._data, partner)
        try:
            status = path.stat()
        except OSError:
            return _Seen(now, None, _NO_KEYS)
        stamp = (status.st_ino, status.st_size, status.st_mtime_ns)
        if before is not None and before.stamp == stamp:
            return _Seen(now, stamp, before.keys)
        return _Seen(now, stamp, _keys_in(path))


def _keys_in(path: Path) -> KeySet:
    try:
        with path.open("rb") as file:
            document = file.read(MAX_DOCUMENT_BYTES + 1)
        return client_keys_of(document)
    except (OSError, KeysRefused):
        return _NO_KEYS


def client_keys_of(document: bytes) -> KeySet:
    """Raises KeysRefused: also for another algorithm than ES256 and for more than two keys."""
    if len(document) > MAX_DOCUMENT_BYTES:
        raise KeysRefused("document too large")
    keys = key_set_of(document)
    if len(keys) > MOST_KEYS or any(key.algorithm != ALGORITHM for key in keys.values()):
        raise KeysRefused("more than two keys, or another algorithm than ES256")
    return keys
