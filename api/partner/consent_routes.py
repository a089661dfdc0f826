"""GET and DELETE /v1/partner/consents/{handle}: what a partner holds, and giving it up.

A handle nobody had and one of another partner get the same answer after the same steps.
"""

import datetime as dt
from typing import Annotated

import msgspec
from litestar import delete, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter

from api.access import open_to
from api.consents.machine import IllegalStep
from api.consents.protocol import ENDED, ConsentStatus, LiveConsent
from api.consents.service import ConsentNotFound
from api.inner import ApiRequest, call_of
from api.ledger.enrolment import instant
from api.partner.pace import paced
from api.partner.registry import CONSENTS_SCOPE
from api.problems import Problem
from api.services import Services
from scoring.contract.snapshot import MARKS_KEY, RecordCorrupt

HANDLE_CHARS = 22

Handle = Annotated[str, Parameter(description="市民交给合作方的同意码", max_length=128)]


class PartnerConsentAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing in it is the citizen's but the consent itself."""

    handle: str
    status: ConsentStatus
    policy: str
    purpose: Annotated[str, msgspec.Meta(max_length=64, pattern="^[a-z][a-z0-9_]*$")]
    not_before: dt.datetime
    expires_at: dt.datetime
    max_uses_per_day: int


async def held(services: Services, partner: str | None, handle: str) -> LiveConsent:
    """Raises Problem handle_not_found, record_corrupt; StoreDown."""
    if len(handle) != HANDLE_CHARS or not handle.isascii():
        raise Problem("handle_not_found")
    try:
        consent = await services.live_consents.live(handle)
    except RecordCorrupt as error:
        raise Problem("record_corrupt") from error
    if consent is not None and consent.partner != partner:
        await services.reader.get(MARKS_KEY)  # what was asked before "none" was believed
        consent = None
    if consent is None:
        raise Problem("handle_not_found")
    return consent


def status_of(consent: LiveConsent, now_ms: int) -> ConsentStatus:
    is_over = consent.status in ENDED
    return "expired" if not is_over and now_ms >= consent.expires_at_ms else consent.status


def partner_consent_handlers(services: Services) -> list[HTTPRouteHandler]:
    @get(
        "/v1/partner/consents/{handle:str}",
        operation_id="getPartnerConsent",
        tags=["partner"],
        summary="合作方持有的同意",
        opt=open_to(
            CONSENTS_SCOPE,
            audit="none",
            problems=["handle_not_found", "record_corrupt", "store_unavailable"],
        ),
    )
    async def partner_consent(request: ApiRequest, handle: Handle) -> PartnerConsentAnswer:
        consent = await paced(held(services, call_of(request).caller.partner, handle))
        return PartnerConsentAnswer(
            handle=handle,
            status=status_of(consent, services.consents.now_ms()),
            policy=consent.policy,
            purpose=consent.purpose,
            not_before=instant(consent.not_before_ms),
            expires_at=instant(consent.expires_at_ms),
            max_uses_per_day=consent.max_uses_per_day,
        )

    @delete(
        "/v1/partner/consents/{handle:str}",
        operation_id="giveUpConsent",
        tags=["partner"],
        summary="合作方放弃同意",
        status_code=204,
        opt=open_to(
            CONSENTS_SCOPE,
            audit="none",
            problems=[
                "handle_not_found",
                "record_corrupt",
                "store_unavailable",
                "ledger_unavailable",
                "effect_pending",
            ],
        ),
    )
    async def give_up_consent(request: ApiRequest, handle: Handle) -> None:
        """In effect on every worker before the answer leaves; repeating it changes nothing."""
        consent = await paced(held(services, call_of(request).caller.partner, handle))
        if status_of(consent, services.consents.now_ms()) in ENDED:
            return
        try:
            await services.consents.change(
                consent.owner.subject, consent.id, "revoked", by="partner"
            )
        except IllegalStep:
            return  # it ended by itself in between
        except ConsentNotFound:
            raise Problem("handle_not_found") from None

    return [partner_consent, give_up_consent]
