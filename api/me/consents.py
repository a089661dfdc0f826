"""A citizen's consents: who may ask whether she may have which benefit, and until when."""

from collections.abc import Awaitable
from typing import Annotated, TypeVar

import msgspec
from litestar import Response, delete, get, patch, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, PathParameter, QueryParameter

from api.access import CITIZEN_SCOPE, open_to
from api.consents.answers import (
    ConsentAnswer,
    ConsentChange,
    ConsentRequest,
    ConsentsAnswer,
    answer_about,
)
from api.consents.machine import Consent, IllegalStep
from api.consents.qr import qr_svg
from api.consents.reading import Uses, consents_of, uses_of
from api.consents.service import ConsentNotFound, ConsentsRefused, instant_ms
from api.consents.terms import AskedTerms, TermsRefused
from api.idempotency import idempotency_of
from api.inner import ApiRequest, call_of
from api.paging import PAGE_QUERY, page_in
from api.problems import Problem
from api.services import Services

TERMS_PROBLEMS = (
    "unknown_partner",
    "unknown_policy",
    "policy_of_another_partner",
    "purpose_missing",
    "purpose_not_registered",
    "benefit_not_open",
    "expiry_in_the_past",
    "expiry_too_late",
    "start_after_expiry",
    "uses_out_of_range",
    "data_life_out_of_range",
)
CHANGE_PROBLEMS = ("consent_not_found", "illegal_step", "ledger_unavailable", "effect_pending")

Result = TypeVar("Result")
ConsentId = Annotated[str, PathParameter(description="同意的编号，见列表中的 id")]


async def told(work: Awaitable[Result]) -> Result:
    """The room's refusals as problems."""
    try:
        return await work
    except (TermsRefused, ConsentsRefused) as refused:
        raise Problem(refused.code) from refused
    except ConsentNotFound as missing:
        raise Problem("consent_not_found") from missing
    except IllegalStep as step:
        raise Problem("illegal_step", members={"state": step.status}) from step


def asked_terms(request: ConsentRequest) -> AskedTerms:
    return AskedTerms(
        partner=request.partner,
        policy=request.policy,
        purpose=request.purpose,
        not_before_ms=None if request.not_before is None else instant_ms(request.not_before),
        expires_at_ms=instant_ms(request.expires_at),
        max_uses_per_day=request.max_uses_per_day,
        data_life_days=request.data_life_days,
    )


def grant_handler(services: Services) -> HTTPRouteHandler:
    @post(
        "/v1/me/consents",
        operation_id="grantConsent",
        tags=["citizen"],
        summary="同意某一合作方询问",
        status_code=201,
        opt=open_to(
            CITIZEN_SCOPE,
            body="json",
            audit="citizen",
            problems=[
                *TERMS_PROBLEMS,
                "not_enrolled",
                "too_many_consents",
                "attestation_overdue",
                "invalid_idempotency_key",
                "idempotency_conflict",
                "ledger_unavailable",
                "store_unavailable",
            ],
        ),
    )
    async def grant(request: ApiRequest, data: JSONBody[ConsentRequest]) -> Response[ConsentAnswer]:
        call = call_of(request)
        granted = services.consents.grant(
            call.caller.subject,
            asked_terms(data),
            is_confirmed=data.status == "active",
            idempotency=idempotency_of(call.headers, data),
        )
        body = await told(granted)
        consent_id = msgspec.json.decode(body, type=ConsentAnswer).id
        return Response(
            body,  # type: ignore[arg-type]  # the answer's own bytes
            status_code=201,
            headers={"location": f"/v1/me/consents/{consent_id}"},
            media_type="application/json",
        )

    return grant


def consents_handler(services: Services) -> HTTPRouteHandler:
    @get(
        "/v1/me/consents",
        operation_id="listConsents",
        tags=["citizen"],
        summary="我同意了谁",
        opt=open_to(
            CITIZEN_SCOPE, query=PAGE_QUERY, audit="citizen", problems=["ledger_unavailable"]
        ),
    )
    async def consents(
        request: ApiRequest,
        limit: Annotated[int | None, QueryParameter(description="一页几条，至多 100")] = None,
        cursor: Annotated[str | None, QueryParameter(description="上一页的 next_cursor")] = None,
    ) -> ConsentsAnswer:
        call = call_of(request)
        subject = call.caller.subject
        consents = await consents_of(services.ledger, subject)
        page, following = page_in(list(consents.values())[::-1], call.query)
        uses = await uses_of(services.ledger, subject) if page else {}
        now_ms = services.consents.now_ms()
        return ConsentsAnswer(
            items=[answer_about(each, uses.get(each.id, Uses()), now_ms) for each in page],
            next_cursor=following,
        )

    return consents


async def answer_with_uses(services: Services, consent: Consent) -> ConsentAnswer:
    uses = await uses_of(services.ledger, consent.subject)
    return answer_about(consent, uses.get(consent.id, Uses()), services.consents.now_ms())


def consent_handler(services: Services) -> HTTPRouteHandler:
    @get(
        "/v1/me/consents/{consent_id:str}",
        operation_id="getConsent",
        tags=["citizen"],
        summary="某一项同意",
        opt=open_to(
            CITIZEN_SCOPE, audit="citizen", problems=["consent_not_found", "ledger_unavailable"]
        ),
    )
    async def consent(request: ApiRequest, consent_id: ConsentId) -> ConsentAnswer:
        subject = call_of(request).caller.subject
        found = await told(services.consents.consent(subject, consent_id))
        return await answer_with_uses(services, found)

    return consent


def consent_qr_handler(services: Services) -> HTTPRouteHandler:
    @get(
        "/v1/me/consents/{consent_id:str}/qr.svg",
        operation_id="getConsentQr",
        tags=["citizen"],
        summary="出示给合作方的二维码",
        media_type="image/svg+xml",
        opt=open_to(
            CITIZEN_SCOPE,
            audit="citizen",
            media_type="image/svg+xml",
            problems=["consent_not_found", "ledger_unavailable"],
        ),
    )
    async def consent_qr(request: ApiRequest, consent_id: ConsentId) -> str:
        subject = call_of(request).caller.subject
        found = await told(services.consents.consent(subject, consent_id))
        return qr_svg(found.handle)

    return consent_qr


def change_handler(services: Services) -> HTTPRouteHandler:
    @patch(
        "/v1/me/consents/{consent_id:str}",
        operation_id="changeConsent",
        tags=["citizen"],
        summary="暂停、恢复或撤回",
        opt=open_to(CITIZEN_SCOPE, body="json", audit="citizen", problems=CHANGE_PROBLEMS),
    )
    async def change(
        request: ApiRequest, consent_id: ConsentId, data: JSONBody[ConsentChange]
    ) -> ConsentAnswer:
        """Durable, and in effect on every worker, before the answer leaves."""
        subject = call_of(request).caller.subject
        changed = await told(services.consents.change(subject, consent_id, data.status))
        return await answer_with_uses(services, changed)

    return change


def revoke_handler(services: Services) -> HTTPRouteHandler:
    @delete(
        "/v1/me/consents/{consent_id:str}",
        operation_id="revokeConsent",
        tags=["citizen"],
        summary="撤回同意",
        status_code=204,
        opt=open_to(CITIZEN_SCOPE, audit="citizen", problems=CHANGE_PROBLEMS),
    )
    async def revoke(request: ApiRequest, consent_id: ConsentId) -> None:
        """Durable, and in effect on every worker, before the answer leaves."""
        subject = call_of(request).caller.subject
        await told(services.consents.change(subject, consent_id, "revoked"))

    return revoke


def consent_handlers(services: Services) -> list[HTTPRouteHandler]:
    return [
        make(services)
        for make in (
            grant_handler,
            consents_handler,
            consent_handler,
            consent_qr_handler,
            change_handler,
            revoke_handler,
        )
    ]
