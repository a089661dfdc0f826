"""What is asked and answered when a citizen wants a voucher."""

import datetime as dt
from typing import Annotated

import msgspec

from api.openapi.limits import IDENTIFIER, exactly

Token = Annotated[
    str, msgspec.Meta(max_length=300, pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){2}$")
]


class VoucherRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`policy`: id of an entry of GET /v1/benefits."""

    policy: Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=exactly(IDENTIFIER))]


class IssuedVoucher(msgspec.Struct, frozen=True, kw_only=True):
    """`token`: what the gate verifies. `audience`: id of the partner it is for."""

    token: Token
    policy: Annotated[str, msgspec.Meta(max_length=64, pattern=IDENTIFIER)]
    audience: Annotated[str, msgspec.Meta(max_length=64, pattern=IDENTIFIER)]
    expires_at: dt.datetime


class VoucherAnswer(IssuedVoucher, frozen=True, kw_only=True):
    """`qr_svg`: the token as a QR code to be shown. The log's digest is of the answer without it."""

    qr_svg: Annotated[str, msgspec.Meta(max_length=32_768, pattern="^<svg [^\x00-\x08]+</svg>$")]


def shown(voucher: IssuedVoucher, picture: str) -> VoucherAnswer:
    return VoucherAnswer(**msgspec.structs.asdict(voucher), qr_svg=picture)
