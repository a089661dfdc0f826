"""GET /v1/me/enrolment/receipt: the proof of what she agreed to, for keeping."""

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from api.access import CITIZEN_SCOPE, open_to
from api.inner import ApiRequest, call_of
from api.problems import Problem
from api.receipts.record import SignedReceipt
from api.services import Services


def receipt_handler(services: Services) -> HTTPRouteHandler:
    @get(
        "/v1/me/enrolment/receipt",
        operation_id="getEnrolmentReceipt",
        tags=["citizen"],
        summary="加入凭据",
        opt=open_to(
            CITIZEN_SCOPE, audit="citizen", problems=["not_enrolled", "ledger_unavailable"]
        ),
    )
    async def receipt(request: ApiRequest) -> Response[SignedReceipt]:
        body = await services.enrolments.receipt(call_of(request).caller.subject)
        if body is None:
            raise Problem("not_enrolled")
        return Response(
            body,  # type: ignore[arg-type]  # the receipt's canonical bytes
            headers={"content-disposition": 'attachment; filename="receipt.json"'},
            media_type="application/json",
        )

    return receipt
