"""The one layer in front of everything: who may, what may come in, what goes out, how it is counted.

Litestar sees only requests that passed; where a route has a direct answer, it is given right here.
Order of the checks: address, method, token, scope, query, Accept, body.
"""

import logging
import time
import traceback
from collections.abc import Mapping
from typing import Any

import msgspec

from api.access import METHODS_WITH_BODY, Access, Route, RouteTable
from api.answers import (
    ANY_ORIGIN,
    API_POLICY,
    NEVER_CACHED,
    SAFETY_HEADERS,
    Answer,
    AsgiApp,
    Call,
    Direct,
    Header,
    answer_of,
)
from api.inner import CALL, problem_of
from api.limits import Limits
from api.metrics import Metrics, RouteMetrics
from api.problems import MEDIA_TYPE, Problem, problem_body
from api.requests import AcceptedTypes, headers_of, query_of, read_json_body, read_typed_body
from api.responses import Outgoing, conditional, sent
from api.tokens import TokenRefused, TokenVerifier

log = logging.getLogger("chengxin.api")

PROBLEM_HEADERS: tuple[Header, ...] = (
    (b"content-type", MEDIA_TYPE.encode()),
    NEVER_CACHED,
    API_POLICY,
    *SAFETY_HEADERS,
)
CHALLENGE: Header = (b"www-authenticate", b'Bearer realm="chengxin"')


class Edge:
    """`mounts`: whole applications at a prefix (`/console`) that guard themselves.
    `site`: answers what no route and no mount knows; None refuses it with 404."""

    def __init__(
        self,
        inner: AsgiApp,
        *,
        table: RouteTable,
        verifier: TokenVerifier,
        metrics: Metrics,
        limits: Limits,
        body_limit_bytes: int,
        mounts: Mapping[str, AsgiApp] | None = None,
        site: Direct | None = None,
    ) -> None:
        self._inner = inner
        self.table = table
        self.verifier = verifier
        self._metrics = metrics
        self._limits = limits
        self._body_limit_bytes = body_limit_bytes
        self._mounts = [(prefix.encode(), app) for prefix, app in (mounts or {}).items()]
        self.site = site
        self._accepted = AcceptedTypes()
        self._elsewhere = RouteMetrics("(site)")
        metrics.add([*(route.metrics for route in table.routes), self._elsewhere])

    @property
    def has_keys(self) -> bool:
        """Whether tokens can be judged at all."""
        return self.verifier.has_keys

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        started = time.perf_counter()
        route = self.table.find(scope["raw_path"])
        if route is None:
            await self._answer_elsewhere(scope, receive, send)
            return
        call = Call(scope)
        outgoing = answer = None
        try:
            access = self._admitted(route, call)
            allowance = self._limits.spend(call)
            if allowance is not None and not await allowance.take(1):
                raise self._limits.refusal(allowance)
            direct = route.direct.get(scope["method"])
            if direct is None:
                outgoing = Outgoing(call, access, send, self._limits)
                await self._ask_inner(access, call, receive, outgoing)
            else:
                if access.body != "none":
                    call.body = await read_typed_body(
                        call.headers, receive, access=access, limit_bytes=self._body_limit_bytes
                    )
                answer = await direct(call)
                if access.cache == "public":
                    answer = conditional(answer, call)
        except Exception as error:
            if outgoing is not None and outgoing.status:
                raise  # half an answer is out: only the server can still break the connection
            answer = self._answer_to(error, call, route)
        if answer is not None:
            # Not in a function of its own: on the hot way a coroutine less is half a microsecond.
            status, headers, body = answer
            await send({"type": "http.response.start", "status": status, "headers": headers})
            body = b"" if scope["method"] == "HEAD" else body
            await send({"type": "http.response.body", "body": body})
        else:
            status = outgoing.status if outgoing is not None else 0
        route.metrics.observe(status, time.perf_counter() - started)

    async def _answer_elsewhere(self, scope: Any, receive: Any, send: Any) -> None:
        """What no route knows: a mounted application, a page of the site, or 404."""
        if (mounted := self._mounted_at(scope["raw_path"])) is not None:
            await mounted(scope, receive, send)
            return
        started = time.perf_counter()
        call = Call(scope)
        try:
            if self.site is None:
                raise Problem("not_found")
            call.headers = headers_of(scope)
            answer = await self.site(call)
        except Exception as error:
            answer = self._answer_to(error, call, None)
        await sent(answer, call, send)
        self._elsewhere.observe(answer.status, time.perf_counter() - started)

    def _mounted_at(self, path: bytes) -> AsgiApp | None:
        for prefix, app in self._mounts:
            if path == prefix or path.startswith(prefix + b"/"):
                return app
        return None

    def _admitted(self, route: Route, call: Call) -> Access:
        """The operation, once the request has passed all checks but the body's."""
        call.headers = headers = headers_of(call.scope)
        method = call.scope["method"]
        access = route.operations.get(method)
        if access is None:
            if method == "OPTIONS":
                raise _Options
            raise Problem("method_not_allowed", headers=[(b"allow", route.allow)])
        if access.scope is not None:
            self._identify(access.scope, call)
        if call.scope["query_string"]:
            call.query = query_of(call.scope["query_string"], access.query)
        accept = headers.get(b"accept")
        if accept is not None and accept != b"*/*":
            self._accepted.check(accept, access.media_type)
        return access

    def _identify(self, scope_word: str, call: Call) -> None:
        try:
            principal = self.verifier.principal_of(call.headers.get(b"authorization", b""))
        except TokenRefused:
            if not self.verifier.has_keys:
                raise Problem("keys_unavailable") from None
            self._metrics.refused_tokens += 1
            raise Problem("token_refused") from None
        if scope_word not in principal.scopes:
            raise Problem("scope_missing")
        call.principal = principal

    async def _ask_inner(
        self, access: Access, call: Call, receive: Any, outgoing: Outgoing
    ) -> None:
        scope = {**call.scope, "method": _as_get(call.scope["method"]), CALL: call}
        body = b""
        if scope["method"] in METHODS_WITH_BODY:
            body = await read_json_body(
                call.headers, receive, access=access, limit_bytes=self._body_limit_bytes
            )
        call.body = body
        await self._inner(scope, _replay(body, receive), outgoing)
        if call.failure is not None:
            raise call.failure

    def _answer_to(self, error: Exception, call: Call, route: Route | None) -> Answer:
        if isinstance(error, _Options):
            return options_answer(route)
        problem = problem_of(error, call.scope["method"])
        if problem is None:
            return self._unhandled(error, call)
        return self.problem_answer(problem, call, route)

    def problem_answer(self, problem: Problem, call: Call, route: Route | None = None) -> Answer:
        """RFC 9457 in the caller's language, with the headers the status demands: a challenge with
        every 401 (RFC 9110 15.5.2), a time with every 429 and 503."""
        language = call.language
        headers = [*PROBLEM_HEADERS, *problem.headers, (b"content-language", language.encode())]
        allowance = call.allowance
        if allowance is not None and (allowance.quota.is_told or problem.code == "rate_limited"):
            headers += self._limits.headers(allowance)
        if problem.kind.status == 401:
            headers.append(CHALLENGE)
        if problem.retry_after_seconds is not None:
            headers.append((b"retry-after", str(problem.retry_after_seconds).encode()))
        if route is not None and route.is_public:
            headers.append(ANY_ORIGIN)
        body = problem_body(problem, language, call.trace_id)
        return answer_of(problem.kind.status, headers, body)

    def _unhandled(self, error: Exception, call: Call) -> Answer:
        """Logged with place and type alone: a message may hold what a citizen sent."""
        self._metrics.unhandled_errors += 1
        frames = traceback.extract_tb(error.__traceback__)
        places = [f"{frame.name}:{frame.lineno}" for frame in frames[-3:]]
        event = {
            "event": "unhandled_error",
            "trace_id": call.trace_id,
            "error": type(error).__name__,
            "places": places,
        }
        log.error("%s", msgspec.json.encode(event).decode())
        return self.problem_answer(Problem("internal_error"), call)


class _Options(Exception):
    """OPTIONS on an address that has no handler for it: answered from the table."""


def options_answer(route: Route | None) -> Answer:
    headers: list[Header] = [(b"allow", route.allow if route else b""), NEVER_CACHED]
    headers += SAFETY_HEADERS
    if route is not None and route.is_public:
        headers += [ANY_ORIGIN, (b"access-control-allow-methods", b"GET, HEAD")]
    return Answer(204, headers, b"")


def _as_get(method: str) -> str:
    return "GET" if method == "HEAD" else method


def _replay(body: bytes, receive: Any) -> Any:
    """`receive` for the inner application: the checked body once, then the connection's own news."""
    is_given = False

    async def replay() -> Any:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
