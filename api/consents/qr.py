"""A handle as a QR code: what a counter or a gate scans is the handle alone."""

import io

import segno

from api.consents.handles import HANDLE

MODULE_PIXELS = 8
QUIET_MODULES = 4  # ISO/IEC 18004


def qr_svg(handle: str) -> str:
    """SVG without script, style or reference. Raises ValueError for what is no handle."""
    if not HANDLE.match(handle):
        raise ValueError("not a handle")
    out = io.BytesIO()
    segno.make(handle, error="m", micro=False).save(
        out,
        kind="svg",
        scale=MODULE_PIXELS,
        border=QUIET_MODULES,
        xmldecl=False,
        nl=False,
        light="white",
        title="合作方扫描此码即可询问",
    )
    return out.getvalue().decode()
