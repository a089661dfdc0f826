"""Purpose codes of the access log, put into words a citizen understands."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from api.problems import Language

PURPOSES_FILE = Path(__file__).with_name("purposes.toml")


class PurposeWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    zh: str
    en: str


def load_purposes(path: Path = PURPOSES_FILE) -> Mapping[str, PurposeWords]:
    """Raises msgspec.ValidationError."""
    return msgspec.convert(tomllib.loads(path.read_text("utf-8")), dict[str, PurposeWords])


PURPOSES = load_purposes()
_UNKNOWN = PurposeWords(
    zh="{who}依据所列规定查看了您的信息。",
    en="{who} looked at your data on the legal basis named here.",
)


def purpose_text(code: str, *, who: str, language: Language) -> str:
    words = PURPOSES.get(code, _UNKNOWN)
    return (words.en if language == "en" else words.zh).format(who=who)
