"""JSON as a security boundary reads it: one meaning for one text, whoever parses it next.

The usual parsers take the last of two equal members, NaN, lone surrogates and as many brackets as
the stack holds; two services that differ there can be played against each other (RFC 7493).
"""

import json
from typing import Any, NoReturn

MAX_DEPTH = 32


class NotStrictJson(ValueError):
    """Not UTF-8, not JSON, a member twice, nested too deep, or a number that is none."""


def strict_json(data: bytes) -> Any:
    """Objects become dicts. Raises NotStrictJson and nothing else, for any bytes."""
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH:
        _check_depth(data)
    try:
        text = data.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_unique_members, parse_constant=_refuse_constant)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode("utf-8")  # lone surrogates fail here
    except (ValueError, RecursionError) as error:
        raise NotStrictJson("not strict JSON") from error
    return value


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotStrictJson("a member twice")
    return members


def _refuse_constant(_: str) -> NoReturn:
    raise NotStrictJson("NaN and Infinity are not JSON")


def _check_depth(data: bytes) -> None:
    """Brackets inside strings do not count, so strings are cut out first: everything between an
    even and an odd quote, once escaped backslashes and quotes are gone."""
    outside = b"".join(data.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')[::2])
    depth = 0
    for byte in outside:
        if byte in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise NotStrictJson("nested too deep")
        elif byte in b"]}":
            depth -= 1
