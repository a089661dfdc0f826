"""What machines ask: is the process alive, can it serve, how much has it done."""

from collections.abc import Callable
from typing import Literal

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from api.access import open_to
from api.machines.gauges import Gauges
from api.machines.standing import served_manifest
from api.me.last_good import LastGood
from api.metrics import MEDIA_TYPE, Metrics
from api.problems import Problem
from api.schemas import HealthAnswer, ReadyAnswer
from api.services import Services
from api.store.protocol import StoreDown


def healthz_handler() -> HTTPRouteHandler:
    @get(
        "/healthz",
        operation_id="getHealth",
        tags=["machines"],
        summary="进程存活",
        opt=open_to(None),
    )
    async def healthz() -> HealthAnswer:
        return HealthAnswer(status="ok")

    return healthz


def readyz_handler(
    services: Services, last_good: LastGood, has_keys: Callable[[], bool]
) -> HTTPRouteHandler:
    @get(
        "/readyz",
        operation_id="getReadiness",
        tags=["machines"],
        summary="可以服务",
        opt=open_to(None, problems=["store_unavailable", "ledger_unavailable", "keys_unavailable"]),
    )
    async def readyz() -> ReadyAnswer:
        """Every part a citizen's request needs answers, or the 503 names the one that does not.
        Without the store a worker with a copy is still to be asked: without it there is nothing."""
        status: Literal["ready", "degraded"] = "ready"
        try:
            manifest = await served_manifest(services.reader)
        except StoreDown:
            manifest, status = last_good.manifest(), "degraded"
        position = await services.ledger.position()
        if not has_keys():
            raise Problem("keys_unavailable")
        return ReadyAnswer(
            status=status,
            snapshot=manifest.snapshot,
            as_of=manifest.as_of,
            rules_version=manifest.rules_version,
            ledger_position=position,
        )

    return readyz


def metrics_handler(metrics: Metrics, gauges: Gauges) -> HTTPRouteHandler:
    @get(
        "/metrics",
        operation_id="getMetrics",
        tags=["machines"],
        summary="计数器（Prometheus 文本格式）",
        media_type=MEDIA_TYPE,
        opt=open_to(None, media_type=MEDIA_TYPE),
    )
    async def metrics_text() -> Response[str]:
        return Response(metrics.exposition(await gauges.now()).decode(), media_type=MEDIA_TYPE)

    return metrics_text
