"""Signing a receipt, and holding one against its signature: ES256 (RFC 7518 3.4).

The nonce is drawn from key and message (RFC 6979), so the same receipt is signed in the same bytes.
A receipt is accepted in one spelling only, so that no byte of the file can change unnoticed.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from api.ledger.fold import body_bytes
from api.ledger.notice import NoticeDocument
from api.ledger.protocol import EventDraft
from api.receipts.record import (
    ConsentRecord,
    Controller,
    Proof,
    PublicKey,
    SignedReceipt,
    load_controller,
    receipt_parts,
)
from api.signing_keys import SigningKey, jwks_of
from scoring.errors import VerificationFailed

HALF_BYTES = 32
_DETERMINISTIC = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)

ReceiptMaker = Callable[[EventDraft, NoticeDocument], bytes]


def receipt_maker(key: SigningKey, controller: Controller | None = None) -> ReceiptMaker:
    """What the enrolment service answers with."""
    office = controller or load_controller()

    def make(draft: EventDraft, notice: NoticeDocument) -> bytes:
        plain, record = receipt_parts(draft, notice, office)
        return signed_bytes(key, msgspec.structs.asdict(plain), record)

    return make


def signed_bytes(key: SigningKey, plain: dict[str, object], record: ConsentRecord) -> bytes:
    (jwk,) = jwks_of(key)["keys"]
    public = PublicKey(kty=jwk["kty"], crv=jwk["crv"], x=jwk["x"], y=jwk["y"])
    receipt = SignedReceipt(
        **plain,  # type: ignore[arg-type]
        consent_record=record,
        proof=Proof(alg="ES256", kid=key.kid, jwk=public, signature=""),
    )
    r, s = decode_dss_signature(key.private_key.sign(body_bytes(receipt), _DETERMINISTIC))
    signature = _encoded(r.to_bytes(HALF_BYTES, "big") + s.to_bytes(HALF_BYTES, "big"))
    return body_bytes(_with_signature(receipt, signature))


def verified_receipt(data: bytes, trusted: Mapping[str, PublicKey] | None = None) -> SignedReceipt:
    """`trusted`: keys of the office by thumbprint; None takes the receipt's own, which proves that
    nothing was changed since, but not who signed. Raises VerificationFailed `receipt_malformed`,
    `receipt_key_unknown`, `receipt_changed`."""
    try:
        receipt = msgspec.json.decode(data, type=SignedReceipt)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _refused(
            "receipt_malformed", "not a receipt: a member is missing, unknown or wrong"
        ) from error
    if body_bytes(receipt) != data:
        raise _refused("receipt_changed", "not written as the office writes receipts")
    proof = receipt.proof
    if thumbprint_of(proof.jwk) != proof.kid:
        raise _refused("receipt_changed", "the key is not the one it is named as")
    if trusted is not None and trusted.get(proof.kid) != proof.jwk:
        raise _refused("receipt_key_unknown", "the office has no such key")
    _require_signature(receipt)
    _require_agreement(receipt)
    return receipt


def thumbprint_of(key: PublicKey) -> str:
    return _encoded(hashlib.sha256(msgspec.json.encode(key, order="sorted")).digest())


def _require_signature(receipt: SignedReceipt) -> None:
    proof = receipt.proof
    try:
        raw = _decoded(proof.signature, 2 * HALF_BYTES)
        numbers = ec.EllipticCurvePublicNumbers(
            int.from_bytes(_decoded(proof.jwk.x, HALF_BYTES), "big"),
            int.from_bytes(_decoded(proof.jwk.y, HALF_BYTES), "big"),
            ec.SECP256R1(),
        )
        signature = encode_dss_signature(
            int.from_bytes(raw[:HALF_BYTES], "big"), int.from_bytes(raw[HALF_BYTES:], "big")
        )
        unsigned = body_bytes(_with_signature(receipt, ""))
        numbers.public_key().verify(signature, unsigned, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError) as error:
        raise _refused("receipt_changed", "the signature does not belong to this text") from error


def _require_agreement(receipt: SignedReceipt) -> None:
    """The plain members and the record tell the same story, whoever signed it."""
    record = receipt.consent_record
    notice = record.processing.privacy_notice
    agrees = (
        record.record_id == receipt.receipt_id
        and record.pii_principal_id == receipt.subject
        and notice.notice_version == receipt.notice.version == receipt.notice_version
        and notice.sha256 == receipt.notice.sha256
        and [event.event_time for event in record.events] == [receipt.enrolled_at]
        and {party.party_type for party in record.parties} >= {"pii_controller", "pii_principal"}
        and all(text for text in msgspec.structs.astuple(record.processing))
    )
    if not agrees:
        raise _refused("receipt_malformed", "its parts contradict each other or are empty")


def _with_signature(receipt: SignedReceipt, signature: str) -> SignedReceipt:
    proof = msgspec.structs.replace(receipt.proof, signature=signature)
    return msgspec.structs.replace(receipt, proof=proof)


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decoded(text: str, size_bytes: int) -> bytes:
    """Raises ValueError, also for a second spelling of the same bytes."""
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if len(raw) != size_bytes or _encoded(raw) != text:
        raise ValueError("not base64url of the right length")
    return raw


def _refused(code: str, what: str) -> VerificationFailed:
    return VerificationFailed(
        code, what, do="download the receipt again; if it still fails, show it to the credit office"
    )
