"""Words and example of the history operation."""

import datetime as dt

from api.me.history import HistoryItem, HistoryList
from api.openapi.operation_words import OperationWords

_SHOWN = {"snapshot": "20261120-3f9c2ab1", "rules_version": "2026-01"}

HISTORY_OPERATIONS: dict[str, OperationWords] = {
    "getMyScoreHistory": OperationWords(
        description="信用分的每一次变化：哪一天、变了多少、因为什么（新记录、到期、规则变更、信用修复、"
        "异议、更正、加入）、由哪一版快照首先体现。最新的在前，保留最近 50 次。`stale` 同查分。",
        answer=HistoryList(
            items=[
                HistoryItem(
                    at=dt.date(2026, 11, 18),
                    score=612,
                    change=3,
                    cause="expiry",
                    record_id="Zk3v9Qx1LmA7",
                    rule_id="contract_late",
                    **_SHOWN,
                ),
                HistoryItem(
                    at=dt.date(2026, 6, 1),
                    score=609,
                    change=9,
                    cause="enrolment",
                    record_id=None,
                    rule_id=None,
                    **_SHOWN,
                ),
            ],
            next_cursor="0.1",
        ),
    ),
}
