"""Every route of citizens, staff and the public; partners' are put together in their room."""

from collections.abc import Mapping

from litestar.handlers import HTTPRouteHandler

from api.answers import Direct
from api.me.accesses import accesses_handler
from api.me.cases import case_handlers
from api.me.consents import consent_handlers
from api.me.enrolment import enrol_handler, enrolment_handler, withdraw_handler
from api.me.events import events_handler
from api.me.explanation import ExplanationRoute, explanation_handler
from api.me.export import export_handler, export_schema_handler
from api.me.history import HistoryRoute, history_handler
from api.me.last_good import LastGood
from api.me.proof import proof_handler
from api.me.receipt import receipt_handler
from api.me.score import ScoreRoute, score_handler
from api.me.statements import statement_handler
from api.me.vouchers import voucher_handler
from api.me.what_if import WhatIfRoute, what_if_handler
from api.public.documents import (
    BenefitsRoute,
    DocumentRoute,
    benefits_handler,
    catalogue_handler,
    rules_handler,
)
from api.public.log import log_handlers
from api.public.notice import notice_handlers
from api.public.statistics import repair_statistics_handler
from api.services import Services
from scoring.contract.snapshot import CATALOGUE_DOCUMENT, RULES_DOCUMENT

DirectRoutes = Mapping[tuple[str, str], Direct]  # (method, path template)


def direct_routes(
    services: Services, last_good: LastGood, *, max_age_seconds: int
) -> dict[tuple[str, str], Direct]:
    """Those the edge answers by itself; each is a handler of the framework as well."""
    reader, seconds = services.reader, max_age_seconds
    return {
        ("GET", "/v1/me/score"): ScoreRoute(reader, services.admission, last_good),
        ("GET", "/v1/rules"): DocumentRoute(reader, RULES_DOCUMENT, max_age_seconds=seconds),
        ("GET", "/v1/benefits"): BenefitsRoute(reader, max_age_seconds=seconds),
        ("GET", "/v1/catalogue"): DocumentRoute(
            reader, CATALOGUE_DOCUMENT, max_age_seconds=seconds
        ),
    }


def citizen_handlers(
    services: Services, last_good: LastGood, direct: DirectRoutes
) -> list[HTTPRouteHandler]:
    reader, admission = services.reader, services.admission
    explanation = ExplanationRoute(reader, admission, last_good)
    return [
        score_handler(direct["GET", "/v1/me/score"]),
        explanation_handler(explanation, services),
        history_handler(HistoryRoute(reader, admission, last_good)),
        what_if_handler(WhatIfRoute(reader, ExplanationRoute(reader, admission))),
        enrol_handler(services),
        enrolment_handler(services),
        withdraw_handler(services),
        receipt_handler(services),
        *consent_handlers(services),
        voucher_handler(services),
        accesses_handler(services),
        events_handler(services),
        proof_handler(services),
        *case_handlers(services),
        statement_handler(services),
        export_handler(services),
    ]


def public_handlers(
    services: Services, direct: DirectRoutes, *, max_age_seconds: int
) -> list[HTTPRouteHandler]:
    return [
        rules_handler(direct["GET", "/v1/rules"]),
        benefits_handler(direct["GET", "/v1/benefits"]),
        catalogue_handler(direct["GET", "/v1/catalogue"]),
        *notice_handlers(services, max_age_seconds=max_age_seconds),
        *log_handlers(services, max_age_seconds=max_age_seconds),
        export_schema_handler(max_age_seconds=max_age_seconds),
        repair_statistics_handler(services, max_age_seconds=max_age_seconds),
    ]
