"""Joining, looking, leaving: POST, GET, DELETE /v1/me/enrolment."""

from typing import Annotated

import msgspec
from litestar import Response, delete, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from api.access import CITIZEN_SCOPE, open_to
from api.idempotency import idempotency_of
from api.inner import ApiRequest, call_of
from api.ledger.enrolment import EnrolmentRefused
from api.ledger.notice import Language as NoticeLanguage
from api.me.admission import EnrolmentAnswer
from api.problems import Language, Problem
from api.receipts.record import SignedReceipt
from api.services import Services


class EnrolmentRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`notice_version`: of the notice the citizen has read, as GET /v1/notice gives it."""

    notice_version: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


def notice_language(language: Language) -> NoticeLanguage:
    return "en" if language == "en" else "zh-CN"


def enrol_handler(services: Services) -> HTTPRouteHandler:
    @post(
        "/v1/me/enrolment",
        operation_id="enrol",
        tags=["citizen"],
        summary="加入",
        status_code=201,
        opt=open_to(
            CITIZEN_SCOPE,
            body="json",
            audit="citizen",
            problems=[
                "already_enrolled",
                "under_age",
                "age_unknown",
                "notice_outdated",
                "invalid_idempotency_key",
                "idempotency_conflict",
                "ledger_unavailable",
                "effect_pending",
            ],
        ),
    )
    async def enrol(
        request: ApiRequest, data: JSONBody[EnrolmentRequest]
    ) -> Response[SignedReceipt]:
        call = call_of(request)
        citizen = call.caller
        try:
            enrolled = await services.enrolments.enrol(
                citizen.subject,
                birthdate=citizen.birthdate,
                notice_version=data.notice_version,
                idempotency=idempotency_of(call.headers, data),
                language=notice_language(call.language),
            )
        except EnrolmentRefused as refused:
            raise Problem(refused.code) from refused
        headers = {"location": "/v1/me/enrolment"}
        return Response(
            enrolled.body,  # type: ignore[arg-type]  # the receipt's canonical bytes
            status_code=enrolled.status,
            headers=headers,
            media_type="application/json",
        )

    return enrol


def enrolment_handler(services: Services) -> HTTPRouteHandler:
    @get(
        "/v1/me/enrolment",
        operation_id="getEnrolment",
        tags=["citizen"],
        summary="加入情况",
        opt=open_to(CITIZEN_SCOPE, audit="citizen", problems=["ledger_unavailable"]),
    )
    async def enrolment(request: ApiRequest) -> EnrolmentAnswer:
        call = call_of(request)
        status = await services.enrolments.status(call.caller.subject)
        return services.admission.told(status, call.language)

    return enrolment


def withdraw_handler(services: Services) -> HTTPRouteHandler:
    @delete(
        "/v1/me/enrolment",
        operation_id="withdraw",
        tags=["citizen"],
        summary="退出",
        status_code=204,
        opt=open_to(
            CITIZEN_SCOPE,
            audit="citizen",
            problems=["not_enrolled", "ledger_unavailable", "effect_pending"],
        ),
    )
    async def withdraw(request: ApiRequest) -> None:
        """Durable, and in effect on every worker, before the answer leaves; consents end with it, and
        what she wrote beside records is erased in the same transaction."""
        subject = call_of(request).caller.subject
        try:
            await services.enrolments.withdraw(subject)
        except EnrolmentRefused as refused:
            raise Problem(refused.code) from refused
        await services.consents.announce_all(subject)

    return withdraw
