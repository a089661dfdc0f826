"""GET /schema/openapi.json: the interface description, made from the routes themselves."""

import hashlib
from collections.abc import Callable

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from api.access import open_to
from api.answers import Answer, answer_of, public_headers
from api.inner import response_of


def interface_handler(describe: Callable[[], bytes], *, max_age_seconds: int) -> HTTPRouteHandler:
    """`describe`: the document's JSON; asked for once, at the first request."""
    made: list[Answer] = []

    @get(
        "/schema/openapi.json",
        operation_id="getInterface",
        tags=["machines"],
        summary="接口描述（OpenAPI 3.1）",
        include_in_schema=False,
        opt=open_to(None, cache="public"),
    )
    async def interface() -> Response[bytes]:
        if not made:
            document = describe()
            etag = hashlib.sha256(document).hexdigest()[:16]
            made.append(answer_of(200, public_headers(etag, max_age_seconds), document))
        return response_of(made[0])

    return interface
