"""The byte string that hashes and proofs will be computed over, fixed for good."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from api.ledger.canonical import canonical_bytes
from api.ledger.protocol import Event

numbers = st.integers(0, (1 << 63) - 1)
events = st.builds(
    Event,
    seq=numbers,
    kind=st.sampled_from(["enrolled", "withdrawn"]),
    stream=st.text(max_size=30),
    subject=st.text(max_size=30),
    at_ms=numbers,
    body=st.binary(max_size=60),
)


def test_the_encoding_of_an_event_is_this_one() -> None:
    event = Event(
        seq=1,
        kind="withdrawn",
        stream="enrolment:x8Kq",
        subject="x8Kq",
        at_ms=1_790_000_000_000,
        body=b'{"a":"\xe4\xbf\xa1"}',
    )
    assert canonical_bytes(event) == (
        b"chengxin event 1\n"
        b"\x00\x00\x00\x00\x00\x00\x00\x01"
        b"\x00\x00\x01\xa0\xc4\x50\x6c\x00"
        b"\x00\x00\x00\x09withdrawn"
        b"\x00\x00\x00\x0eenrolment:x8Kq"
        b"\x00\x00\x00\x04x8Kq"
        b'\x00\x00\x00\x0b{"a":"\xe4\xbf\xa1"}'
    )
    leaf = hashlib.sha256(b"\x00" + canonical_bytes(event)).hexdigest()  # RFC 9162 2.1.1
    assert leaf == "08293de95aaa9ab4568b03b5ce6fa73d4e0566fa333588759e5c9eb694629947"


@given(events, events)
def test_two_different_events_never_share_an_encoding(one: Event, other: Event) -> None:
    assert (canonical_bytes(one) == canonical_bytes(other)) == (one == other)


def test_moving_a_character_from_one_member_to_the_next_changes_the_encoding() -> None:
    one = Event(seq=1, kind="enrolled", stream="x", subject="ab", at_ms=1, body=b"c")
    for subject, stream, body in (("a", "x", b"bc"), ("b", "xa", b"c")):
        other = Event(seq=1, kind="enrolled", stream=stream, subject=subject, at_ms=1, body=body)
        assert canonical_bytes(one) != canonical_bytes(other)
