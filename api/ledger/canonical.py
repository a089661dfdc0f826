"""The one byte string of an event that hashes and proofs are computed over."""

from api.ledger.protocol import Event

CANONICAL_FORMAT = b"chengxin event 1\n"


def canonical_bytes(event: Event) -> bytes:
    """`chengxin event 1\\n`, then seq and at_ms as 8-byte big-endian unsigned integers, then kind,
    stream, subject and body, each UTF-8 after its length in bytes as a 4-byte big-endian integer.

    Lengths before texts: no two events share a byte string. This is the leaf's data of RFC 9162
    2.1; the 0x00 that separates leaves from nodes belongs to the tree. Free text of a citizen never
    stands in a body, only its digest: what must be erased one day cannot be part of a leaf.
    """
    numbers = event.seq.to_bytes(8, "big") + event.at_ms.to_bytes(8, "big")
    texts = (event.kind.encode(), event.stream.encode(), event.subject.encode(), event.body)
    return CANONICAL_FORMAT + numbers + b"".join(len(t).to_bytes(4, "big") + t for t in texts)
