"""GET /v1/notice: the text a citizen reads before she enrols, in force today."""

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from api.access import open_to
from api.answers import answer_of
from api.inner import ApiRequest, call_of, response_of
from api.ledger.notice import NoticeDocument
from api.me.enrolment import notice_language
from api.public.documents import public_headers
from api.services import Services


def notice_handler(services: Services, *, max_age_seconds: int) -> HTTPRouteHandler:
    @get(
        "/v1/notice",
        operation_id="getNotice",
        tags=["public"],
        summary="告知书",
        opt=open_to(None, cache="public", problems=["ledger_unavailable"]),
    )
    async def notice(request: ApiRequest) -> Response[NoticeDocument]:
        document = services.enrolments.notice(notice_language(call_of(request).language))
        headers = [
            *public_headers(f"{document.version}.{document.language}", max_age_seconds),
            (b"vary", b"Accept-Language"),
            (b"content-language", document.language.encode()),
        ]
        return response_of(answer_of(200, headers, msgspec.json.encode(document)))

    return notice
