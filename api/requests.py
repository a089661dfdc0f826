"""Checks of a request before any handler sees it; each raises Problem with a stable code."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote_to_bytes

from api.access import Access
from api.problems import Problem
from api.strict_json import NotStrictJson, strict_json

MAX_QUERY_BYTES = 2_048
MAX_QUERY_PARAMETERS = 16
MAX_FORM_PARAMETERS = 16
# Two of these mean two readers may each believe another one (RFC 9110 5.3, request smuggling).
SINGLE_HEADERS = (b"authorization", b"content-type", b"content-length", b"host", b"idempotency-key")
MAX_REMEMBERED_ACCEPTS = 256

Receive = Callable[[], Awaitable[Any]]


def headers_of(scope: Any) -> dict[bytes, bytes]:
    """Raises Problem bad_request where a header that decides something comes twice, and where
    HTTP/1.1 comes without Host (RFC 9112 3.2). What comes in several lines is one list, in their
    order (RFC 9110 5.3)."""
    pairs: list[tuple[bytes, bytes]] = scope["headers"]
    headers = dict(pairs)
    if len(headers) != len(pairs):
        headers = _joined(pairs)
    # Where there was none, the server puts an empty one.
    if not headers.get(b"host") and scope["http_version"] == "1.1":
        raise Problem("bad_request")
    return headers


def _joined(pairs: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    headers: dict[bytes, bytes] = {}
    for name, value in pairs:
        if name not in headers:
            headers[name] = value
        elif name in SINGLE_HEADERS:
            raise Problem("bad_request")
        else:
            headers[name] = b", ".join([headers[name], value])
    return headers


def query_of(query_string: bytes, known: frozenset[str]) -> dict[str, str]:
    """Each known parameter at most once, in UTF-8, without control characters. Anything else,
    unknown names included, is invalid_parameter: a misspelt filter must not mean "no filter"."""
    if not query_string:
        return {}
    parts = query_string.split(b"&")
    if len(query_string) > MAX_QUERY_BYTES or len(parts) > MAX_QUERY_PARAMETERS:
        raise Problem("invalid_parameter")
    found: dict[str, str] = {}
    for part in parts:
        name, separator, value = (_decoded(piece) for piece in part.partition(b"="))
        if not separator or name not in known or name in found:
            raise Problem("invalid_parameter")
        found[name] = value
    return found


def _decoded(piece: bytes) -> str:
    try:
        text = unquote_to_bytes(piece.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError:
        raise Problem("invalid_parameter") from None
    if not text.isprintable():
        raise Problem("invalid_parameter")
    return text


class AcceptedTypes:
    """Whether an Accept header takes a media type (RFC 9110 12.5.1); answers are remembered, since
    few different headers come."""

    def __init__(self) -> None:
        self._remembered: dict[tuple[bytes, str], bool] = {}

    def check(self, accept: bytes, media_type: str) -> None:
        is_accepted = self._remembered.get((accept, media_type))
        if is_accepted is None:
            is_accepted = is_acceptable(accept, media_type)
            if len(self._remembered) < MAX_REMEMBERED_ACCEPTS and len(accept) <= 256:
                self._remembered[(accept, media_type)] = is_accepted
        if not is_accepted:
            raise Problem("not_acceptable")


def is_acceptable(accept: bytes, media_type: str) -> bool:
    """The most specific range that matches decides; `q=0` refuses."""
    kind = media_type.partition(";")[0]
    specificity = {kind: 3, kind.partition("/")[0] + "/*": 2, "*/*": 1}
    best, weight = 0, 0.0
    for part in accept.decode("latin-1").lower().split(","):
        media_range, *parameters = (piece.strip() for piece in part.split(";"))
        rank = specificity.get(media_range, 0)
        if rank > best:
            best, weight = rank, _weight(parameters)
    return weight > 0 or not accept.strip()


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def check_json_type(content_type: bytes | None) -> None:
    """JSON has one encoding; `text/plain` would let any web page post here without preflight."""
    _check_type(content_type, b"application/json")


def check_form_type(content_type: bytes | None) -> None:
    _check_type(content_type, b"application/x-www-form-urlencoded")


def _check_type(content_type: bytes | None, wanted: bytes) -> None:
    if content_type == wanted:
        return
    kind, _, parameters = (content_type or b"").lower().partition(b";")
    if kind.strip() != wanted:
        raise Problem("unsupported_media_type")
    name, _, value = parameters.strip().partition(b"=")
    if parameters.strip() and (name.strip() != b"charset" or value.strip(b' "') != b"utf-8"):
        raise Problem("unsupported_media_type")


async def read_json_body(
    headers: dict[bytes, bytes], receive: Receive, *, access: Access, limit_bytes: int
) -> bytes:
    """The whole body, proven strict JSON; the handler may decode it with any parser after that."""
    body = await read_typed_body(headers, receive, access=access, limit_bytes=limit_bytes)
    if access.body != "form":
        try:
            strict_json(body)
        except NotStrictJson:
            raise Problem("malformed_body") from None
    return body


async def read_typed_body(
    headers: dict[bytes, bytes], receive: Receive, *, access: Access, limit_bytes: int
) -> bytes:
    """The whole body, of the type and within the size the operation takes; not looked into. A
    packed one is refused: it would be something else to whoever unpacks it (RFC 9110 8.4)."""
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise Problem("unsupported_media_type")
    if access.body == "json":
        check_json_type(headers.get(b"content-type"))
    elif access.body == "form":
        check_form_type(headers.get(b"content-type"))
    return await read_body(headers, receive, limit_bytes=access.body_limit_bytes or limit_bytes)


def form_of(body: bytes, *, refused: Problem) -> dict[str, str]:
    """Parameters of application/x-www-form-urlencoded, each at most once, in UTF-8, without control
    characters; empty ones count as not sent (RFC 6749 3.2). Raises `refused`."""
    parts = body.split(b"&") if body else []
    if len(parts) > MAX_FORM_PARAMETERS:
        raise refused
    found: dict[str, str] = {}
    try:
        for part in parts:
            name, _, value = (_decoded(piece) for piece in part.partition(b"="))
            if name in found:
                raise refused
            found[name] = value
    except Problem:
        raise refused from None
    return {name: value for name, value in found.items() if value}


async def read_body(headers: dict[bytes, bytes], receive: Receive, *, limit_bytes: int) -> bytes:
    """Raises Problem body_too_large before reading where Content-Length already says so."""
    declared = headers.get(b"content-length", b"0")
    if not declared.isdigit():
        raise Problem("bad_request")
    if len(declared) > 12 or int(declared) > limit_bytes:
        raise Problem("body_too_large")
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            # Also what a broken chunk looks like: then the client is still there to read this.
            raise Problem("malformed_body")
        body += message.get("body", b"")
        if len(body) > limit_bytes:
            raise Problem("body_too_large")
        if not message.get("more_body", False):
            return bytes(body)
