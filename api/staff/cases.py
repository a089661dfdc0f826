"""GET and POST under /v1/staff: disputes, reviews, repairs. One family of handlers for the three."""

import asyncio
import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Literal

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, PathParameter, QueryParameter

from api.access import open_to
from api.accesses.protocol import AccessEvent
from api.answers import Call
from api.idempotency import idempotency_of
from api.inner import ApiRequest, call_of
from api.me.cases import PageCursor, PageLimit, Words, told
from api.openapi.limits import exactly
from api.paging import PAGE_QUERY, limit_in
from api.problems import Problem
from api.rights.answers import StaffCase, StaffCaseDetail
from api.rights.case import Case
from api.rights.deciding import Staff
from api.rights.office import place_of
from api.rights.reading import CitizenRecords
from api.rights.views import staff_case, staff_case_detail
from api.services import Services
from scoring.policy.cases import CaseType

STAFF_SCOPE = "staff"
OFFICER_SCOPE = "staff:officer"
REVIEWER_SCOPE = "staff:reviewer"
FIRST_PLACE = (dt.date.min, 0)
STATUSES: Mapping[str, tuple[str, ...]] = {
    "waiting": ("open", "proposed"),
    "open": ("open",),
    "proposed": ("proposed",),
    "decided": ("decided",),
}
TITLES: Mapping[CaseType, str] = {"dispute": "异议", "review": "人工复核", "repair": "信用修复"}
ACT_PROBLEMS = (
    "case_not_found",
    "own_case",
    "human_reviewer_needed",
    "reason_needed",
    "text_too_long",
    "case_decided",
    "invalid_idempotency_key",
    "idempotency_conflict",
    "ledger_unavailable",
)
SECOND_PROBLEMS = ("four_eyes", "reviewer_needed", "nothing_proposed", "proposal_changed")


class DecisionRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`outcome`: dispute upheld, rejected, undecided; review confirmed, corrected; repair granted,
    refused. `reason`: told to the citizen; 10 to 2,000 characters."""

    outcome: Annotated[str, msgspec.Meta(max_length=32, pattern=r"^[a-z_]*\Z")]
    reason: Words = ""


ReadProposal = Annotated[str, msgspec.Meta(max_length=64, pattern=exactly("^[0-9a-f]{64}$"))]


class ConfirmationRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`agrees` false sends the case back, with a reason of 10 to 2,000 characters. `proposal_id`: as
    the case had it when it was read; where it has another by now, nothing is done."""

    agrees: bool = True
    proposal_id: ReadProposal | None = None
    reason: Words = ""


class StaffCases(msgspec.Struct, frozen=True, kw_only=True):
    """What is due first comes first."""

    items: list[StaffCase]
    next_cursor: str | None


CaseId = Annotated[str, PathParameter(description="案件编号，见列表中的 id")]
StatusFilter = Annotated[
    Literal["waiting", "open", "proposed", "decided"] | None,
    QueryParameter(description="办理状态；不填为尚未办结"),
]


def staff_of(call: Call) -> Staff:
    """Raises Problem scope_missing for a token of staff without a role."""
    scopes = call.caller.scopes
    if not scopes & {OFFICER_SCOPE, REVIEWER_SCOPE}:
        raise Problem("scope_missing")
    return Staff(id=call.caller.subject, is_reviewer=REVIEWER_SCOPE in scopes)


def cursor_of(case: Case) -> str:
    day, seq = place_of(case)
    return f"{day.isoformat()}.{seq}"


def place_in(query: Mapping[str, str]) -> tuple[dt.date, int]:
    """Raises Problem invalid_parameter."""
    text = query.get("cursor")
    if text is None:
        return FIRST_PLACE
    day, _, seq = text.partition(".")
    try:
        if len(day) == 10 and seq.isascii() and seq.isdigit() and len(seq) <= 18:
            return dt.date.fromisoformat(day), int(seq)
    except ValueError:
        pass
    raise Problem("invalid_parameter")


class Desk:
    """One type's routes; `snapshot_subject_of` finds the record a case is about."""

    def __init__(
        self, services: Services, case_type: CaseType, snapshot_subject_of: Callable[[str], str]
    ) -> None:
        self._services = services
        self._type = case_type
        self._records = CitizenRecords(services.reader)
        self._snapshot_subject_of = snapshot_subject_of

    @property
    def _path(self) -> str:
        return f"/v1/staff/{self._type}s"

    async def _logged(self, call: Call, subjects: Iterable[str], body: bytes) -> None:
        """A line for each citizen the answer is about; it may leave after that."""
        services = self._services
        staff, digest = staff_of(call), hashlib.sha256(body).hexdigest()
        lines = [
            AccessEvent(
                subject=subject,
                at_ms=services.office.now_ms(),
                initiator_kind="staff",
                initiator=staff.id,
                purpose=f"decide_{self._type}",
                legal_basis=services.office.policy.term_of(self._type).legal_basis,
                response_digest=digest,
            )
            for subject in sorted(set(subjects))
        ]
        await asyncio.gather(*(services.access_log.record(line) for line in lines))

    async def _detail(self, case: Case) -> StaffCaseDetail:
        office = self._services.office
        record = None
        if case.record_id is not None:
            record = await self._records.record_or_none(
                self._snapshot_subject_of(case.subject), case.record_id
            )
        return staff_case_detail(case, office.today, await office.words(case), record)

    def list_handler(self) -> HTTPRouteHandler:
        @get(
            self._path,
            operation_id=f"listStaff{self._type.title()}s",
            tags=["staff"],
            summary=f"待办{TITLES[self._type]}",
            opt=open_to(
                STAFF_SCOPE,
                query=(*PAGE_QUERY, "status"),
                audit="logged",
                problems=["ledger_unavailable"],
            ),
        )
        async def cases(
            request: ApiRequest,
            status: StatusFilter = None,
            limit: PageLimit = None,
            cursor: PageCursor = None,
        ) -> Response[StaffCases]:
            call, office = call_of(request), self._services.office
            staff_of(call)
            wanted = STATUSES.get(call.query.get("status", "waiting"))
            if wanted is None:
                raise Problem("invalid_parameter")
            most = limit_in(call.query)
            found = await office.queue(self._type, wanted, place_in(call.query), most + 1)
            page = found[:most]
            answer = StaffCases(
                items=[staff_case(case, office.today) for case in page],
                next_cursor=cursor_of(page[-1]) if len(found) > most else None,
            )
            body = msgspec.json.encode(answer)
            await self._logged(call, (case.subject for case in page), body)
            return Response(body, media_type="application/json")  # type: ignore[arg-type]

        return cases

    def case_handler(self) -> HTTPRouteHandler:
        @get(
            f"{self._path}/{{case_id:str}}",
            operation_id=f"getStaff{self._type.title()}",
            tags=["staff"],
            summary=f"某一件{TITLES[self._type]}",
            opt=open_to(
                STAFF_SCOPE,
                audit="logged",
                problems=["case_not_found", "ledger_unavailable", "store_unavailable"],
            ),
        )
        async def case(request: ApiRequest, case_id: CaseId) -> Response[StaffCaseDetail]:
            call = call_of(request)
            staff_of(call)
            found = await told(self._services.office.case(self._type, case_id))
            body = msgspec.json.encode(await self._detail(found))
            await self._logged(call, [found.subject], body)
            return Response(body, media_type="application/json")  # type: ignore[arg-type]

        return case

    def decision_handler(self) -> HTTPRouteHandler:
        proposed = () if self._type == "review" else ("case_proposed",)

        @post(
            f"{self._path}/{{case_id:str}}/decision",
            operation_id=f"decide{self._type.title()}",
            tags=["staff"],
            summary=f"作出{TITLES[self._type]}决定",
            status_code=200,
            opt=open_to(
                STAFF_SCOPE,
                body="json",
                audit="logged",
                problems=["outcome_unknown", *ACT_PROBLEMS, *proposed],
            ),
        )
        async def decide(
            request: ApiRequest, case_id: CaseId, data: JSONBody[DecisionRequest]
        ) -> Response[StaffCase]:
            call, office = call_of(request), self._services.office
            work = office.decide(
                self._type,
                case_id,
                outcome=data.outcome,
                reason=data.reason,
                staff=staff_of(call),
                idempotency=idempotency_of(call.headers, data),
            )
            return await self._acted(call, case_id, await told(work))

        return decide

    def confirmation_handler(self) -> HTTPRouteHandler:
        @post(
            f"{self._path}/{{case_id:str}}/confirmation",
            operation_id=f"confirm{self._type.title()}",
            tags=["staff"],
            summary=f"复核{TITLES[self._type]}决定",
            status_code=200,
            opt=open_to(
                STAFF_SCOPE,
                body="json",
                audit="logged",
                problems=[*SECOND_PROBLEMS, *ACT_PROBLEMS],
            ),
        )
        async def confirm(
            request: ApiRequest, case_id: CaseId, data: JSONBody[ConfirmationRequest]
        ) -> Response[StaffCase]:
            call, office = call_of(request), self._services.office
            staff, key = staff_of(call), idempotency_of(call.headers, data)
            if data.agrees:
                done = office.confirm(self._type, case_id, staff, key, read=data.proposal_id)
            else:
                done = office.send_back(
                    self._type, case_id, data.reason, staff, key, read=data.proposal_id
                )
            return await self._acted(call, case_id, await told(done))

        return confirm

    async def _acted(self, call: Call, case_id: str, body: bytes) -> Response[StaffCase]:
        case = await told(self._services.office.case(self._type, case_id))
        await self._logged(call, [case.subject], body)
        return Response(body, media_type="application/json")  # type: ignore[arg-type]


def staff_handlers(
    services: Services, snapshot_subject_of: Callable[[str], str]
) -> list[HTTPRouteHandler]:
    desks: dict[CaseType, Desk] = {
        "dispute": Desk(services, "dispute", snapshot_subject_of),
        "review": Desk(services, "review", snapshot_subject_of),
        "repair": Desk(services, "repair", snapshot_subject_of),
    }
    handlers = [
        make()
        for desk in desks.values()
        for make in (desk.list_handler, desk.case_handler, desk.decision_handler)
    ]
    return [*handlers, *(desks[kind].confirmation_handler() for kind in ("dispute", "repair"))]
