"""POST /v1/partner/attestations: a partner's word that data is deleted. GET /v1/admin/partners: who
has given it, who is late, and whose questions raised an alarm."""

import datetime as dt
from typing import Annotated

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from api.access import open_to
from api.consents.attesting import Standing, attested_draft
from api.idempotency import idempotency_of
from api.inner import ApiRequest, call_of
from api.ledger.enrolment import city_day, instant
from api.ledger.kinds import stream_name
from api.ledger.protocol import Replayed
from api.ledger.repeated import Repeatable
from api.partner.probing import ALARMED
from api.partner.registry import CONSENTS_SCOPE, Registry
from api.problems import Problem
from api.services import Services
from api.staff.cases import STAFF_SCOPE

ATTESTED_STATUS = 201
MOST_PARTNERS = 10_000


class AttestationRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`ended_until`: data from consents that ended up to this day, it too, is deleted."""

    ended_until: dt.date


class AttestationAnswer(msgspec.Struct, frozen=True, kw_only=True):
    partner: str
    ended_until: dt.date
    attested_at: dt.datetime


class PartnerStanding(msgspec.Struct, frozen=True, kw_only=True):
    """`overdue_since`: the day on which a consent ended that no attestation covers, thirty days ago
    or more; then `is_flagged`, and no new consent is given to it. `alarms`: windows in which its
    questions were refused so often that the office was told; `alarmed_at`: of the last."""

    id: str
    name: Annotated[str, msgspec.Meta(max_length=128)]
    is_flagged: bool
    overdue_since: dt.date | None
    attested_until: dt.date | None
    attested_at: dt.datetime | None
    alarms: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
    alarmed_at: dt.datetime | None


class PartnersAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """In the order of the registry; all on one page."""

    items: Annotated[list[PartnerStanding], msgspec.Meta(max_length=MOST_PARTNERS)]
    next_cursor: None = None


async def standing_of(services: Services, partner: str, name: str) -> PartnerStanding:
    found: Standing = await services.attestations.standing(partner, services.consents.now_ms())
    events = await services.ledger.stream_events(stream_name("partner", partner))
    alarms = [event.at_ms for event in events if event.kind == ALARMED]
    return PartnerStanding(
        id=partner,
        name=name,
        is_flagged=found.overdue_since is not None,
        overdue_since=found.overdue_since,
        attested_until=found.attested_until,
        attested_at=found.attested_at,
        alarms=len(alarms),
        alarmed_at=instant(alarms[-1]) if alarms else None,
    )


def attestation_handlers(services: Services, registry: Registry) -> list[HTTPRouteHandler]:
    @post(
        "/v1/partner/attestations",
        operation_id="attestDeletion",
        tags=["partner"],
        summary="声明已删除数据",
        status_code=ATTESTED_STATUS,
        opt=open_to(
            CONSENTS_SCOPE,
            body="json",
            audit="none",
            problems=[
                "attestation_in_future",
                "invalid_idempotency_key",
                "idempotency_conflict",
                "ledger_unavailable",
            ],
        ),
    )
    async def attest_deletion(
        request: ApiRequest, data: JSONBody[AttestationRequest]
    ) -> Response[AttestationAnswer]:
        call = call_of(request)
        partner, now_ms = call.caller.partner, services.consents.now_ms()
        if partner is None:
            raise Problem("scope_missing")
        if data.ended_until > city_day(now_ms):
            raise Problem("attestation_in_future")
        answer = AttestationAnswer(
            partner=partner, ended_until=data.ended_until, attested_at=instant(now_ms)
        )
        body, asked = msgspec.json.encode(answer), idempotency_of(call.headers, data)
        again = Repeatable(services.ledger, f"attestations {partner}", asked)
        draft = attested_draft(partner, data.ended_until, now_ms)
        stored = await services.ledger.append(draft, claim=again.claim(ATTESTED_STATUS, body))
        if isinstance(stored, Replayed):
            body = stored.body
        return Response(msgspec.Raw(body), status_code=ATTESTED_STATUS)  # type: ignore[arg-type]

    @get(
        "/v1/admin/partners",
        operation_id="listPartners",
        tags=["staff"],
        summary="合作方：删除声明与告警",
        opt=open_to(
            STAFF_SCOPE, audit="none", problems=["ledger_unavailable", "store_unavailable"]
        ),
    )
    async def list_partners() -> PartnersAnswer:
        items = [
            await standing_of(services, partner.id, partner.name)
            for partner in registry.by_id.values()
        ]
        return PartnersAnswer(items=items)

    return [attest_deletion, list_partners]
