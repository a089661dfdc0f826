"""Issuing: the decision, the line in the access log, the signed bytes."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from api.accesses.events import access_draft
from api.accesses.protocol import AccessEvent
from api.ledger.enrolment import city_day, instant
from api.ledger.protocol import ConditionNotMet, Ledger, Replayed
from api.ledger.repeated import Idempotency, Repeatable
from api.me.admission import Admission, admitted
from api.me.records import band_of
from api.store.protocol import SnapshotReader, Version
from api.vouchers.answers import IssuedVoucher
from api.vouchers.decision import VoucherNotIssued, open_benefit, require_eligible
from api.vouchers.terms import TERMS, VoucherTerms
from api.vouchers.token import Voucher, signed
from scoring.contract.documents import Benefit, BenefitsDocument, RulesDocument
from scoring.contract.snapshot import HotRecord, decode_hot, tag_of

ISSUED_STATUS = 201
PURPOSE = "own_voucher"
JTI_BYTES = 12


class Issued(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of an answer for its repetition: nothing a gate could ever see again, so that
    the ledger cannot be joined with gates' memories."""

    audience: str
    policy: str
    exp: int


class VoucherIssuer:
    """`benefits_in`, `rules_in`: documents of a version. Its `jti`s come from `jti_key`, drawn from
    a secret by purpose, and the request's Idempotency-Key; without one they are random."""

    def __init__(
        self,
        ledger: Ledger,
        reader: SnapshotReader,
        signing_key: ec.EllipticCurvePrivateKey,
        secret: bytes,
        *,
        benefits_in: Callable[[Version], BenefitsDocument],
        rules_in: Callable[[Version], RulesDocument],
        now_ms: Callable[[], int],
        admission: Admission | None = None,
        terms: VoucherTerms = TERMS,
    ) -> None:
        self._ledger = ledger
        self._reader = reader
        self._signing_key = signing_key
        self._jti_key = hmac.digest(secret, b"voucher ids\0\x01", "sha256")
        self._benefits_in = benefits_in
        self._rules_in = rules_in
        self._now_ms = now_ms
        self._admission = admission
        self._terms = terms

    async def issue(
        self, subject: str, snapshot_subject: str, policy: str, idempotency: Idempotency | None
    ) -> IssuedVoucher:
        """Logged durably when it returns. Raises VoucherNotIssued, Problem, RecordCorrupt,
        StoreDown, LedgerUnavailable, IdempotencyConflict."""
        request = Repeatable(self._ledger, f"vouchers {subject}", idempotency)

        def again(before: Replayed) -> IssuedVoucher:
            issued = msgspec.json.decode(before.body, type=Issued)
            return self._answer(issued, self._jti(subject, idempotency, issued.exp))

        async def issued() -> IssuedVoucher:
            made, event, kept = await self._made(subject, snapshot_subject, policy, idempotency)
            claim = request.claim(ISSUED_STATUS, msgspec.json.encode(kept))
            try:
                stored = await self._ledger.append(
                    access_draft(event), require="active", claim=claim
                )
            except ConditionNotMet:
                raise VoucherNotIssued("not_enrolled") from None
            return again(stored) if isinstance(stored, Replayed) else made

        return await request.answer(issued, again)

    async def _made(
        self, subject: str, snapshot_subject: str, policy: str, idempotency: Idempotency | None
    ) -> tuple[IssuedVoucher, AccessEvent, Issued]:
        version, now_ms = self._reader.version(), self._now_ms()
        benefit = open_benefit(self._benefits_in(version).items, policy, city_day(now_ms))
        record = await self._record_of(version, subject, snapshot_subject)
        require_eligible(record.score_points, benefit)
        exp = now_ms // 1_000 + self._terms.lifetime_seconds
        issued = Issued(audience=benefit.partner, policy=policy, exp=exp)
        answer = self._answer(issued, self._jti(subject, idempotency, exp))
        event = _access(subject, benefit, answer, now_ms, version.manifest.snapshot)
        return answer, event, issued

    async def _record_of(self, version: Version, subject: str, snapshot_subject: str) -> HotRecord:
        stored = await self._reader.hot(version, snapshot_subject)
        value = await admitted(self._admission, stored, version, subject)
        record = decode_hot(value, tag_of(snapshot_subject))
        band_of(record, self._rules_in(version).bands)
        return record

    def _answer(self, issued: Issued, jti: str) -> IssuedVoucher:
        voucher = Voucher(audience=issued.audience, exp=issued.exp, jti=jti, policy=issued.policy)
        return IssuedVoucher(
            token=signed(voucher, self._signing_key),
            policy=issued.policy,
            audience=issued.audience,
            expires_at=instant(issued.exp * 1_000),
        )

    def _jti(self, subject: str, idempotency: Idempotency | None, exp: int) -> str:
        if idempotency is None:
            return secrets.token_urlsafe(JTI_BYTES)
        message = b"\0".join([subject.encode(), idempotency.key.encode(), b"%d" % exp])
        mac = hmac.digest(self._jti_key, message, "sha256")
        return base64.urlsafe_b64encode(mac[:JTI_BYTES]).decode("ascii")


def _access(
    subject: str, benefit: Benefit, answer: IssuedVoucher, at_ms: int, snapshot: str
) -> AccessEvent:
    return AccessEvent(
        subject=subject,
        at_ms=at_ms,
        initiator_kind="citizen",
        initiator="citizen",
        on_behalf_of=benefit.partner,
        purpose=PURPOSE,
        legal_basis=benefit.legal_basis,
        policy=benefit.id,
        response_digest=hashlib.sha256(msgspec.json.encode(answer)).hexdigest(),
        snapshot=snapshot,
    )
