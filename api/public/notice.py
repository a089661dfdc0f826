"""The notice a citizen reads before she enrols: the one in force, every other, and what changed."""

import datetime as dt
import hashlib
from typing import Annotated

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from api.access import open_to
from api.answers import answer_of, public_headers
from api.inner import ApiRequest, call_of, response_of
from api.ledger.notice import NoticeDocument
from api.me.admission import NoticeChangeLine, change_lines
from api.me.enrolment import notice_language
from api.openapi.limits import LINE
from api.problems import Language, Problem
from api.services import Services

ETAG_CHARS = 16

Version = Annotated[str, msgspec.Meta(max_length=32, pattern="^[0-9A-Za-z.-]+$")]


class NoticeLine(msgspec.Struct, frozen=True, kw_only=True):
    """A version of the notice. `changes`: of purposes, kinds and rules since the version before;
    `is_material`: citizens are asked for their consent anew."""

    version: Version
    title: Annotated[str, msgspec.Meta(max_length=128, pattern=LINE)]
    announced_on: dt.date
    effective_on: dt.date
    is_material: bool
    changes: Annotated[list[NoticeChangeLine], msgspec.Meta(max_length=1_000)]


class NoticesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first; from the day a version is announced."""

    items: Annotated[list[NoticeLine], msgspec.Meta(max_length=1_000)]
    next_cursor: str | None = None


def notice_handlers(services: Services, *, max_age_seconds: int) -> list[HTTPRouteHandler]:
    return [
        notice_handler(services, max_age_seconds=max_age_seconds),
        notices_handler(services, max_age_seconds=max_age_seconds),
        notice_version_handler(services, max_age_seconds=max_age_seconds),
    ]


def notice_handler(services: Services, *, max_age_seconds: int) -> HTTPRouteHandler:
    @get(
        "/v1/notice",
        operation_id="getNotice",
        tags=["public"],
        summary="告知书",
        opt=open_to(None, cache="public", problems=["ledger_unavailable"]),
    )
    async def notice(request: ApiRequest) -> Response[NoticeDocument]:
        language = call_of(request).language
        document = services.enrolments.notice(notice_language(language))
        return _document_response(document, max_age_seconds)

    return notice


def notices_handler(services: Services, *, max_age_seconds: int) -> HTTPRouteHandler:
    @get(
        "/v1/notices",
        operation_id="listNotices",
        tags=["public"],
        summary="告知书的历次版本",
        opt=open_to(None, cache="public"),
    )
    async def notices(request: ApiRequest) -> Response[NoticesAnswer]:
        language = call_of(request).language
        body = msgspec.json.encode(NoticesAnswer(items=notice_lines(services, language)))
        etag = hashlib.sha256(body).hexdigest()[:ETAG_CHARS]
        return response_of(answer_of(200, _headers(etag, language, max_age_seconds), body))

    return notices


def notice_version_handler(services: Services, *, max_age_seconds: int) -> HTTPRouteHandler:
    @get(
        "/v1/notices/{version:str}",
        operation_id="getNoticeVersion",
        tags=["public"],
        summary="某一版告知书",
        opt=open_to(None, cache="public", problems=["notice_unknown"]),
    )
    async def notice_version(request: ApiRequest, version: Version) -> Response[NoticeDocument]:
        language = call_of(request).language
        document = services.standing.document(version, notice_language(language))
        if document is None:
            raise Problem("notice_unknown")
        return _document_response(document, max_age_seconds)

    return notice_version


def notice_lines(services: Services, language: Language) -> list[NoticeLine]:
    told = services.standing.told()
    lines = []
    for place, version in enumerate(told):
        document = services.standing.document(version, notice_language(language))
        change = services.standing.change(told[max(0, place - 1)], version)
        if document is not None:
            lines.append(
                NoticeLine(
                    version=version,
                    title=document.title,
                    announced_on=change.announced_on,
                    effective_on=change.effective_on,
                    is_material=change.is_material or place == 0,
                    changes=change_lines(change, language),
                )
            )
    return lines[::-1]


def _document_response(document: NoticeDocument, max_age_seconds: int) -> Response[NoticeDocument]:
    headers = [
        *public_headers(f"{document.version}.{document.language}", max_age_seconds),
        (b"vary", b"Accept-Language"),
        (b"content-language", document.language.encode()),
    ]
    return response_of(answer_of(200, headers, msgspec.json.encode(document)))


def _headers(etag: str, language: Language, max_age_seconds: int) -> list[tuple[bytes, bytes]]:
    return [
        *public_headers(etag, max_age_seconds),
        (b"vary", b"Accept-Language"),
        (b"content-language", notice_language(language).encode()),
    ]
