"""GET /v1/me/score/what-if?target=: the fewest records that would have to stop counting.

Nothing is predicted: no new record, no other rule. Correction is thought of only where nothing else
helps, and then as what it is: a remedy for records that are wrong.
"""

import datetime as dt
from typing import Annotated

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from api.access import CITIZEN_SCOPE, open_to
from api.inner import ApiRequest, call_of
from api.me.explanation import ExplanationRoute
from api.me.records import refuse_corrupt
from api.me.score import SCORE_PROBLEMS
from api.me.what_if_answers import ChangeAnswer, WhatIfAnswer
from api.me.what_if_words import Status, status_text, way_text, what_if_words
from api.problems import Language, Problem
from api.schemas import ExplanationAnswer, ItemAnswer
from api.store.protocol import SnapshotReader, StoreDown
from api.tokens import Principal
from api.versions import PerVersion, rules_of
from scoring.contract.documents import RulesDocument
from scoring.contract.snapshot import RecordCorrupt
from scoring.policy.repair import load_repair_table
from scoring.what_if import (
    Changes,
    LiveRecord,
    Way,
    World,
    best_reachable,
    live_points,
    smallest_changes,
)

LIVE = ("counted", "capped")


class WhatIfRoute:
    def __init__(self, reader: SnapshotReader, explanation: ExplanationRoute) -> None:
        self._reader = reader
        self._explanation = explanation
        self._rules = PerVersion(rules_of)

    async def answer(self, caller: Principal, target: str, language: Language) -> WhatIfAnswer:
        """Raises Problem, StoreDown, LedgerUnavailable."""
        version = self._reader.version()
        rules = self._rules.of(version)
        wanted = _target(target, rules)
        explained = await self._explanation.answer(caller, language)
        if explained.snapshot != version.manifest.snapshot:
            raise StoreDown("another version came between")  # the client asks once more
        try:
            return what_if(explained, rules, wanted, language)
        except RecordCorrupt as error:
            refuse_corrupt(error)


def what_if(
    explained: ExplanationAnswer, rules: RulesDocument, target: int, language: Language
) -> WhatIfAnswer:
    """Raises RecordCorrupt where the rules do not give the score that was explained."""
    ways = {item.record_id: _ways(item, explained.as_of) for item in explained.items}
    world = _world(explained, rules, ways)
    if world.score_on(world.today) != explained.score:
        raise RecordCorrupt("the published rules give another score")
    found = smallest_changes(world, target)
    if found is not None:
        status: Status = "reachable" if found.changes else "reached"
        best = best_reachable(world).score
        return _answer(explained, target, status, found, best_score=best, language=language)
    correction: tuple[Way, dt.date] = ("correction", explained.as_of)
    doubted = {record: [*own, correction] for record, own in ways.items()}
    world = _world(explained, rules, doubted)
    found = smallest_changes(world, target)
    if found is None:
        return _unreachable(explained, target, world, language)
    best = best_reachable(world).score
    return _answer(
        explained, target, "reachable_if_wrong", found, best_score=best, language=language
    )


def _world(
    explained: ExplanationAnswer,
    rules: RulesDocument,
    ways: dict[str, list[tuple[Way, dt.date]]],
) -> World:
    by_id = {rule.id: rule for rule in rules.rules}
    records = []
    for item in explained.items:
        if item.status not in LIVE or item.expires_on is None:
            continue
        rule = by_id.get(item.rule_id or "")
        if rule is None:
            raise RecordCorrupt("an item counts under a rule that is not published")
        points = live_points(rule, item.measure)
        records.append(
            LiveRecord(
                record_id=item.record_id,
                rule_id=rule.id,
                points=points,
                expires_on=item.expires_on,
            )
        )
    return World(
        today=explained.as_of,
        base=explained.base,
        caps={rule.id: rule.cap for rule in rules.rules},
        records=records,
        ways=ways,
    )


def _ways(item: ItemAnswer, as_of: dt.date) -> list[tuple[Way, dt.date]]:
    ways: list[tuple[Way, dt.date]] = []
    if any((f.kind, f.outcome) == (item.kind, item.outcome) for f in what_if_words().fulfilments):
        ways.append(("fulfilment", as_of))
    terms = load_repair_table().terms(item.kind, item.outcome, item.happened_on)
    if terms is not None:
        ways.append(("repair", max(as_of, terms.earliest_on)))
    return ways


def _answer(
    explained: ExplanationAnswer,
    target: int,
    status: Status,
    found: Changes,
    *,
    best_score: int,
    language: Language,
) -> WhatIfAnswer:
    changes = [
        ChangeAnswer(
            record_id=change.record_id,
            rule_id=change.rule_id,
            way=change.way,
            on=change.on,
            note=way_text(change.way, language, on=change.on),
        )
        for change in found.changes
    ]
    text = status_text(
        status,
        language,
        target=target,
        score=found.score,
        count=len(changes),
        on=found.reached_on,
    )
    return WhatIfAnswer(
        target=target,
        score=explained.score,
        status=status,
        changes=changes,
        reached_on=found.reached_on,
        reached_score=found.score,
        best_score=best_score,
        text=text,
        as_of=explained.as_of,
        snapshot=explained.snapshot,
        rules_version=explained.rules_version,
    )


def _unreachable(
    explained: ExplanationAnswer, target: int, world: World, language: Language
) -> WhatIfAnswer:
    best = best_reachable(world)
    return WhatIfAnswer(
        target=target,
        score=explained.score,
        status="unreachable",
        changes=[],
        reached_on=None,
        reached_score=None,
        best_score=best.score,
        text=status_text("unreachable", language, target=target, best=best.score, on=best.on),
        as_of=explained.as_of,
        snapshot=explained.snapshot,
        rules_version=explained.rules_version,
    )


def _target(text: str, rules: RulesDocument) -> int:
    """Raises Problem invalid_parameter for anything but a score there can be."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 4):
        raise Problem("invalid_parameter")
    target = int(text)
    if not rules.minimum <= target <= rules.maximum:
        raise Problem("invalid_parameter")
    return target


def what_if_handler(route: WhatIfRoute) -> HTTPRouteHandler:
    @get(
        "/v1/me/score/what-if",
        operation_id="getMyScoreWhatIf",
        tags=["citizen"],
        summary="怎样达到某个分数",
        opt=open_to(
            CITIZEN_SCOPE,
            query=("target",),
            audit="citizen",
            problems=SCORE_PROBLEMS,
        ),
    )
    async def my_score_what_if(
        request: ApiRequest,
        target: Annotated[int, QueryParameter(description="想达到的分数，0 至 1000")],
    ) -> WhatIfAnswer:
        call = call_of(request)
        text = call.query.get("target", "")
        return await route.answer(call.caller, text, call.language)

    return my_score_what_if
