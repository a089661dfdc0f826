"""Forbidden inputs of a citizen's score: by field, by wording, by proxy (`forbidden_inputs.toml`)."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec

Way = Literal["field", "wording", "proxy"]

_CJK = "\u4e00-\u9fff"
# "养 犬" and "养-犬" are read as "养犬": what stands between two Chinese characters and is
# neither letter, digit nor sentence punctuation does not hide a word.
_FILLER = re.compile(rf"(?<=[{_CJK}])[\s\u200b-\u200f\ufeff_\-·.*/]+(?=[{_CJK}])")
_FIELD_TOKENS = re.compile(r"[^0-9A-Za-z]+")


class ForbiddenInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str
    name: str
    name_en: str
    reason: str
    reason_en: str
    legal_basis: str
    fields: list[str]
    words: list[str]
    proxies: list[str]
    allowed: list[str]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """`input_id` as in the TOML; `hit`: the word as listed; `reason`, `legal_basis`: why not."""

    input_id: str
    name: str
    way: Way
    hit: str
    reason: str
    legal_basis: str


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    input: list[ForbiddenInput]


@cache
def forbidden_inputs() -> tuple[ForbiddenInput, ...]:
    """All forbidden inputs in the order of the file."""
    text = files("scoring.lint").joinpath("forbidden_inputs.toml").read_bytes()
    return tuple(msgspec.toml.decode(text, type=_File).input)


def find_forbidden(text: str) -> list[Finding]:
    """Findings in a name, reason, condition or other wording; at most one per input, first hit."""
    normal = _normal(text)
    return [
        finding
        for entry in forbidden_inputs()
        if (finding := _first_wording(entry, normal)) is not None
    ]


def find_forbidden_field(code: str) -> list[Finding]:
    """Findings in a field code such as `XDR_XB` or `gender`, token by token, and as wording."""
    tokens = {token.upper() for token in _FIELD_TOKENS.split(code) if token}
    by_field = [
        _finding(entry, "field", field)
        for entry in forbidden_inputs()
        for field in entry.fields
        if field.upper() in tokens
    ]
    seen = {finding.input_id for finding in by_field}
    words = find_forbidden(code.replace("_", " "))
    return by_field + [finding for finding in words if finding.input_id not in seen]


def _normal(text: str) -> str:
    return _FILLER.sub("", unicodedata.normalize("NFKC", text)).casefold()


def _first_wording(entry: ForbiddenInput, normal: str) -> Finding | None:
    for phrase in entry.allowed:
        normal = normal.replace(_normal(phrase), "\n")
    return next(_wordings(entry, normal), None)


def _wordings(entry: ForbiddenInput, normal: str) -> Iterator[Finding]:
    ways: Iterable[tuple[Way, list[str]]] = (("wording", entry.words), ("proxy", entry.proxies))
    for way, words in ways:
        for word in words:
            if _pattern(word).search(normal):
                yield _finding(entry, way, word)


@cache
def _pattern(word: str) -> re.Pattern[str]:
    """Chinese and digits anywhere; Latin as a whole word, plural allowed, `_` a separator."""
    literal = re.escape(_normal(word))
    if word.isascii():
        return re.compile(rf"(?<![a-z0-9]){literal}(?:s|es)?(?![a-z0-9])")
    return re.compile(literal)


def _finding(entry: ForbiddenInput, way: Way, hit: str) -> Finding:
    return Finding(
        input_id=entry.id,
        name=entry.name,
        way=way,
        hit=hit,
        reason=entry.reason,
        legal_basis=entry.legal_basis,
    )
