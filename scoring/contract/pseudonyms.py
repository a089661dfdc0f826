"""Keyed pseudonyms: the only identifiers that exist behind the door.

Two steps with two keys, so that a copy of one store cannot be joined with another:

    ID number --lake key--> subject --snapshot key--> snapshot subject
    (door only)             (lake, ledger, token `sub`)  (Valkey keys and records)

The city's OpenID provider issues the subject as the pairwise `sub` of our sector (OIDC Core 8.1),
so the API never sees an ID number and never holds the lake key. Keyed, not plain, hashes: one
city has about 3.7e8 possible ID numbers, which an unkeyed hash gives away in seconds (ENISA 2019).
"""

import base64
import hmac
from typing import Literal

Digest = Literal["sha256", "sm3"]

KEY_BYTES = 32
PSEUDONYM_CHARS = (
    22  # 16 bytes in base64url without padding; 128 bits: no collision among 8e6 people
)


def parse_key(text: str) -> bytes:
    """32 bytes from a key file's 64 hex digits. Raises ValueError without repeating the text."""
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        raise ValueError("not hex digits") from None
    if len(key) != KEY_BYTES:
        raise ValueError(f"{len(key)} bytes instead of {KEY_BYTES}")
    return key


def _pseudonym(key: bytes, purpose: bytes, text: str, digest: Digest) -> str:
    mac = hmac.digest(key, purpose + text.encode(), digest)
    return base64.urlsafe_b64encode(mac[:16])[:PSEUDONYM_CHARS].decode()


def subject_of(lake_key: bytes, id_number: str, digest: Digest = "sha256") -> str:
    """22 base64url characters for an upper-case 18-digit ID number. Called at the door only."""
    return _pseudonym(lake_key, b"subject\0", id_number, digest)


def snapshot_subject_of(snapshot_key: bytes, subject: str) -> str:
    """22 base64url characters naming a subject in snapshots and in Valkey. Always of SHA-256, for
    batch and service must agree: the digest of the door is the city's choice, this one is ours."""
    return _pseudonym(snapshot_key, b"snapshot\0", subject, "sha256")
