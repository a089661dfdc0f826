"""Which problems an operation can answer with, and how the document shows them."""

from typing import Any

import msgspec

from api.access import METHODS_WITH_BODY, Access
from api.openapi.limits import LINE
from api.problems import MEDIA_TYPE, PROBLEMS, Problem, problem_body

EXAMPLE_TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"  # the one of W3C Trace Context

EVERY_OPERATION = ("bad_request", "invalid_parameter", "not_acceptable", "internal_error")
WITH_TOKEN = ("token_refused", "scope_missing", "rate_limited", "keys_unavailable")
WITH_BODY = ("malformed_body", "invalid_body", "body_too_large", "unsupported_media_type")


def problem_codes(method: str, access: Access) -> list[str]:
    """All codes this operation can answer with, in the order of the problem table."""
    codes = {*EVERY_OPERATION, *access.problems}
    if access.scope is not None:
        codes.update(WITH_TOKEN)
    if method in METHODS_WITH_BODY and access.body == "json":
        codes.update(WITH_BODY)
    return [code for code in PROBLEMS if code in codes]


# Answers to an address or method that is no operation, so that no operation refers to them.
BESIDE_OPERATIONS = frozenset({"not_found", "method_not_allowed"})


def problem_examples() -> dict[str, Any]:
    """`components/examples`: one a code, as a client would receive it."""
    return {
        code: {
            "summary": PROBLEMS[code].title,
            "value": msgspec.json.decode(problem_body(Problem(code), "zh", EXAMPLE_TRACE_ID)),
        }
        for code in PROBLEMS
        if code not in BESIDE_OPERATIONS
    }


def problem_responses(method: str, access: Access, *, is_readable_anywhere: bool) -> dict[str, Any]:
    """Status to response object, ascending. `is_readable_anywhere`: the path has public answers, so
    that its refusals too may be read by any site's script."""
    by_status: dict[int, list[str]] = {}
    for code in problem_codes(method, access):
        by_status.setdefault(PROBLEMS[code].status, []).append(code)
    always = ["Access-Control-Allow-Origin"] if is_readable_anywhere else []
    return {
        str(status): _response(
            by_status[status], [*always, *_header_names(status, by_status[status])]
        )
        for status in sorted(by_status)
    }


def _response(codes: list[str], headers: list[str]) -> dict[str, Any]:
    examples = {code: {"$ref": f"#/components/examples/{code}"} for code in codes}
    schema = {"$ref": "#/components/schemas/Problem"}
    titles = [f"{PROBLEMS[code].title}（`{code}`）" for code in codes]
    return {
        "description": "；".join(titles),
        "headers": header_references(*headers),
        "content": {MEDIA_TYPE: {"schema": schema, "examples": examples}},
    }


def _header_names(status: int, codes: list[str]) -> list[str]:
    names = ["Cache-Control-Private", "Content-Language"]
    if status == 401:
        names.append("WWW-Authenticate")
    if any(PROBLEMS[code].retry_after_seconds is not None for code in codes):
        names.append("Retry-After")
    if "rate_limited" in codes:
        names += ["RateLimit", "RateLimit-Policy"]
    return names


def header_references(*names: str) -> dict[str, Any]:
    """Component names may carry a variant after the header's own: Cache-Control-Private."""
    return {
        name.removesuffix("-Private").removesuffix("-Public"): {
            "$ref": f"#/components/headers/{name}"
        }
        for name in names
    }


def problem_schema() -> dict[str, Any]:
    """RFC 9457 3.1, with ours; further members are possible."""
    return {
        "type": "object",
        "description": "RFC 9457 问题详情",
        "required": ["type", "title", "status", "detail", "code", "trace_id"],
        "properties": {
            "type": {"type": "string", "format": "uri", "maxLength": 128},
            "title": {"type": "string", "maxLength": 64, "pattern": LINE},
            "status": {"type": "integer", "format": "int32", "minimum": 400, "maximum": 599},
            "detail": {"type": "string", "maxLength": 512, "pattern": LINE},
            "code": {"type": "string", "enum": list(PROBLEMS), "description": "稳定不变"},
            "trace_id": {"type": "string", "pattern": "^[0-9a-f]{32}$", "maxLength": 32},
        },
    }
