"""GET /v1/me/score/explanation: every record of the citizen, what it gives and why.

The sum is proven before anything is shown: base + sum of points = score of the same version.
"""

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler

from api.access import CITIZEN_SCOPE, open_to
from api.inner import ApiRequest, call_of
from api.me.admission import Admission, admitted
from api.me.last_good import LastGood, life_of
from api.me.records import band_of, refuse_corrupt
from api.me.score import SCORE_PROBLEMS
from api.me.wording import note_of, reasons_of
from api.problems import Language
from api.schemas import ExplanationAnswer, ItemAnswer
from api.services import Services
from api.store.protocol import SnapshotReader, Version
from api.tokens import Principal
from api.versions import PerVersion, rules_of, tables_of
from scoring.contract.documents import TablesDocument
from scoring.contract.snapshot import (
    ITEM_STATUSES,
    ExplanationItem,
    HotRecord,
    RecordCorrupt,
    day_of,
    decode_explanation,
    decode_hot,
    tag_of,
)

COUNTED = ITEM_STATUSES.index("counted")
NO_RULE_INDEX = -1


class ExplanationRoute:
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
        self._tables = PerVersion(tables_of)
        self._rules = PerVersion(rules_of)

    async def answer(self, caller: Principal, language: Language) -> ExplanationAnswer:
        """Raises Problem, StoreDown, LedgerUnavailable."""
        snapshot_subject = caller.snapshot_subject
        version, life, is_stale = await life_of(
            self._reader, self._last_good, snapshot_subject, "explanation"
        )
        tag = tag_of(snapshot_subject)
        value = await admitted(self._admission, life.hot, version, caller.subject)
        try:
            if life.beside is None:
                raise RecordCorrupt("a score without explanation")
            record = decode_hot(value, tag)
            band_of(record, self._rules.of(version).bands)
            items = decode_explanation(life.beside, tag)
            answer = explained(version, self._tables.of(version), record, items, language)
            return msgspec.structs.replace(
                answer, overlaid_at_position=life.overlaid_position, stale=is_stale
            )
        except RecordCorrupt as error:
            refuse_corrupt(error)


def explained(
    version: Version,
    tables: TablesDocument,
    record: HotRecord,
    items: list[ExplanationItem],
    language: Language,
) -> ExplanationAnswer:
    """Raises RecordCorrupt where the parts do not add up or point outside the tables."""
    for item in items:
        check_item(item, tables)
    if tables.base + sum(item.points for item in items) != record.score_points:
        raise RecordCorrupt("points do not add up to the score")
    return ExplanationAnswer(
        score=record.score_points,
        base=tables.base,
        items=[item_answer(item, tables, language) for item in items],
        reasons=reasons_of(items, tables, language),
        as_of=version.manifest.as_of,
        snapshot=version.manifest.snapshot,
        rules_version=version.manifest.rules_version,
    )


def check_item(item: ExplanationItem, tables: TablesDocument) -> None:
    is_inside = (
        0 <= item.fact_index < len(tables.facts)
        and NO_RULE_INDEX <= item.rule_index < len(tables.rules)
        and 0 <= item.source_index < len(tables.sources)
        and 0 <= item.status_index < len(ITEM_STATUSES)
    )
    if not is_inside:
        raise RecordCorrupt("an item points outside the tables")
    has_reason = item.status_index == COUNTED and item.rule_index != NO_RULE_INDEX
    if item.points and not has_reason:
        raise RecordCorrupt("points without a counting rule")


def item_answer(item: ExplanationItem, tables: TablesDocument, language: Language) -> ItemAnswer:
    fact = tables.facts[item.fact_index]
    rule = None if item.rule_index == NO_RULE_INDEX else tables.rules[item.rule_index]
    status = ITEM_STATUSES[item.status_index]
    return ItemAnswer(
        record_id=item.record_id,
        kind=fact.kind,
        outcome=fact.outcome,
        rule_id=rule.rule_id if rule else None,
        rule_version=rule.rule_version if rule else None,
        points=item.points,
        counted=item.status_index == COUNTED,
        status=status,
        legal_basis=rule.legal_basis if rule else None,
        source=tables.sources[item.source_index].name,
        happened_on=day_of(item.happened_day),
        expires_on=None if item.expires_day is None else day_of(item.expires_day),
        measure=item.measure,
        note=note_of(fact, status, language),
    )


def explanation_handler(route: ExplanationRoute, services: Services) -> HTTPRouteHandler:
    @get(
        "/v1/me/score/explanation",
        operation_id="getMyScoreExplanation",
        tags=["citizen"],
        summary="我的信用分从何而来",
        opt=open_to(
            CITIZEN_SCOPE,
            audit="citizen",
            problems=SCORE_PROBLEMS,
        ),
    )
    async def my_score_explanation(request: ApiRequest) -> ExplanationAnswer:
        call = call_of(request)
        answer = await route.answer(call.caller, call.language)
        items = await services.rights.noted(call.caller.subject, answer.items, call.language)
        return msgspec.structs.replace(answer, items=items)

    return my_score_explanation
