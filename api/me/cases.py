"""Disputes, reviews and repairs from the citizen's side: open one, see what became of it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Protocol, TypeVar

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
from api.openapi.limits import WRITTEN, exactly
from api.paging import PAGE_QUERY, limit_in
from api.problems import Problem
from api.rights.answers import CaseReceipt, DisputeAnswer, RepairAnswer, ReviewAnswer
from api.rights.case import ReviewSubject
from api.rights.reading import CitizenRecords
from api.rights.refusal import CaseRefused
from api.rights.views import dispute_answer, repair_answer, review_answer
from api.services import Services

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


class DisputeRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`record_id`: of an item of her explanation. `reason`: at most 2,000 characters."""

    record_id: RecordId
    reason: Words = ""


class RepairRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`record_id`: of an item of her explanation. `reason`: how the duty was met, at most 2,000
    characters."""

    record_id: RecordId
    reason: Words = ""


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


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


Item = TypeVar("Item", bound=_HasId)


def page_of(items: Sequence[Item], query: Mapping[str, str]) -> tuple[list[Item], str | None]:
    """The cursor is the last item's id. Raises Problem invalid_parameter."""
    cursor, start = query.get("cursor"), 0
    if cursor is not None:
        ids = [item.id for item in items]
        if cursor not in ids:
            raise Problem("invalid_parameter")
        start = ids.index(cursor) + 1
    page = list(items[start : start + limit_in(query)])
    has_more = start + len(page) < len(items)
    return page, page[-1].id if page and has_more else None


async def told(work: Awaitable[Result]) -> Result:
    """The room's refusals as problems."""
    try:
        return await work
    except CaseRefused as refused:
        raise Problem(refused.code, members=refused.members) from refused


def receipt_response(body: bytes, address: str) -> Response[CaseReceipt]:
    return Response(
        body,  # type: ignore[arg-type]  # the receipt's own bytes
        status_code=201,
        headers={"location": address},
        media_type="application/json",
    )


PageLimit = Annotated[int | None, QueryParameter(description="一页几条，至多 100")]
PageCursor = Annotated[str | None, QueryParameter(description="上一页的 next_cursor")]


def disputes_handler(services: Services) -> HTTPRouteHandler:
    @get(
        "/v1/me/disputes",
        operation_id="listDisputes",
        tags=["rights"],
        summary="我的异议",
        opt=open_to(
            CITIZEN_SCOPE, query=PAGE_QUERY, audit="citizen", problems=["ledger_unavailable"]
        ),
    )
    async def disputes(
        request: ApiRequest, limit: PageLimit = None, cursor: PageCursor = None
    ) -> DisputesAnswer:
        call = call_of(request)
        cases, words = await services.rights.cases(call.caller.subject, "dispute")
        page, following = page_of(cases, call.query)
        return DisputesAnswer(
            items=[dispute_answer(case, words) for case in page], next_cursor=following
        )

    return disputes


def dispute_handler(services: Services, records: CitizenRecords) -> HTTPRouteHandler:
    @post(
        "/v1/me/disputes",
        operation_id="openDispute",
        tags=["rights"],
        summary="提出异议",
        status_code=201,
        opt=open_to(
            CITIZEN_SCOPE,
            body="json",
            audit="citizen",
            problems=[
                "record_not_found",
                "already_disputed",
                "dispute_decided_already",
                *OPEN_PROBLEMS,
            ],
        ),
    )
    async def dispute(request: ApiRequest, data: JSONBody[DisputeRequest]) -> Response[CaseReceipt]:
        call = call_of(request)

        citizen, rights = call.caller, services.rights
        key = idempotency_of(call.headers, data)

        async def opened() -> bytes:
            record = await records.record(citizen.snapshot_subject, data.record_id)
            return await rights.dispute(citizen.subject, record, data.reason, key)

        receipt = await told(rights.once(citizen.subject, "dispute", key, opened))
        return receipt_response(receipt, "/v1/me/disputes")

    return dispute


def repairs_handler(services: Services) -> HTTPRouteHandler:
    @get(
        "/v1/me/repairs",
        operation_id="listRepairs",
        tags=["rights"],
        summary="我的信用修复",
        opt=open_to(
            CITIZEN_SCOPE, query=PAGE_QUERY, audit="citizen", problems=["ledger_unavailable"]
        ),
    )
    async def repairs(
        request: ApiRequest, limit: PageLimit = None, cursor: PageCursor = None
    ) -> RepairsAnswer:
        call = call_of(request)
        cases, words = await services.rights.cases(call.caller.subject, "repair")
        page, following = page_of(cases, call.query)
        return RepairsAnswer(
            items=[repair_answer(case, words) for case in page], next_cursor=following
        )

    return repairs


def repair_handler(services: Services, records: CitizenRecords) -> HTTPRouteHandler:
    @post(
        "/v1/me/repairs",
        operation_id="requestRepair",
        tags=["rights"],
        summary="申请信用修复",
        status_code=201,
        opt=open_to(
            CITIZEN_SCOPE,
            body="json",
            audit="citizen",
            problems=[
                "record_not_found",
                "too_early",
                "already_requested",
                "already_repaired",
                "not_repairable",
                *OPEN_PROBLEMS,
            ],
        ),
    )
    async def repair(request: ApiRequest, data: JSONBody[RepairRequest]) -> Response[CaseReceipt]:
        call = call_of(request)

        citizen, rights = call.caller, services.rights
        key = idempotency_of(call.headers, data)

        async def opened() -> bytes:
            record = await records.record(citizen.snapshot_subject, data.record_id)
            return await rights.repair(citizen.subject, record, data.reason, key)

        receipt = await told(rights.once(citizen.subject, "repair", key, opened))
        return receipt_response(receipt, "/v1/me/repairs")

    return repair


def reviews_handler(services: Services) -> HTTPRouteHandler:
    @get(
        "/v1/me/reviews",
        operation_id="listReviews",
        tags=["rights"],
        summary="我的人工复核",
        opt=open_to(
            CITIZEN_SCOPE, query=PAGE_QUERY, audit="citizen", problems=["ledger_unavailable"]
        ),
    )
    async def reviews(
        request: ApiRequest, limit: PageLimit = None, cursor: PageCursor = None
    ) -> ReviewsAnswer:
        call = call_of(request)
        cases, words = await services.rights.cases(call.caller.subject, "review")
        page, following = page_of(cases, call.query)
        return ReviewsAnswer(
            items=[review_answer(case, words) for case in page], next_cursor=following
        )

    return reviews


def review_handler(services: Services, records: CitizenRecords) -> HTTPRouteHandler:
    async def reference_of(call: Call, data: ReviewRequest) -> str:
        if data.about == "score":
            return await records.require_scored(call.caller.snapshot_subject)
        return await _own_decision(services, call.caller.subject, data.decision_id)

    @post(
        "/v1/me/reviews",
        operation_id="requestReview",
        tags=["rights"],
        summary="请求人工复核",
        status_code=201,
        opt=open_to(
            CITIZEN_SCOPE,
            body="json",
            audit="citizen",
            problems=["decision_not_found", "already_under_review", *OPEN_PROBLEMS],
        ),
    )
    async def review(request: ApiRequest, data: JSONBody[ReviewRequest]) -> Response[CaseReceipt]:
        call = call_of(request)

        subject, rights = call.caller.subject, services.rights
        key = idempotency_of(call.headers, data)

        async def opened() -> bytes:
            reference = await reference_of(call, data)
            return await rights.review(subject, data.about, reference, data.reason, key)

        receipt = await told(rights.once(subject, "review", key, opened))
        return receipt_response(receipt, "/v1/me/reviews")

    return review


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
    records = CitizenRecords(services.reader)
    opening: list[Callable[[Services, CitizenRecords], HTTPRouteHandler]] = [
        dispute_handler,
        review_handler,
        repair_handler,
    ]
    return [
        disputes_handler(services),
        reviews_handler(services),
        repairs_handler(services),
        *(make(services, records) for make in opening),
    ]
