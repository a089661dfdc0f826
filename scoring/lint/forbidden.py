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
_INVISIBLE = frozenset({"Cf", "Mn"})  # joiners, soft hyphens, marks that combine
_FIELD_TOKENS = re.compile(r"[^0-9A-Za-z]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")  # maritalStatus is marital_Status


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
    """`traditional`: pairs of a traditional character and its simplified one, spaces between."""

    traditional: str
    input: list[ForbiddenInput]


def forbidden_inputs() -> tuple[ForbiddenInput, ...]:
    """All forbidden inputs in the order of the file."""
    return tuple(_file().input)


@cache
def _file() -> _File:
    text = files("scoring.lint").joinpath("forbidden_inputs.toml").read_bytes()
    return msgspec.toml.decode(text, type=_File)


@cache
def _simplified() -> dict[int, str]:
    return str.maketrans(dict(pair for pair in _file().traditional.split()))  # type: ignore[arg-type]


@cache
def _listed() -> list[tuple[ForbiddenInput, list[str]]]:
    """Each input with its words and proxies as a text with one of them reads somewhere."""
    return [
        (entry, [as_read(word) for word in (*entry.words, *entry.proxies)])
        for entry in forbidden_inputs()
    ]


def find_forbidden(text: str) -> list[Finding]:
    """Findings in a name, reason, condition or other wording; at most one per input, first hit."""
    normal = as_read(text)
    return [
        finding
        for entry, words in _listed()
        if any(word in normal for word in words)  # the usual text holds none, and is read once
        and (finding := _first_wording(entry, normal)) is not None
    ]


def find_forbidden_field(code: str) -> list[Finding]:
    """Findings in a field code such as `XDR_XB` or `gender`, token by token, and as wording."""
    parted = _HUMP.sub("_", code)
    tokens = {token.upper() for token in _FIELD_TOKENS.split(f"{code} {parted}") if token}
    by_field = [
        _finding(entry, "field", field)
        for entry in forbidden_inputs()
        for field in entry.fields
        if field.upper() in tokens
    ]
    seen = {finding.input_id for finding in by_field}
    words = find_forbidden(parted.replace("_", " "))
    return by_field + [finding for finding in words if finding.input_id not in seen]


def as_read(text: str) -> str:
    """One form and case of every letter, simplified characters, nothing invisible, no filler."""
    plain = unicodedata.normalize("NFKC", text).translate(_simplified())
    seen = "".join(one for one in plain if unicodedata.category(one) not in _INVISIBLE)
    return _FILLER.sub("", seen).casefold()


def _first_wording(entry: ForbiddenInput, normal: str) -> Finding | None:
    for phrase in entry.allowed:
        normal = normal.replace(as_read(phrase), "\n")
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
    literal = re.escape(as_read(word))
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
