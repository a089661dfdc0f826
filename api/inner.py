"""Between the edge and Litestar's handlers: the call on the way in, the failure on the way out."""

from typing import Any, cast

from litestar import Request, Response
from litestar.exceptions import HTTPException

from api.answers import Answer, Call
from api.ledger.protocol import IdempotencyConflict, LedgerUnavailable, MarkPending
from api.problems import Problem
from api.store.protocol import StoreDown

CALL = "chengxin.call"

# What the parts behind the routes can raise at any of them.
CODES: dict[type[Exception], str] = {
    StoreDown: "store_unavailable",
    LedgerUnavailable: "ledger_unavailable",
    IdempotencyConflict: "idempotency_conflict",
    MarkPending: "effect_pending",
}

ApiRequest = Request[Any, Any, Any]


def call_of(request: ApiRequest) -> Call:
    call: Call = cast(dict[str, Any], request.scope)[CALL]
    return call


def response_of(answer: Answer) -> Response[Any]:
    """The answer's bytes as they are; Litestar must not encode them again."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in answer.headers}
    media_type = headers.pop("content-type")
    del headers["content-length"]  # Litestar counts for itself
    return Response(answer.body, status_code=answer.status, headers=headers, media_type=media_type)


def keep_failure(request: ApiRequest, error: Exception) -> Response[bytes]:
    """Litestar's handler of all exceptions: the edge writes the one body there is for refusals."""
    call_of(request).failure = error
    return Response(b"", status_code=500)


def problem_of(error: Exception, method: str) -> Problem | None:
    """None for what is our own fault."""
    if isinstance(error, Problem):
        return error
    for kind, code in CODES.items():
        if isinstance(error, kind):
            return Problem(code)
    if isinstance(error, HTTPException):
        return _problem_of_status(error.status_code, method)
    return None


def _problem_of_status(status: int, method: str) -> Problem | None:
    """What Litestar refuses by itself; the edge has refused nearly all of it before."""
    if status in (400, 422):
        return Problem(
            "invalid_body" if method in ("POST", "PUT", "PATCH") else "invalid_parameter"
        )
    codes = {
        401: "token_refused",
        403: "scope_missing",
        404: "not_found",
        405: "method_not_allowed",
        413: "body_too_large",
        415: "unsupported_media_type",
    }
    if status in codes:
        return Problem(codes[status])
    return Problem("bad_request") if 400 <= status < 500 else None
