"""GET /v1/me/events: what a citizen is told without asking."""

from typing import Annotated

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from api.access import CITIZEN_SCOPE, open_to
from api.consents.machine import SUBJECT_KINDS, folded_consents
from api.consents.reading import all_events
from api.inner import ApiRequest, call_of
from api.me.accesses import NamesOfRegister
from api.me.news import (
    CONSENT_NEWS_KINDS,
    NewsAnswer,
    NewsList,
    decisions_of,
    news_of,
    reminders_of,
)
from api.paging import PAGE_QUERY, limit_in
from api.problems import Problem
from api.rights.case import CASE_KINDS, folded_cases
from api.services import Services


def page_of_news(news: list[NewsAnswer], *, limit: int, cursor: str | None) -> NewsList:
    """Newest first; the cursor is the last item's id. Raises Problem invalid_parameter."""
    ordered = sorted(news, key=lambda item: (item.time, item.id), reverse=True)
    start = 0
    if cursor is not None:
        ids = [item.id for item in ordered]
        if cursor not in ids:
            raise Problem("invalid_parameter")
        start = ids.index(cursor) + 1
    page = ordered[start : start + limit]
    has_more = start + len(page) < len(ordered)
    return NewsList(items=page, next_cursor=page[-1].id if page and has_more else None)


def events_handler(services: Services) -> HTTPRouteHandler:
    register = NamesOfRegister(services.reader)

    @get(
        "/v1/me/events",
        operation_id="listEvents",
        tags=["citizen"],
        summary="通知",
        opt=open_to(
            CITIZEN_SCOPE, query=PAGE_QUERY, audit="citizen", problems=["ledger_unavailable"]
        ),
    )
    async def events(
        request: ApiRequest,
        limit: Annotated[int | None, QueryParameter(description="一页几条，至多 100")] = None,
        cursor: Annotated[str | None, QueryParameter(description="上一页的 next_cursor")] = None,
    ) -> NewsList:
        call = call_of(request)
        found = await all_events(
            services.ledger, call.caller.subject, (*SUBJECT_KINDS, *CASE_KINDS)
        )
        names, language = register.names(), call.language
        told = [news_of(e, names, language) for e in found if e.kind in CONSENT_NEWS_KINDS]
        decided = decisions_of(folded_cases(found).values(), language)
        reminders = reminders_of(
            folded_consents(found).values(), now_ms=services.consents.now_ms(), language=language
        )
        return page_of_news(
            [*(item for item in told if item is not None), *decided, *reminders],
            limit=limit_in(call.query),
            cursor=call.query.get("cursor"),
        )

    return events
