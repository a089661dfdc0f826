"""What her cases say beside the items of an explanation, at once and before any rebuild."""

from collections.abc import Mapping

import msgspec

from api.problems import Language
from api.rights.case import Case
from api.rights.record_states import record_state
from api.rights.statements import Statement
from api.schemas import ItemAnswer


class NoteText(msgspec.Struct, frozen=True):
    """{due}: the day by which she is answered."""

    zh: str
    en: str


COMING: Mapping[str, NoteText] = {
    "disputed": NoteText(
        "异议已经受理，此条即将停止计分", "Dispute received; this record is about to stop counting"
    ),
    "repaired": NoteText(
        "信用修复已经批准，此条即将停止计分",
        "Repair granted; this record is about to stop counting",
    ),
    "removed": NoteText("异议成立，此条即将移除", "Dispute upheld; this record is about to go"),
}
DISPUTE_OPEN = NoteText("异议将于 {due} 前答复", "The dispute is answered by {due}")
DISPUTE_UNDECIDED = NoteText(
    "核查后仍不能确认，双方意见均已记载，此条不计分",
    "It could not be confirmed; both views are on record and it does not count",
)
REPAIR_OPEN = NoteText("信用修复申请将于 {due} 前答复", "The repair is answered by {due}")


def noted(
    item: ItemAnswer,
    cases: list[Case],
    statement: Statement | None,
    words: Mapping[str, str],
    language: Language,
) -> ItemAnswer:
    """`cases`: of this record, oldest first."""
    between = "; " if language == "en" else "；"
    pending = between.join(pending_notes(item, cases, language)) if cases else ""
    said = words.get(statement.text_digest or "") if statement else None
    if not pending and said is None:
        return item
    return msgspec.structs.replace(item, pending=pending or None, statement=said)


def pending_notes(item: ItemAnswer, cases: list[Case], language: Language) -> list[str]:
    notes = []
    state = record_state(cases)
    if state is not None and state != item.status:
        notes.append(_told(COMING[state], language))
    for case in cases:
        text = _of_case(case)
        if text is not None:
            notes.append(_told(text, language).format(due=case.opened.due_on.isoformat()))
    return notes


def _of_case(case: Case) -> NoteText | None:
    if case.decision is None:
        return DISPUTE_OPEN if case.type == "dispute" else REPAIR_OPEN
    is_unclear = case.type == "dispute" and case.has_outcome("undecided")
    return DISPUTE_UNDECIDED if is_unclear else None


def _told(text: NoteText, language: Language) -> str:
    return text.en if language == "en" else text.zh
