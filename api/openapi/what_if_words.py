"""Words and example of the what-if operation."""

import datetime as dt

from api.me.what_if_answers import ChangeAnswer, WhatIfAnswer
from api.me.what_if_words import status_text, way_text
from api.openapi.operation_words import OperationWords

_ON = dt.date(2027, 3, 1)

WHAT_IF_OPERATIONS: dict[str, OperationWords] = {
    "getMyScoreWhatIf": OperationWords(
        description="要达到某个分数，最少有哪几条记录需要到期、履行、修复或更正，各在哪一天。"
        "只按现有记录和现行规则精确计算，不作预测；达不到时如实说明最高能到多少。",
        answer=WhatIfAnswer(
            target=620,
            score=612,
            status="reachable",
            changes=[
                ChangeAnswer(
                    record_id="Zk3v9Qx1LmA7",
                    rule_id="contract_late",
                    way="expiry",
                    on=_ON,
                    note=way_text("expiry", "zh", on=_ON),
                )
            ],
            reached_on=_ON,
            reached_score=620,
            best_score=640,
            text=status_text("reachable", "zh", target=620, score=620, count=1, on=_ON),
            as_of=dt.date(2026, 11, 20),
            snapshot="20261120-3f9c2ab1",
            rules_version="2026-01",
        ),
    ),
}
