"""GET /v1/me/accesses: who looked at my data, when, why and on what basis."""

import datetime as dt
from typing import Annotated

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from api.access import CITIZEN_SCOPE, open_to
from api.accesses.answers import AccessesAnswer, Names, names_of
from api.accesses.reading import Period, page_of_accesses
from api.answers import Call
from api.consents.service import instant_ms
from api.inner import ApiRequest, call_of
from api.ledger.enrolment import CITY_CLOCK
from api.paging import PAGE_QUERY, limit_in, sequence_cursor_in
from api.problems import Problem
from api.services import Services
from api.store.protocol import SnapshotReader, StoreDown
from api.versions import PerVersion, benefits_of

ISO_DAY_CHARS = 10


def day_in(call: Call, name: str) -> dt.date | None:
    """Raises Problem invalid_parameter."""
    text = call.query.get(name)
    if text is None:
        return None
    try:
        if len(text) == ISO_DAY_CHARS:
            return dt.date.fromisoformat(text)
    except ValueError:
        pass
    raise Problem("invalid_parameter")


def period_in(call: Call) -> Period:
    """`since` and `until` are days of the city's clock, both inclusive. Raises Problem
    invalid_parameter."""
    since, until = day_in(call, "since"), day_in(call, "until")
    if since and until and until < since:
        raise Problem("invalid_parameter")
    try:
        return Period(
            since_ms=None if since is None else _midnight_ms(since),
            until_ms=None if until is None else _midnight_ms(until + dt.timedelta(days=1)),
        )
    except OverflowError:  # the last day a calendar has
        raise Problem("invalid_parameter") from None


def _midnight_ms(day: dt.date) -> int:
    return instant_ms(dt.datetime.combine(day, dt.time(), CITY_CLOCK))


class NamesOfRegister:
    """Names as the served register has them; where there is none, ids have to do: the log itself
    is in the ledger and is shown in any case."""

    def __init__(self, reader: SnapshotReader) -> None:
        self._reader = reader
        self._names = PerVersion(lambda version: names_of(benefits_of(version).items))

    def names(self) -> Names:
        try:
            return self._names.of(self._reader.version())
        except StoreDown:
            return Names({}, {})


def accesses_handler(services: Services) -> HTTPRouteHandler:
    register = NamesOfRegister(services.reader)

    @get(
        "/v1/me/accesses",
        operation_id="listAccesses",
        tags=["citizen"],
        summary="谁询问过我",
        opt=open_to(
            CITIZEN_SCOPE,
            query=(*PAGE_QUERY, "since", "until"),
            audit="citizen",
            problems=["ledger_unavailable"],
        ),
    )
    async def accesses(
        request: ApiRequest,
        since: Annotated[
            dt.date | None, QueryParameter(description="自这一天起，如 2026-01-01")
        ] = None,
        until: Annotated[dt.date | None, QueryParameter(description="至这一天止（含当天）")] = None,
        limit: Annotated[int | None, QueryParameter(description="一页几条，至多 100")] = None,
        cursor: Annotated[str | None, QueryParameter(description="上一页的 next_cursor")] = None,
    ) -> AccessesAnswer:
        call = call_of(request)
        return await page_of_accesses(
            services.ledger,
            call.caller.subject,
            register.names(),
            period=period_in(call),
            limit=limit_in(call.query),
            before_seq=sequence_cursor_in(call.query),
            now_ms=services.consents.now_ms(),
            language=call.language,
        )

    return accesses
