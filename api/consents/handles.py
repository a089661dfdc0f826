"""Handles: what a partner gets instead of a person, and how her pseudonym is sealed beside it.

Each partner has a key of its own, and each consent an id of its own: two partners that compare
their handles, or one that compares two policies', find nothing in common.
"""

import base64
import hmac
import re

from scoring.contract.pseudonyms import PSEUDONYM_CHARS

HANDLE_CHARS = 22  # 16 bytes in base64url: not to be guessed, short enough for a coarse QR code
HANDLE = re.compile(r"[A-Za-z0-9_-]{22}\Z")


class HandleKeys:
    """Keys drawn from the snapshot key by purpose (HKDF-Expand of one block, RFC 5869 2.3), so that
    no handle can be joined with anything else that key has made."""

    def __init__(self, snapshot_key: bytes) -> None:
        self._handles = hmac.digest(snapshot_key, b"partner handles\0\x01", "sha256")
        self._seals = hmac.digest(snapshot_key, b"consent owners\0\x01", "sha256")

    def handle_of(self, partner: str, consent_id: str) -> str:
        partner_key = hmac.digest(self._handles, partner.encode(), "sha256")
        mac = hmac.digest(partner_key, consent_id.encode(), "sha256")
        return base64.urlsafe_b64encode(mac[:16])[:HANDLE_CHARS].decode()

    def seal(self, handle: str, subject: str) -> str:
        """The ledger's pseudonym, unreadable without the key: a copy of the store alone cannot be
        joined with a copy of the ledger. A handle has one owner, so its key stream is used once."""
        plain = subject.encode("ascii")
        if len(plain) > PSEUDONYM_CHARS:
            raise ValueError(f"a subject has at most {PSEUDONYM_CHARS} characters")
        stream = hmac.digest(self._seals, handle.encode(), "sha256")
        sealed = _exclusive_or(plain, stream)
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def unseal(self, handle: str, sealed: str) -> str:
        """Raises ValueError where it was sealed for another handle or with another key: what comes
        out then is no pseudonym (one chance in 4^22 that it looks like one)."""
        data = base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
        stream = hmac.digest(self._seals, handle.encode(), "sha256")
        subject = _exclusive_or(data[: len(stream)], stream).decode("ascii")
        if not HANDLE.match(subject):
            raise ValueError("not the owner's seal")
        return subject


def _exclusive_or(data: bytes, stream: bytes) -> bytes:
    """As whole numbers: byte by byte it takes ten times as long, and a replay does it for each
    consent."""
    number = int.from_bytes(data, "big") ^ int.from_bytes(stream[: len(data)], "big")
    return number.to_bytes(len(data), "big")
