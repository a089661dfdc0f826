"""Where each bucket stands in a RESP part: a citizen's records read from the snapshot's own files.

The store may be down; the files are not. `records-NN.lookup` beside `records-NN.resp`, little-endian:

    8 bytes   CXLOOKUP
    u32       number of the part's first bucket
    u32       number of its buckets, n
    3 n x     u64 offset, u32 size, 32 bytes SHA-256 of the bucket's HSET command in the part:
              n of hot records, n of explanations, n of histories; size 0 = no such command

The manifest's signature holds the lookup file's digest and that one holds every bucket's. So a
reader that hashes the few kB it reads knows as much as one that hashed the whole snapshot, and a
file that is damaged later is found out too.
"""

import hashlib
import struct
from collections.abc import Iterable
from typing import Literal, NamedTuple

from scoring.contract.snapshot import FIELD_CHARS

Sort = Literal["hot", "explanation", "history"]
SORTS: tuple[Sort, ...] = ("hot", "explanation", "history")

_MAGIC = b"CXLOOKUP"
_HEAD = struct.Struct("<8sII")
_ENTRY = struct.Struct("<QI32s")


class LookupBroken(ValueError):
    """A lookup file, or the bytes it leads to, are not what was signed."""


class Place(NamedTuple):
    """Of a bucket's command in its part."""

    offset: int
    size: int
    sha256: bytes


def lookup_bytes(
    part: bytes, first_bucket: int, buckets: int, commands: Iterable[tuple[Sort, int, int, int]]
) -> bytes:
    """`commands`: sort, bucket, first byte and byte behind the last of every command in `part`."""
    table = bytearray(_HEAD.size + len(SORTS) * buckets * _ENTRY.size)
    _HEAD.pack_into(table, 0, _MAGIC, first_bucket, buckets)
    view = memoryview(part)
    for sort, bucket, start, end in commands:
        at = _entry_at(sort, bucket - first_bucket, buckets)
        digest = hashlib.sha256(view[start:end]).digest()
        _ENTRY.pack_into(table, at, start, end - start, digest)
    return bytes(table)


class Lookup:
    """Raises LookupBroken for bytes that are no lookup file."""

    def __init__(self, content: bytes) -> None:
        if len(content) < _HEAD.size:
            raise LookupBroken("shorter than its head")
        magic, self.first_bucket, self.buckets = _HEAD.unpack_from(content)
        if magic != _MAGIC:
            raise LookupBroken("no lookup file")
        if len(content) != _HEAD.size + len(SORTS) * self.buckets * _ENTRY.size:
            raise LookupBroken("its size does not fit its buckets")
        self._content = content

    def place(self, sort: Sort, bucket: int) -> Place | None:
        """None where the bucket holds nothing of this sort."""
        number = bucket - self.first_bucket
        if not 0 <= number < self.buckets:
            raise LookupBroken("a bucket of another part")
        place = Place(*_ENTRY.unpack_from(self._content, _entry_at(sort, number, self.buckets)))
        return place if place.size else None


def _entry_at(sort: Sort, number: int, buckets: int) -> int:
    return _HEAD.size + (SORTS.index(sort) * buckets + number) * _ENTRY.size


def require_whole(command: bytes, place: Place) -> None:
    """Raises LookupBroken unless these are the very bytes that were signed."""
    if hashlib.sha256(command).digest() != place.sha256:
        raise LookupBroken("a bucket's bytes are not those that were signed")


def value_in(command: bytes, field: str) -> bytes | None:
    """What an HSET command sets `field` to. A value has no line ends and is a tag alone or has a
    comma, which no field has: a field's characters in their own frame are the field."""
    frame = b"\r\n$%d\r\n%s\r\n$" % (FIELD_CHARS, field.encode("ascii"))
    start = command.find(frame)
    if start < 0:
        return None
    size_at = start + len(frame)
    size_end = command.index(b"\r\n", size_at)
    value_at = size_end + 2
    return command[value_at : value_at + int(command[size_at:size_end])]
