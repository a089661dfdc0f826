"""Disputes, reviews and repairs from the citizen's side: open one, see what became of it."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, QueryParameter

from api.access import CITIZEN_SCOPE, open_to
from api.accesses.events import ACCESSED, access_body
from api.answers import Call
from api.consents.reading import PAGE_EVENTS
from api.idempotency import idempotency_of
from api.inner import ApiRequest, call_of
from api.ledger.repeated import Idempotency
from api.openapi.limits import WRITTEN, exactly
from api.paging import PAGE_QUERY, page_in
from api.problems import Problem
from api.rights.answers import CaseReceipt, DisputeAnswer, RepairAnswer, ReviewAnswer
from api.rights.answers import Words as CaseWords
from api.rights.case import Case, ReviewSubject
from api.rights.opening import RecordFacts
from api.rights.reading import CitizenRecords
from api.rights.refusal import CaseRefused
from api.rights.views import dispute_answer, repair_answer, review_answer
from api.services import Services
from scoring.policy.cases import CaseType

OPEN_PROBLEMS = (
    "not_enrolled",
    "not_scored_yet",
    "text_too_long",
    "invalid_idempotency_key",
    "idempotency_conflict",
    "record_corrupt",
    "ledger_unavailable",
    "store_unavailable",
)

RecordId = Annotated[
    str, msgspec.Meta(min_length=1, max_length=64, pattern=exactly("^[A-Za-z0-9_-]+$"))
]
# What is too long is told by its own code; this bound only keeps bodies small.
Words = Annotated[str, msgspec.Meta(max_length=8_000, pattern=exactly(WRITTEN))]
Result = TypeVar("Result")
Answer = TypeVar("Answer")
OpenOnRecord = Callable[[str, RecordFacts, str, Idempotency | None], Awaitable[bytes]]


class RecordRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`record_id`: of an item of her explanation."""

    record_id: RecordId
    reason: Words = ""


class DisputeRequest(RecordRequest, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`record_id`: of an item of her explanation. `reason`: at most 2,000 characters."""


class RepairRequest(RecordRequest, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`record_id`: of an item of her explanation. `reason`: how the duty was met, at most 2,000
    characters."""


class ReviewRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`decision_id`: of one of her accesses, where `about` is a decision; else empty."""

    about: ReviewSubject = "score"
    decision_id: Annotated[
        str, msgspec.Meta(max_length=64, pattern=exactly("^[A-Za-z0-9_-]*$"))
    ] = ""
    reason: Words = ""


class DisputesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first."""

    items: list[DisputeAnswer]
    next_cursor: str | None


class ReviewsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first."""

    items: list[ReviewAnswer]
    next_cursor: str | None


class RepairsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first."""

    items: list[RepairAnswer]
    next_cursor: str | None


async def told(work: Awaitable[Result]) -> Result:
    """The room's refusals as problems."""
    try:
        return await work
    except CaseRefused as refused:
        raise Problem(refused.code, members=refused.members) from refused


PageLimit = Annotated[int | None, QueryParameter(description="一页几条，至多 100")]
PageCursor = Annotated[str | None, QueryParameter(description="上一页的 next_cursor")]


class OwnCases:
    """What the three types share: who may ask, a page of her own, the opening of one."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.records = CitizenRecords(services.reader)

    async def page(
        self, call: Call, case_type: CaseType, shown: Callable[[Case, CaseWords], Answer]
    ) -> tuple[list[Answer], str | None]:
        cases, words = await self.services.rights.cases(call.caller.subject, case_type)
        page, following = page_in(cases, call.query)
        return [shown(case, words) for case in page], following

    async def opened(
        self,
        call: Call,
        case_type: CaseType,
        data: msgspec.Struct,
        open_case: Callable[[Idempotency | None], Awaitable[bytes]],
    ) -> Response[CaseReceipt]:
        """`open_case`: with all that is looked up for it; a repeated request looks nothing up."""
        key = idempotency_of(call.headers, data)
        rights = self.services.rights
        work = rights.once(call.caller.subject, case_type, key, lambda: open_case(key))
        return Response(
            await told(work),  # type: ignore[arg-type]  # the receipt's own bytes
            status_code=201,
            headers={"location": f"/v1/me/{case_type}s"},
            media_type="application/json",
        )

    async def opened_on_record(
        self, call: Call, case_type: CaseType, data: RecordRequest, open_case: OpenOnRecord
    ) -> Response[CaseReceipt]:
        async def opened(key: Idempotency | None) -> bytes:
            record = await self.records.record(call.caller.snapshot_subject, data.record_id)
            return await open_case(call.caller.subject, record, data.reason, key)

        return await self.opened(call, case_type, data, opened)


def listing() -> dict[str, Any]:
    return open_to(
        CITIZEN_SCOPE, query=PAGE_QUERY, audit="citizen", problems=["ledger_unavailable"]
    )


def opening(*problems: str) -> dict[str, Any]:
    """`problems`: of this type, beside those every opening can meet."""
    return open_to(
        CITIZEN_SCOPE, body="json", audit="citizen", problems=(*problems, *OPEN_PROBLEMS)
    )


def dispute_handlers(own: OwnCases) -> list[HTTPRouteHandler]:
    @get(
        "/v1/me/disputes",
        operation_id="listDisputes",
        tags=["rights"],
        summary="我的异议",
        opt=listing(),
    )
    async def disputes(
        request: ApiRequest, limit: PageLimit = None, cursor: PageCursor = None
    ) -> DisputesAnswer:
        items, following = await own.page(call_of(request), "dispute", dispute_answer)
        return DisputesAnswer(items=items, next_cursor=following)

    @post(
        "/v1/me/disputes",
        operation_id="openDispute",
        tags=["rights"],
        summary="提出异议",
        status_code=201,
        opt=opening("record_not_found", "already_disputed", "dispute_decided_already"),
    )
    async def dispute(request: ApiRequest, data: JSONBody[DisputeRequest]) -> Response[CaseReceipt]:
        rights = own.services.rights
        return await own.opened_on_record(call_of(request), "dispute", data, rights.dispute)

    return [disputes, dispute]


def repair_handlers(own: OwnCases) -> list[HTTPRouteHandler]:
    @get(
        "/v1/me/repairs",
        operation_id="listRepairs",
        tags=["rights"],
        summary="我的信用修复",
        opt=listing(),
    )
    async def repairs(
        request: ApiRequest, limit: PageLimit = None, cursor: PageCursor = None
    ) -> RepairsAnswer:
        items, following = await own.page(call_of(request), "repair", repair_answer)
        return RepairsAnswer(items=items, next_cursor=following)

    @post(
        "/v1/me/repairs",
        operation_id="requestRepair",
        tags=["rights"],
        summary="申请信用修复",
        status_code=201,
        opt=opening(
            "record_not_found",
            "too_early",
            "already_requested",
            "already_repaired",
            "not_repairable",
        ),
    )
    async def repair(request: ApiRequest, data: JSONBody[RepairRequest]) -> Response[CaseReceipt]:
        rights = own.services.rights
        return await own.opened_on_record(call_of(request), "repair", data, rights.repair)

    return [repairs, repair]


def review_handlers(own: OwnCases) -> list[HTTPRouteHandler]:
    async def reference_of(call: Call, data: ReviewRequest) -> str:
        if data.about == "score":
            return await own.records.require_scored(call.caller.snapshot_subject)
        return await _own_decision(own.services, call.caller.subject, data.decision_id)

    @get(
        "/v1/me/reviews",
        operation_id="listReviews",
        tags=["rights"],
        summary="我的人工复核",
        opt=listing(),
    )
    async def reviews(
        request: ApiRequest, limit: PageLimit = None, cursor: PageCursor = None
    ) -> ReviewsAnswer:
        items, following = await own.page(call_of(request), "review", review_answer)
        return ReviewsAnswer(items=items, next_cursor=following)

    @post(
        "/v1/me/reviews",
        operation_id="requestReview",
        tags=["rights"],
        summary="请求人工复核",
        status_code=201,
        opt=opening("decision_not_found", "already_under_review"),
    )
    async def review(request: ApiRequest, data: JSONBody[ReviewRequest]) -> Response[CaseReceipt]:
        call = call_of(request)

        async def opened(key: Idempotency | None) -> bytes:
            about, reference = data.about, await reference_of(call, data)
            rights = own.services.rights
            return await rights.review(call.caller.subject, about, reference, data.reason, key)

        return await own.opened(call, "review", data, opened)

    return [reviews, review]


async def _own_decision(services: Services, subject: str, decision_id: str) -> str:
    """Looked for in her own access log: somebody else's does not exist for her. Raises Problem
    decision_not_found."""
    before: int | None = None
    while decision_id:
        page = await services.ledger.subject_events(
            subject, kinds=(ACCESSED,), limit=PAGE_EVENTS, before_seq=before
        )
        if any(access_body(event.body).decision_id == decision_id for event in page):
            return decision_id
        if len(page) < PAGE_EVENTS:
            break
        before = page[-1].seq
    raise Problem("decision_not_found")


def case_handlers(services: Services) -> list[HTTPRouteHandler]:
    own = OwnCases(services)
    return [*dispute_handlers(own), *review_handlers(own), *repair_handlers(own)]
