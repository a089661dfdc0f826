"""No way to a citizen's data leads past the access log."""

import inspect
from typing import Any

import pytest

from api.access import Access
from tests.api.service import Service

# Operations with a token that read nothing about any citizen, or only what the caller itself owns.
READ_NOBODY = {
    ("GET", "/v1/partner/consents/{handle}"): "the state of the partner's own consent, no person",
    ("DELETE", "/v1/partner/consents/{handle}"): "the partner gives its own consent up",
    ("POST", "/v1/partner/attestations"): "the partner's word about its own data, no person",
    ("GET", "/v1/admin/partners"): "partners alone, no person",
}


def operations(service: Service) -> list[tuple[str, str, Access]]:
    return [
        (method, route.template, access)
        for route in service.app.table.routes
        for method, access in route.operations.items()
        if method != "HEAD"
    ]


def undeclared(found: list[tuple[str, str, Access]]) -> list[str]:
    return [
        f"{method} {path}"
        for method, path, access in found
        if access.scope is not None and access.audit is None
    ]


def test_every_operation_with_a_token_says_how_its_reads_are_logged(service: Service) -> None:
    assert undeclared(operations(service)) == []


def test_an_operation_that_says_nothing_is_found() -> None:
    silent = Access(scope="staff", cache="never")
    assert undeclared([("GET", "/v1/staff/files", silent)]) == ["GET /v1/staff/files"]


def test_only_a_citizen_reads_her_own_data_without_a_line(service: Service) -> None:
    wrong = [
        f"{method} {path}"
        for method, path, access in operations(service)
        if access.audit == "citizen" and not path.startswith("/v1/me/")
    ]
    assert wrong == []


def test_whoever_reads_nobody_is_named_here_with_the_reason(service: Service) -> None:
    unnamed = [
        (method, path)
        for method, path, access in operations(service)
        if access.scope is not None
        and access.audit == "none"
        and not READ_NOBODY.get((method, path))
    ]
    assert unnamed == []


PARTS_DEEP = 3  # a handler holds a route, the route an answerer, the answerer a service


def answering_code(service: Service, method: str, path: str) -> str:
    """Source of the modules that answer the operation: the handler's, and those of the parts that
    it or its direct answer holds."""
    handler = handler_of(service, method, path)
    parts = [service.app.table.by_template[path].direct.get(method)]
    parts += inspect.getclosurevars(handler).nonlocals.values()
    modules = {inspect.getmodule(handler)}
    for _ in range(PARTS_DEEP):
        modules |= {inspect.getmodule(type(part)) for part in parts}
        modules |= {inspect.getmodule(part) for part in parts if inspect.isroutine(part)}
        owners = [getattr(part, "__self__", part) for part in parts]
        parts = [inner for owner in owners for inner in getattr(owner, "__dict__", {}).values()]
    return "\n".join(inspect.getsource(module) for module in modules if is_ours(module))


def is_ours(module: Any) -> bool:
    return module is not None and module.__name__.startswith("api.")


def handler_of(service: Service, method: str, path: str) -> Any:
    for route in service.app._inner.routes:
        if getattr(route, "path_format", None) == path:
            for handler in route.route_handlers:
                if method in handler.http_methods:
                    return inspect.unwrap(handler.fn)
    raise LookupError(f"{method} {path}")


def logs_first(source: str) -> bool:
    return "access_log.record(" in source


def test_what_must_be_logged_is_answered_by_code_that_writes_the_log(service: Service) -> None:
    unlogged = [
        f"{method} {path}"
        for method, path, access in operations(service)
        if access.audit == "logged" and not logs_first(answering_code(service, method, path))
    ]
    assert unlogged == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [("await services.access_log.record(line)", True), ("return await read(subject)", False)],
)
def test_code_without_the_log_is_told_apart(source: str, expected: bool) -> None:
    assert logs_first(source) is expected
