"""All routes of the room."""

from collections.abc import Callable

from litestar.handlers import HTTPRouteHandler

from api.me.cases import case_handlers
from api.me.export import export_handler, export_schema_handler
from api.me.statements import statement_handler
from api.public.statistics import repair_statistics_handler
from api.services import Services
from api.staff.cases import staff_handlers


def rights_handlers(
    services: Services,
    snapshot_subject_of: Callable[[str], str],
    *,
    max_age_seconds: int,
) -> list[HTTPRouteHandler]:
    return [
        *case_handlers(services),
        statement_handler(services),
        export_handler(services),
        export_schema_handler(max_age_seconds=max_age_seconds),
        *staff_handlers(services, snapshot_subject_of),
        repair_statistics_handler(services, max_age_seconds=max_age_seconds),
    ]
