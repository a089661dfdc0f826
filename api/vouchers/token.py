"""A voucher and its bytes: one spelling for one voucher."""

import base64
import binascii
from typing import Annotated

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

HEADER = b'{"alg":"ES256","typ":"voucher+jwt"}'
COORDINATE_BYTES = 32  # of P-256: r and s are joined (RFC 7518 3.4)

_Id = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,63}\Z")]
Jti = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{16}\Z")]  # 96 bits


class Voucher(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename={"audience": "aud"},
):
    """Members in the order of the bytes. `audience`: partner id; `exp`: Unix seconds."""

    audience: _Id
    exp: Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)]
    jti: Jti
    policy: _Id


def base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def from_base64url(text: bytes) -> bytes:
    """Raises ValueError also where other characters would have meant the same bytes."""
    try:
        data = base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    except binascii.Error as error:
        raise ValueError("not base64url") from error
    if base64url(data) != text:
        raise ValueError("not the one spelling of its bytes")
    return data


ENCODED_HEADER = base64url(HEADER)


def signed(voucher: Voucher, key: ec.EllipticCurvePrivateKey) -> str:
    """The same voucher and key give the same bytes (RFC 6979), so that a repeated request can be
    answered again without keeping what was answered."""
    content = ENCODED_HEADER + b"." + base64url(msgspec.json.encode(voucher))
    der = key.sign(content, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    raw = b"".join(n.to_bytes(COORDINATE_BYTES, "big") for n in decode_dss_signature(der))
    return (content + b"." + base64url(raw)).decode("ascii")
