"""QR codes as SVG without script, style or reference; dark on white also on a dark page."""

import io

import segno

QUIET_MODULES = 4  # ISO/IEC 18004


def svg_of(code: segno.QRCode, *, title: str, module_pixels: int) -> str:
    """`title`: what a screen reader says of the picture."""
    out = io.BytesIO()
    code.save(
        out,
        kind="svg",
        scale=module_pixels,
        border=QUIET_MODULES,
        xmldecl=False,
        nl=False,
        light="white",
        title=title,
    )
    return out.getvalue().decode()
