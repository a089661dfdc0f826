"""Signed tree heads: what the city cannot take back.

A head is a checkpoint in the form that transparency logs share (c2sp.org/tlog-checkpoint inside
c2sp.org/signed-note), so that any witness can follow this log:

    chengxin.example/ledger
    1234
    <root, base64>
    time 2026-04-01T03:00:00Z
    hash SHA-256

    — chengxin.example/ledger <key hash and Ed25519 signature, base64>
"""

import base64
import binascii
import datetime as dt
import hashlib

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from api.ledger.merkle.hashing import HASH_BYTES, TREE_HASHES, TreeHash

DEFAULT_ORIGIN = "chengxin.example/ledger"
SIGNATURE_MARK = "\u2014 "  # an em dash
KEY_HASH_BYTES = 4
ED25519 = b"\x01"  # the algorithm's number in signed-note


class HeadWrong(ValueError):
    """No head, or not signed by this key, or of another log."""


class TreeHead(msgspec.Struct, frozen=True, kw_only=True):
    """`size`: events; the last one's seq. `at`: UTC, whole seconds."""

    origin: str
    size: int
    root: bytes
    at: dt.datetime
    tree_hash: TreeHash


def head_text(head: TreeHead) -> str:
    return (
        f"{head.origin}\n{head.size}\n{_base64(head.root)}\n"
        f"time {head.at:%Y-%m-%dT%H:%M:%SZ}\nhash {head.tree_hash.name}\n"
    )


def signed_head(head: TreeHead, key: Ed25519PrivateKey) -> str:
    text = head_text(head)
    signature = _key_hash(head.origin, key.public_key()) + key.sign(text.encode())
    return f"{text}\n{SIGNATURE_MARK}{head.origin} {_base64(signature)}\n"


def verifier_key(origin: str, key: Ed25519PublicKey) -> str:
    """The public key as witnesses are given it (c2sp.org/signed-note)."""
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return f"{origin}+{_key_hash(origin, key).hex()}+{_base64(ED25519 + raw)}"


def verify_head(note: str, key: Ed25519PublicKey, origin: str | None = DEFAULT_ORIGIN) -> TreeHead:
    """The head that this key signed; `origin` None accepts any log. Other signatures, those of
    witnesses, may stand beside it. Raises HeadWrong."""
    text, blank, signatures = note.partition("\n\n")
    head = _parsed(text)
    if not blank or origin not in (None, head.origin):
        raise HeadWrong("not a head of this log")
    for line in signatures.splitlines():
        if line.startswith(f"{SIGNATURE_MARK}{head.origin} "):
            signed = _decoded(line.rpartition(" ")[2])
            if signed[:KEY_HASH_BYTES] == _key_hash(head.origin, key):
                _require_signed(key, signed[KEY_HASH_BYTES:], f"{text}\n")
                return head
    raise HeadWrong("not signed with this key")


def _require_signed(key: Ed25519PublicKey, signature: bytes, text: str) -> None:
    try:
        key.verify(signature, text.encode())
    except InvalidSignature:
        raise HeadWrong("the signature does not belong to this head") from None


def _parsed(text: str) -> TreeHead:
    try:
        origin, size, root, time, hash_name = text.split("\n")
        head = TreeHead(
            origin=origin,
            size=int(size),
            root=_decoded(root),
            at=dt.datetime.strptime(time, "time %Y-%m-%dT%H:%M:%SZ").replace(tzinfo=dt.UTC),
            tree_hash=TREE_HASHES[hash_name.removeprefix("hash ")],
        )
    except (ValueError, KeyError):
        raise HeadWrong("not a head") from None
    if head_text(head) != f"{text}\n" or len(head.root) != HASH_BYTES:
        raise HeadWrong("not a head")
    return head


def _key_hash(origin: str, key: Ed25519PublicKey) -> bytes:
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return hashlib.sha256(origin.encode() + b"\n" + ED25519 + raw).digest()[:KEY_HASH_BYTES]


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise HeadWrong("not base64") from None
