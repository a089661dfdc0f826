"""GET /v1/stats/repair: how disputes, reviews and repairs are handled, for everybody to see."""

import hashlib

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from api.access import open_to
from api.answers import answer_of, public_headers
from api.inner import response_of
from api.rights.statistics import RepairStatistics
from api.services import Services

ETAG_CHARS = 16


def repair_statistics_handler(services: Services, *, max_age_seconds: int) -> HTTPRouteHandler:
    @get(
        "/v1/stats/repair",
        operation_id="getRepairStatistics",
        tags=["public"],
        summary="异议、复核与修复的办理情况",
        opt=open_to(None, cache="public", problems=["ledger_unavailable"]),
    )
    async def statistics() -> Response[RepairStatistics]:
        body = msgspec.json.encode(await services.office.statistics())
        etag = hashlib.sha256(body).hexdigest()[:ETAG_CHARS]
        return response_of(answer_of(200, public_headers(etag, max_age_seconds), body))

    return statistics
