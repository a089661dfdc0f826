"""Events of invented people, for the ledger's tests."""

import base64
import hashlib

from api.ledger.fold import EnrolledBody, WithdrawnBody, body_bytes, enrolment_stream
from api.ledger.protocol import EventDraft, IdempotencyClaim

AT_MS = 1_790_000_000_000


def pseudonym(number: int) -> str:
    digest = hashlib.sha256(f"invented person {number}".encode()).digest()
    return base64.urlsafe_b64encode(digest)[:22].decode()


def enrolled(number: int, notice_version: str = "2026-01", at_ms: int = AT_MS) -> EventDraft:
    body = EnrolledBody(
        notice_version=notice_version,
        notice_language="zh-CN",
        notice_sha256="0" * 64,
        receipt_id=f"receipt-{number}",
    )
    return of_enrolment("enrolled", pseudonym(number), at_ms, body_bytes(body))


def withdrawn(number: int, at_ms: int = AT_MS) -> EventDraft:
    return of_enrolment("withdrawn", pseudonym(number), at_ms, body_bytes(WithdrawnBody()))


def of_enrolment(kind: str, subject: str, at_ms: int, body: bytes) -> EventDraft:
    stream = enrolment_stream(subject)
    return EventDraft(kind=kind, stream=stream, subject=subject, at_ms=at_ms, body=body)


def claim(
    key: str, fingerprint: bytes = b"asked", body: bytes = b"{}", scope: str = "enrolment a"
) -> IdempotencyClaim:
    return IdempotencyClaim(scope=scope, key=key, fingerprint=fingerprint, status=201, body=body)
