"""State from events: the enrolment of a subject is decided by the last event about it."""

from typing import Literal

import msgspec

from api.ledger.kinds import stream_name
from api.ledger.protocol import Appended, Enrolment, Replayed, Require

ENROLMENT_KINDS: tuple[str, ...] = ("enrolled", "withdrawn")
NEVER_ENROLLED = Enrolment(status="none", notice_version=None, enrolled_at_ms=None, seq=0)


class EnrolledBody(msgspec.Struct, frozen=True, kw_only=True):
    """Body of an `enrolled` event: which text, in which language, was accepted. `notice_sha256`:
    hex digest of the text as shown; `receipt_id` names the receipt given for it. `replaces`: the
    receipt of the enrolment that was active until then; not there where none was."""

    notice_version: str
    notice_language: str
    notice_sha256: str
    receipt_id: str
    replaces: str | msgspec.UnsetType = msgspec.UNSET


class WithdrawnBody(msgspec.Struct, frozen=True, kw_only=True):
    """Body of a `withdrawn` event. `asked_by`: who asked for it."""

    asked_by: Literal["citizen"] = "citizen"


_ENCODER = msgspec.json.Encoder(order="sorted")
_ENROLLED = msgspec.json.Decoder(EnrolledBody)


def enrolment_stream(subject: str) -> str:
    return stream_name("enrolment", subject)


def body_bytes(body: msgspec.Struct) -> bytes:
    """Canonical JSON: members sorted by name, no white space, UTF-8."""
    return _ENCODER.encode(body)


def enrolled_body(body: bytes | str) -> EnrolledBody:
    return _ENROLLED.decode(body)


def notice_version_in(body: bytes | str) -> str:
    return _ENROLLED.decode(body).notice_version


def folded(seq: int, kind: str, at_ms: int, body: bytes | str) -> Enrolment:
    """Enrolment after this event, the last of kind enrolled or withdrawn of its subject."""
    if kind == "enrolled":
        return Enrolment(
            status="active", notice_version=notice_version_in(body), enrolled_at_ms=at_ms, seq=seq
        )
    return Enrolment(status="withdrawn", notice_version=None, enrolled_at_ms=None, seq=seq)


def fold_of(stored: Appended | Replayed) -> Enrolment:
    """Enrolment after an `enrolled` or `withdrawn` event that was just stored."""
    if isinstance(stored, Replayed):
        raise TypeError("a replayed answer is no event")
    event = stored.event
    return folded(event.seq, event.kind, event.at_ms, event.body)


def meets(enrolment: Enrolment, require: Require, unchanged_since: int | None) -> bool:
    if unchanged_since is not None and enrolment.seq != unchanged_since:
        return False
    return require == "any" or (enrolment.status == "active") == (require == "active")
