"""A voucher as a QR code."""

import segno

from api.qr import svg_of

MODULE_PIXELS = 6


def voucher_svg(token: str) -> str:
    code = segno.make_qr(token, error="m", boost_error=False, mode="byte")
    return svg_of(code, title="凭证二维码，两分钟内有效", module_pixels=MODULE_PIXELS)
