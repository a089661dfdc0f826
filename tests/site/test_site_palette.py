"""Contrast of every text pair of the palette, light and dark: WCAG 2, AA (GB/T 37668-2019)."""

import re

import pytest

from tests.site.conftest import ROOT

STYLES = (ROOT / "site" / "pages" / "assets" / "chengxin.css").read_text("utf-8")
MINIMUM_RATIO = 4.5
PAIRS = [
    ("ink", "paper"),
    ("ink", "panel"),
    ("ink", "past-panel"),
    ("ink-soft", "paper"),
    ("ink-soft", "panel"),
    ("ink-soft", "line"),
    ("link", "paper"),
    ("link", "panel"),
    ("link-hover", "paper"),
    ("paper", "link"),
    ("paper", "link-hover"),
    ("seal", "paper"),
    ("seal", "panel"),
    ("ink", "mark"),
    ("good", "good-panel"),
    ("past", "past-panel"),
    ("foot-ink", "foot"),
    ("foot-soft", "foot"),
]


def colours(scheme: str) -> dict[str, str]:
    block = re.search(
        rf'\[data-md-color-scheme="{scheme}"\] \{{\n(  color-scheme.*?)\n\}}', STYLES, re.DOTALL
    )
    assert block is not None
    return dict(re.findall(r"--cx-([a-z0-9-]+): (#[0-9a-f]{6});", block[1]))


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def ratio(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_black_on_white_is_twenty_one_to_one() -> None:
    assert ratio("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("scheme", ["default", "slate"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_can_be_read_on_its_ground(scheme: str, text: str, ground: str) -> None:
    palette = colours(scheme)
    assert ratio(palette[text], palette[ground]) >= MINIMUM_RATIO


def test_both_schemes_name_the_same_colours() -> None:
    assert colours("default").keys() == colours("slate").keys()
