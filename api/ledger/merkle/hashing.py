"""Leaf and node hashes. A leaf starts with 0x00 and a node with 0x01, so that none passes for the
other (RFC 9162 2.1.1)."""

import hashlib
from collections.abc import Callable
from typing import Literal

import msgspec

HASH_BYTES = 32
HashName = Literal["SHA-256", "SM3"]


class TreeHash(msgspec.Struct, frozen=True):
    """`digest`: bytes to 32 bytes. `empty`: root of the tree without leaves."""

    name: HashName
    digest: Callable[[bytes], bytes]

    @property
    def empty(self) -> bytes:
        return self.digest(b"")

    def leaf(self, data: bytes) -> bytes:
        return self.digest(b"\x00" + data)

    def node(self, left: bytes, right: bytes) -> bytes:
        return self.digest(b"\x01" + left + right)


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _sm3(data: bytes) -> bytes:
    """GB/T 32905-2016. Raises ValueError where OpenSSL was built without it."""
    return hashlib.new("sm3", data).digest()


SHA256 = TreeHash("SHA-256", _sha256)
SM3 = TreeHash("SM3", _sm3)
TREE_HASHES: dict[str, TreeHash] = {tree_hash.name: tree_hash for tree_hash in (SHA256, SM3)}
