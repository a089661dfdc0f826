"""A handle as a QR code: what a counter or a gate scans is the handle alone."""

import segno

from api.consents.handles import HANDLE
from api.qr import svg_of

MODULE_PIXELS = 8


def qr_svg(handle: str) -> str:
    """Raises ValueError for what is no handle."""
    if not HANDLE.match(handle):
        raise ValueError("not a handle")
    code = segno.make(handle, error="m", micro=False)
    return svg_of(code, title="合作方扫描此码即可询问", module_pixels=MODULE_PIXELS)
