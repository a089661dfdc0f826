"""What the edge and the routes hand each other: one call, one answer."""

import secrets
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from api.problems import Language, language_of

if TYPE_CHECKING:
    from api.limits import Allowance
    from api.tokens import Principal

Header = tuple[bytes, bytes]

JSON_HEADER: Header = (b"content-type", b"application/json")
# Sent with every answer. The policy for API answers; pages of the site bring their own.
SAFETY_HEADERS: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"server", b"chengxin"),  # else the server puts its own name here
)
API_POLICY: Header = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
NEVER_CACHED: Header = (b"cache-control", b"private, no-store")
ANY_ORIGIN: Header = (b"access-control-allow-origin", b"*")
STALE_SECONDS = 3_600  # how long a cache may go on answering while it asks us, or cannot reach us


class Answer(NamedTuple):
    """`headers`: all of them, as they go out."""

    status: int
    headers: list[Header]
    body: bytes


def answer_of(status: int, headers: Iterable[Header], body: bytes) -> Answer:
    """An answer with a body of known length."""
    return Answer(status, [*headers, (b"content-length", b"%d" % len(body))], body)


def public_headers(etag: str, max_age_seconds: int) -> list[Header]:
    """Of an answer in JSON that anyone may keep."""
    cache = f"public, max-age={max_age_seconds}, stale-while-revalidate={STALE_SECONDS}"
    return [
        JSON_HEADER,
        (b"cache-control", cache.encode()),
        (b"etag", f'"{etag}"'.encode()),
        ANY_ORIGIN,
        API_POLICY,
        *SAFETY_HEADERS,
    ]


class Call:
    """One request as the routes see it: checked headers, the principal, its parameters.

    `failure`: what a handler raised, kept here by the inner application for the edge to answer.
    `body`: of a request that a direct route answers, its type and size checked. `allowance`: what
    the caller may still ask in this window.
    """

    __slots__ = (
        "_trace_id",
        "allowance",
        "body",
        "failure",
        "headers",
        "principal",
        "query",
        "scope",
    )

    def __init__(self, scope: Any) -> None:
        self.scope = scope
        self.headers: dict[bytes, bytes] = {}
        self.query: dict[str, str] = {}
        self.principal: Principal | None = None
        self.failure: Exception | None = None
        self.body = b""
        self.allowance: Allowance | None = None
        self._trace_id = ""

    @property
    def caller(self) -> "Principal":
        """The principal of a route that needs one; the edge has put it there."""
        if self.principal is None:
            raise RuntimeError("a route that needs a token was reached without one")
        return self.principal

    @property
    def language(self) -> Language:
        return language_of(self.headers.get(b"accept-language"))

    @property
    def trace_id(self) -> str:
        """The caller's W3C trace id where it sent a valid one, else a new one; 32 hex digits."""
        if not self._trace_id:
            self._trace_id = _sent_trace_id(self.headers.get(b"traceparent")) or secrets.token_hex(
                16
            )
        return self._trace_id


def _sent_trace_id(traceparent: bytes | None) -> str | None:
    """W3C Trace Context 3.2: `00-<32 hex>-<16 hex>-<2 hex>`, not all zeros."""
    parts = traceparent.split(b"-") if traceparent and len(traceparent) == 55 else []
    if [len(part) for part in parts] != [2, 32, 16, 2] or parts[0] != b"00":
        return None
    trace = parts[1].decode("latin-1")
    is_hex = all(character in "0123456789abcdef" for character in trace)
    return trace if is_hex and trace.strip("0") else None


Direct = Callable[[Call], Awaitable[Answer]]


class AsgiApp(Protocol):
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...
