"""Words of an explanation: the catalogue of texts, and how they are put together.

Calm and plain: what is recorded, what it means for the score, what can be done.
"""

from collections import defaultdict

import msgspec

from api.problems import Language
from api.schemas import ReasonAnswer
from scoring.contract.documents import FactRow, RuleRow, TablesDocument
from scoring.contract.snapshot import ExplanationItem, ItemStatus

MOST_REASONS = 4


class StatusText(msgspec.Struct, frozen=True):
    zh: str
    en: str


STATUS_TEXTS: dict[ItemStatus, StatusText] = {
    "counted": StatusText("计入信用分", "Counts towards the score"),
    "capped": StatusText(
        "同类记录的分值已达上限，此条不再增减分数",
        "Records of this kind have reached their limit; this one changes nothing",
    ),
    "expired": StatusText("已过有效期，不再计分", "Expired, no longer counts"),
    "minor": StatusText("情节轻微，不计分", "Minor, never counts"),
    "fulfilled": StatusText("义务已经履行，不再计分", "Obligation met, no longer counts"),
    "no_rule": StatusText("没有规则对此计分", "No rule counts this"),
    "disputed": StatusText(
        "异议处理中，处理完毕之前不计分", "Disputed, does not count until decided"
    ),
    "repaired": StatusText("已经信用修复，不再计分", "Repaired, no longer counts"),
}

# {name}: the rule's name, {count}: records that give points, {points}: their sum without sign.
RAISING_TEXT = StatusText(
    "{name}：{count} 条记录，共加 {points} 分", "{name}: {count} record(s) add {points} points"
)
LOWERING_TEXT = StatusText(
    "{name}：{count} 条记录，共减 {points} 分", "{name}: {count} record(s) take {points} points"
)


def note_of(fact: FactRow, status: ItemStatus, language: Language) -> str:
    text = STATUS_TEXTS[status]
    if language == "en":
        return ". ".join(part for part in (fact.name_en, text.en, fact.what_to_do_en) if part)
    return (
        "。".join(part.rstrip("。") for part in (fact.name, text.zh, fact.what_to_do) if part)
        + "。"
    )


def reasons_of(
    items: list[ExplanationItem], tables: TablesDocument, language: Language
) -> list[ReasonAnswer]:
    """One reason a rule, the largest effect first; equal effects by rule id."""
    points: defaultdict[int, int] = defaultdict(int)
    counts: defaultdict[int, int] = defaultdict(int)
    for item in items:
        if item.points:
            points[item.rule_index] += item.points
            counts[item.rule_index] += 1
    reasons = [
        _reason(tables.rules[index], points[index], counts[index], language) for index in points
    ]
    return sorted(reasons, key=lambda reason: (-abs(reason.points), reason.code))[:MOST_REASONS]


def _reason(rule: RuleRow, points: int, count: int, language: Language) -> ReasonAnswer:
    text = RAISING_TEXT if points > 0 else LOWERING_TEXT
    is_english = language == "en"
    words = (text.en if is_english else text.zh).format(
        name=rule.name_en if is_english else rule.name, count=count, points=abs(points)
    )
    return ReasonAnswer(code=rule.rule_id, text=words, points=points)
