"""GET /v1/me/score/history: every change of the score, why it came and in which snapshot it showed.

Stored are the changes; the score after each follows from the score of today, so that the rows and
the score cannot disagree.
"""

import datetime as dt
from typing import Annotated

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from api.access import CITIZEN_SCOPE, open_to
from api.inner import ApiRequest, call_of
from api.me.admission import Admission, admitted
from api.me.last_good import LastGood, life_of
from api.me.records import band_of, refuse_corrupt
from api.me.score import SCORE_PROBLEMS
from api.paging import PAGE_QUERY, limit_in
from api.problems import Problem
from api.store.protocol import SnapshotReader, Version
from api.tokens import Principal
from api.versions import PerVersion, decoded_document, rules_of
from scoring.contract.documents import HistoryDocument
from scoring.contract.snapshot import (
    HISTORY_CAUSES,
    HISTORY_DOCUMENT,
    HistoryCause,
    HistoryRow,
    RecordCorrupt,
    day_of,
    decode_history,
    decode_hot,
    tag_of,
)


class HistoryItem(msgspec.Struct, frozen=True, kw_only=True):
    """One change. `at`: the day of the change in the city; `score`: after it; `snapshot`: the first
    that shows it, under `rules_version`. `record_id` is null where a change has no single record,
    `rule_id` where it has no single rule."""

    at: dt.date
    score: int
    change: int
    cause: HistoryCause
    record_id: str | None
    rule_id: str | None
    snapshot: str
    rules_version: str


class HistoryList(msgspec.Struct, frozen=True, kw_only=True):
    """`stale`: as of ScoreAnswer."""

    items: list[HistoryItem]
    next_cursor: str | None
    stale: bool = False


class HistoryRoute:
    """`admission`, `last_good`: as of ScoreRoute."""

    def __init__(
        self,
        reader: SnapshotReader,
        admission: Admission | None = None,
        last_good: LastGood | None = None,
    ) -> None:
        self._reader = reader
        self._admission = admission
        self._last_good = last_good
        self._rules = PerVersion(rules_of)
        self._pointed_at = PerVersion(_history_document)

    async def answer(self, caller: Principal, limit: int, cursor: str | None) -> HistoryList:
        """Raises Problem, StoreDown, LedgerUnavailable."""
        snapshot_subject = caller.snapshot_subject
        version, life, is_stale = await life_of(
            self._reader, self._last_good, snapshot_subject, "history"
        )
        value = await admitted(self._admission, life.hot, version, caller.subject)
        tag = tag_of(snapshot_subject)
        try:
            record = decode_hot(value, tag)
            band_of(record, self._rules.of(version).bands)
            rows = decode_history(life.beside, tag) if life.beside is not None else []
            items = told(record.score_points, rows, self._pointed_at.of(version))
        except RecordCorrupt as error:
            refuse_corrupt(error)
        page = page_of(items, places_of(rows), limit=limit, cursor=cursor)
        return msgspec.structs.replace(page, stale=is_stale)


def told(score: int, rows: list[HistoryRow], document: HistoryDocument) -> list[HistoryItem]:
    """Newest first. Raises RecordCorrupt where a row points outside the document."""
    items = []
    for row in rows:
        items.append(_item(score, row, document))
        score -= row.change_points
    return items


def _item(score: int, row: HistoryRow, document: HistoryDocument) -> HistoryItem:
    try:
        if min(row.snapshot_index, row.cause_index, row.rule_index or 0) < 0:
            raise IndexError
        shown = document.snapshots[row.snapshot_index]
        return HistoryItem(
            at=shown.as_of if row.day is None else day_of(row.day),
            score=score,
            change=row.change_points,
            cause=HISTORY_CAUSES[row.cause_index],
            record_id=row.record_id or None,
            rule_id=None if row.rule_index is None else document.rules[row.rule_index],
            snapshot=shown.snapshot,
            rules_version=shown.rules_version,
        )
    except IndexError as error:
        raise RecordCorrupt("a row of a history points outside its document") from error


def places_of(rows: list[HistoryRow]) -> list[str]:
    """A name for each row that stays its own when newer ones come: its snapshot's number, and its
    number among that snapshot's rows."""
    places: list[str] = []
    last, number = -1, 0
    for row in rows:
        number = number + 1 if row.snapshot_index == last else 0
        last = row.snapshot_index
        places.append(f"{last}.{number}")
    return places


def page_of(
    items: list[HistoryItem], places: list[str], *, limit: int, cursor: str | None
) -> HistoryList:
    """The cursor is the place of the last row seen. Raises Problem invalid_parameter."""
    start = 0
    if cursor is not None:
        if cursor not in places:
            raise Problem("invalid_parameter")
        start = places.index(cursor) + 1
    page = items[start : start + limit]
    has_more = start + limit < len(items)
    return HistoryList(items=page, next_cursor=places[start + limit - 1] if has_more else None)


def _history_document(version: Version) -> HistoryDocument:
    """A snapshot made before there were histories has no rows either."""
    if HISTORY_DOCUMENT not in version.documents:
        return HistoryDocument(snapshots=[], rules=[])
    return decoded_document(version, HISTORY_DOCUMENT, HistoryDocument)


def history_handler(route: HistoryRoute) -> HTTPRouteHandler:
    @get(
        "/v1/me/score/history",
        operation_id="getMyScoreHistory",
        tags=["citizen"],
        summary="我的信用分怎样变化",
        opt=open_to(
            CITIZEN_SCOPE,
            query=PAGE_QUERY,
            audit="citizen",
            problems=SCORE_PROBLEMS,
        ),
    )
    async def my_score_history(
        request: ApiRequest,
        limit: Annotated[int | None, QueryParameter(description="一页几条，至多 100")] = None,
        cursor: Annotated[str | None, QueryParameter(description="上一页的 next_cursor")] = None,
    ) -> HistoryList:
        call = call_of(request)
        return await route.answer(call.caller, limit_in(call.query), call.query.get("cursor"))

    return my_score_history
