"""PUT /v1/me/records/{record_id}/statement: her own words beside a record."""

from typing import Annotated

import msgspec
from litestar import put
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, PathParameter

from api.access import CITIZEN_SCOPE, open_to
from api.inner import ApiRequest, call_of
from api.me.cases import Words, told
from api.rights.answers import StatementAnswer
from api.rights.reading import CitizenRecords
from api.services import Services


class StatementRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`text`: at most 200 characters; empty takes the statement away."""

    text: Words


def statement_handler(services: Services) -> HTTPRouteHandler:
    records = CitizenRecords(services.reader)

    @put(
        "/v1/me/records/{record_id:str}/statement",
        operation_id="stateOnRecord",
        tags=["rights"],
        summary="对一条记录作本人说明",
        opt=open_to(
            CITIZEN_SCOPE,
            body="json",
            audit="citizen",
            problems=[
                "record_not_found",
                "not_enrolled",
                "not_scored_yet",
                "statement_too_long",
                "record_corrupt",
                "ledger_unavailable",
                "store_unavailable",
            ],
        ),
    )
    async def state(
        request: ApiRequest,
        record_id: Annotated[str, PathParameter(description="记录编号，见逐条说明")],
        data: JSONBody[StatementRequest],
    ) -> StatementAnswer:
        citizen = call_of(request).caller
        record = await told(records.record(citizen.snapshot_subject, record_id))
        return await told(services.rights.state(citizen.subject, record.record_id, data.text))

    return state
