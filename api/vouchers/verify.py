"""What a gate does, without network: is this voucher real, for me, for this benefit, and now?"""

from collections.abc import Iterable
from typing import Literal

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from api.keys import KeySet, KeysRefused, VerificationKey
from api.strict_json import NotStrictJson, strict_json
from api.vouchers.terms import TERMS, VoucherTerms
from api.vouchers.token import COORDINATE_BYTES, ENCODED_HEADER, Voucher, from_base64url

RefusalCode = Literal[
    "voucher_malformed",
    "voucher_not_ours",
    "voucher_for_another_partner",
    "voucher_for_another_policy",
    "voucher_expired",
    "voucher_from_the_future",
    "voucher_used",
]
ALGORITHM = "ES256"


class VoucherRefused(Exception):
    def __init__(self, code: RefusalCode) -> None:
        super().__init__(code)
        self.code = code


def verified_voucher(
    token: str, keys: KeySet, *, audience: str, policy: str, now: int, terms: VoucherTerms = TERMS
) -> Voucher:
    """`now`: Unix seconds by the gate's own clock. Whether the voucher was used before is the
    caller's to ask (`replay`). Raises VoucherRefused."""
    content, payload, signature = _parts(token, terms.most_bytes)
    if not any([_signs(key, content, signature) for key in _keys_for(keys)]):  # noqa: C419
        raise VoucherRefused("voucher_not_ours")
    voucher = _voucher(payload)
    if voucher.audience != audience:
        raise VoucherRefused("voucher_for_another_partner")
    if voucher.policy != policy:
        raise VoucherRefused("voucher_for_another_policy")
    if now >= voucher.exp:
        raise VoucherRefused("voucher_expired")
    if now < voucher.exp - terms.replay_window_seconds:
        raise VoucherRefused("voucher_from_the_future")
    return voucher


def key_set_of_pem(document: bytes) -> KeySet:
    """One P-256 public key. Raises KeysRefused."""
    try:
        key = serialization.load_pem_public_key(document)
    except ValueError as error:
        raise KeysRefused("not a PEM public key") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise KeysRefused("not a P-256 key")
    return {"pem": VerificationKey(ALGORITHM, key)}


def _parts(token: str, most_bytes: int) -> tuple[bytes, bytes, bytes]:
    """What was signed, the payload, r and s."""
    try:
        data = token.encode("ascii")
        header, payload, signature = data.split(b".")
        if header != ENCODED_HEADER or len(data) > most_bytes:
            raise ValueError("not a voucher's header or size")
        raw = from_base64url(signature)
        if len(raw) != 2 * COORDINATE_BYTES:
            raise ValueError("not a signature's length")
        return header + b"." + payload, from_base64url(payload), raw
    except ValueError as error:
        raise VoucherRefused("voucher_malformed") from error


def _keys_for(keys: KeySet) -> Iterable[ec.EllipticCurvePublicKey]:
    for key in keys.values():
        if key.algorithm == ALGORITHM and isinstance(key.key, ec.EllipticCurvePublicKey):
            yield key.key


def _signs(key: ec.EllipticCurvePublicKey, content: bytes, raw: bytes) -> bool:
    r, s = (
        int.from_bytes(half, "big") for half in (raw[:COORDINATE_BYTES], raw[COORDINATE_BYTES:])
    )
    try:
        key.verify(encode_dss_signature(r, s), content, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _voucher(payload: bytes) -> Voucher:
    try:
        return msgspec.convert(strict_json(payload), Voucher)
    except (NotStrictJson, msgspec.ValidationError) as error:
        raise VoucherRefused("voucher_malformed") from error
