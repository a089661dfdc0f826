"""POST /v1/me/vouchers: a voucher to show at a gate, for a citizen who may have the benefit now."""

import asyncio

from litestar import Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from api.access import CITIZEN_SCOPE, open_to
from api.idempotency import idempotency_of
from api.inner import ApiRequest, call_of
from api.me.records import refuse_corrupt
from api.problems import Problem
from api.services import Services
from api.vouchers.answers import VoucherAnswer, VoucherRequest, shown
from api.vouchers.decision import VoucherNotIssued
from api.vouchers.issuing import ISSUED_STATUS
from api.vouchers.qr import voucher_svg
from scoring.contract.snapshot import RecordCorrupt


def voucher_handler(services: Services) -> HTTPRouteHandler:
    @post(
        "/v1/me/vouchers",
        operation_id="issueVoucher",
        tags=["citizen"],
        summary="生成一张出示用的凭证",
        status_code=ISSUED_STATUS,
        opt=open_to(
            CITIZEN_SCOPE,
            body="json",
            audit="citizen",
            problems=[
                "not_enrolled",
                "not_scored_yet",
                "reconsent_required",
                "not_eligible_now",
                "unknown_policy",
                "benefit_not_open",
                "record_corrupt",
                "invalid_idempotency_key",
                "idempotency_conflict",
                "ledger_unavailable",
                "store_unavailable",
            ],
        ),
    )
    async def issue_voucher(
        request: ApiRequest, data: JSONBody[VoucherRequest]
    ) -> Response[VoucherAnswer]:
        call = call_of(request)
        citizen = call.caller
        try:
            answer = await services.vouchers.issue(
                citizen.subject,
                citizen.snapshot_subject,
                data.policy,
                idempotency_of(call.headers, data),
            )
        except VoucherNotIssued as refused:
            raise Problem(refused.code) from refused
        except RecordCorrupt as error:
            refuse_corrupt(error)
        # 5 to 20 ms of plain Python: not on the loop that answers everybody else
        picture = await asyncio.to_thread(voucher_svg, answer.token)
        return Response(
            shown(answer, picture), status_code=ISSUED_STATUS, media_type="application/json"
        )

    return issue_voucher
