"""What leaves: completed headers, conditional answers, HEAD without a body."""

from typing import Any

from api.access import Access
from api.answers import ANY_ORIGIN, API_POLICY, NEVER_CACHED, SAFETY_HEADERS, Answer, Call, Header
from api.limits import Limits

# An unchanged answer repeats the headers that matter to caches (RFC 9110 15.4.5), not the content's.
CONTENT_HEADERS = frozenset({b"content-type", b"content-length", b"content-encoding"})


def is_unchanged(call: Call, headers: list[Header]) -> bool:
    """If-None-Match holds the answer's ETag, compared weakly (RFC 9110 13.1.2)."""
    wanted = call.headers.get(b"if-none-match")
    if wanted is None:
        return False
    etag = next((value for name, value in headers if name == b"etag"), None)
    if etag is None:
        return False
    if wanted.strip() == b"*":
        return True
    return _opaque(etag) in [_opaque(tag) for tag in wanted.split(b",")]


def _opaque(tag: bytes) -> bytes:
    return tag.strip().removeprefix(b"W/")


def conditional(answer: Answer, call: Call) -> Answer:
    """The answer, or 304 where the caller holds it already."""
    return (
        unchanged(answer) if answer.status == 200 and is_unchanged(call, answer.headers) else answer
    )


def unchanged(answer: Answer) -> Answer:
    kept = [header for header in answer.headers if header[0] not in CONTENT_HEADERS]
    return Answer(304, kept, b"")


async def sent(answer: Answer, call: Call, send: Any) -> None:
    status, headers, body = answer
    await send({"type": "http.response.start", "status": status, "headers": headers})
    if call.scope["method"] == "HEAD":
        body = b""
    await send({"type": "http.response.body", "body": body})


class Outgoing:
    """`send` for the inner application: adds what every answer carries, turns a 200 into a 304 or a
    HEAD's answer where that is due. `status` is 0 until the answer has begun."""

    def __init__(self, call: Call, access: Access, send: Any, limits: Limits) -> None:
        self.status = 0
        self._limits = limits
        self._call = call
        self._access = access
        self._send = send
        self._has_body = call.scope["method"] != "HEAD"

    async def __call__(self, message: Any) -> None:
        if self._call.failure is not None:
            return  # the inner application's own error answer; the edge writes a better one
        if message["type"] == "http.response.start":
            message = self._start(message)
        elif not self._has_body:
            message = {**message, "body": b""}
        await self._send(message)

    def _start(self, message: Any) -> Any:
        status = message["status"]
        headers = [*message["headers"], *self._missing(dict(message["headers"]))]
        if status == 200 and self._access.cache == "public" and is_unchanged(self._call, headers):
            status, headers, _ = unchanged(Answer(status, headers, b""))
            self._has_body = False
        self.status = status
        return {**message, "status": status, "headers": headers}

    def _missing(self, present: dict[bytes, bytes]) -> list[Header]:
        wanted = [*SAFETY_HEADERS, API_POLICY, NEVER_CACHED]
        if self._access.cache == "public":
            wanted.append(ANY_ORIGIN)
        if (allowance := self._call.allowance) is not None and allowance.quota.is_told:
            wanted += self._limits.headers(allowance)
        return [header for header in wanted if header[0] not in present]
