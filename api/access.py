"""Who may call what: said beside each handler (`opt=open_to(...)`), compiled into one table.

Deny by default: an address, method or handler without an Access is not reachable at all.
"""

from collections.abc import Iterable
from typing import Any, Literal

import msgspec
from litestar import Litestar
from litestar.routes import HTTPRoute

from api.answers import Direct
from api.metrics import RouteMetrics
from api.tokens import CITIZEN_SCOPE

__all__ = ["CITIZEN_SCOPE", "Access", "Route", "RouteTable", "open_to", "route_table_of"]

Audit = Literal["none", "citizen", "logged"]
Body = Literal["none", "json", "form"]
METHODS_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """`scope`: word the token's scope must hold; None needs no token and reads none.

    `query`: the parameters the operation knows; any other is refused. `cache`: `never` for whatever
    depends on the caller or the moment; `public` answers carry an ETag. `body_limit_bytes`: where
    it is not the service's. `media_type`: of the answer, what Accept is held against. `problems`:
    codes the operation itself can refuse with, beyond those every operation shares. `audit`:
    `citizen` where she reads her own data, `logged` where somebody else does and the access log
    must have its line first, `none` where no citizen's data is read; None: nobody has said, which
    a test refuses.
    """

    scope: str | None
    cache: Literal["never", "public"]
    query: frozenset[str] = frozenset()
    body: Body = "none"
    body_limit_bytes: int | None = None
    media_type: str = "application/json"
    problems: tuple[str, ...] = ()
    audit: Audit | None = None


def open_to(
    scope: str | None,
    *,
    cache: Literal["never", "public"] = "never",
    query: Iterable[str] = (),
    body: Body = "none",
    body_limit_bytes: int | None = None,
    media_type: str = "application/json",
    problems: Iterable[str] = (),
    audit: Audit | None = None,
) -> dict[str, Any]:
    """`opt` of a Litestar handler."""
    access = Access(
        scope=scope,
        cache=cache,
        query=frozenset(query),
        body=body,
        body_limit_bytes=body_limit_bytes,
        media_type=media_type,
        problems=tuple(problems),
        audit="none" if scope is None else audit,
    )
    return {"access": access}


class Route:
    """An address: its operations by method (HEAD beside GET) and its Allow header. `direct`: what
    the edge answers by itself, by method."""

    __slots__ = ("allow", "direct", "is_public", "metrics", "operations", "template")

    def __init__(self, template: str, operations: dict[str, Access]) -> None:
        self.template = template
        self.operations = dict(operations)
        if "GET" in operations:
            self.operations["HEAD"] = operations["GET"]
        self.allow = ", ".join(sorted([*self.operations, "OPTIONS"])).encode()
        self.is_public = any(access.cache == "public" for access in operations.values())
        self.direct: dict[str, Direct] = {}
        self.metrics = RouteMetrics(template)

    def answer_directly(self, method: str, answer: Direct) -> None:
        self.direct[method] = answer
        if method == "GET":
            self.direct["HEAD"] = answer


class HandlerWithoutAccess(ValueError):
    """A documented handler says nothing about who may call it: the service does not start."""


class RouteTable:
    """Looks addresses up as sent, undecoded: `%6de` is not `me`."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        self.by_template = {route.template: route for route in self.routes}
        self._exact = {r.template.encode(): r for r in self.routes if "{" not in r.template}
        self._templates = [
            (r.template.encode().split(b"/"), r) for r in self.routes if "{" in r.template
        ]

    def find(self, raw_path: bytes) -> Route | None:
        route = self._exact.get(raw_path)
        if route is None and self._templates:
            return self._find_template(raw_path.split(b"/"))
        return route

    def _find_template(self, segments: list[bytes]) -> Route | None:
        for template, route in self._templates:
            if len(template) == len(segments) and all(
                segment if part.startswith(b"{") else part == segment
                for part, segment in zip(template, segments, strict=True)
            ):
                return route
        return None


def route_table_of(app: Litestar) -> RouteTable:
    """Raises HandlerWithoutAccess for a handler that is in the schema without an Access."""
    templates: dict[str, dict[str, Access]] = {}
    for route in app.routes:
        if not isinstance(route, HTTPRoute):
            continue
        for handler in route.route_handlers:
            access = handler.opt.get("access")
            if access is None:
                if handler.resolve_include_in_schema():
                    raise HandlerWithoutAccess(f"{route.path_format}: {handler}")
                continue
            operations = templates.setdefault(route.path_format, {})
            operations.update((str(m), access) for m in handler.http_methods if m != "OPTIONS")
    return RouteTable(Route(template, operations) for template, operations in templates.items())
