"""The one byte string of an event that hashes and proofs are computed over."""

from api.ledger.protocol import Event

CANONICAL_FORMAT = b"chengxin event 1\n"
NUMBER_BYTES = 8
LENGTH_BYTES = 4


def canonical_bytes(event: Event) -> bytes:
    """`chengxin event 1\\n`, then seq and at_ms as 8-byte big-endian unsigned integers, then kind,
    stream, subject and body, each UTF-8 after its length in bytes as a 4-byte big-endian integer.

    Lengths before texts: no two events share a byte string. This is the leaf's data of RFC 9162
    2.1; the 0x00 that separates leaves from nodes belongs to the tree. Free text of a citizen never
    stands in a body, only its digest: what must be erased one day cannot be part of a leaf.
    """
    return canonical_row(
        event.seq,
        event.at_ms,
        event.kind.encode(),
        event.stream.encode(),
        event.subject.encode(),
        event.body,
    )


def canonical_row(seq: int, at_ms: int, *texts: bytes) -> bytes:
    """The same from a stored row, its texts as the bytes that stand there."""
    return b"".join(
        (
            CANONICAL_FORMAT,
            seq.to_bytes(NUMBER_BYTES, "big"),
            at_ms.to_bytes(NUMBER_BYTES, "big"),
            *(len(text).to_bytes(LENGTH_BYTES, "big") + text for text in texts),
        )
    )


def event_in(canonical: bytes) -> Event:
    """The event that has these canonical bytes. Raises ValueError where none has."""
    start = len(CANONICAL_FORMAT)
    numbers = canonical[start : start + 2 * NUMBER_BYTES]
    seq, at_ms = (
        int.from_bytes(n, "big") for n in (numbers[:NUMBER_BYTES], numbers[NUMBER_BYTES:])
    )
    kind, stream, subject, body = _texts_in(canonical[start + 2 * NUMBER_BYTES :])
    event = Event(
        seq=seq,
        kind=kind.decode(),
        stream=stream.decode(),
        subject=subject.decode(),
        at_ms=at_ms,
        body=body,
    )
    if canonical_bytes(event) != canonical:
        raise ValueError("these bytes are no event's")
    return event


def _texts_in(rest: bytes) -> list[bytes]:
    texts: list[bytes] = []
    while rest:
        ends = LENGTH_BYTES + int.from_bytes(rest[:LENGTH_BYTES], "big")
        texts.append(rest[LENGTH_BYTES:ends])
        rest = rest[ends:]
    return texts
