"""The Idempotency-Key of a request (IETF draft httpapi-idempotency-key-header)."""

import hashlib
import re

import msgspec

from api.ledger.repeated import Idempotency
from api.problems import Problem

# A structured-field string ("...", RFC 9651 3.3.3), as the draft asks, or the bare key many send.
_QUOTED = re.compile(rb'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\]){1,255})"\Z')
_BARE = re.compile(rb"([!#-~][!-~]{0,254})\Z")


def key_of(header: bytes) -> str:
    """Raises Problem invalid_idempotency_key."""
    match = _QUOTED.match(header) or _BARE.match(header)
    if match is None:
        raise Problem("invalid_idempotency_key")
    return re.sub(rb"\\(.)", rb"\1", match[1]).decode("ascii")


def idempotency_of(headers: dict[bytes, bytes], request: msgspec.Struct) -> Idempotency | None:
    """None where the client sent no key. The fingerprint is of what was asked, not of its bytes:
    white space and the order of members do not make another request."""
    header = headers.get(b"idempotency-key")
    if header is None:
        return None
    canonical = msgspec.json.encode(request, order="sorted")
    return Idempotency(key_of(header), hashlib.sha256(canonical).digest())
