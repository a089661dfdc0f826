"""Wordings that name a basic service (`basic_services.toml`)."""

from functools import cache
from importlib.resources import files

import msgspec

from scoring.lint.forbidden import as_read


class BasicService(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    words: list[str]
    allowed: list[str]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    service: list[BasicService]


@cache
def basic_services() -> tuple[BasicService, ...]:
    content = files("scoring.lint").joinpath("basic_services.toml").read_bytes()
    return tuple(msgspec.toml.decode(content, type=_File).service)


def named_basic_services(text: str) -> list[str]:
    """Names of the basic services a wording speaks of."""
    return [service.name for service in basic_services() if _is_named(service, text)]


def _is_named(service: BasicService, text: str) -> bool:
    text = as_read(text)
    for phrase in service.allowed:
        text = text.replace(phrase, "")
    return any(word in text for word in service.words)
