"""保存期限: the retention table as the command that erases reads it."""

from html import escape

from builder.markup import days_in_words, table
from scoring.policy.retention import RetentionClass, RetentionTable

FROM = {
    "withdrawal": "退出之日",
    "happened_on": "记录发生之日",
    "end": "授权结束之日",
    "access": "查询之日",
    "decision": "作出决定之日",
    "as_of": "版本所记之日",
}
ON_WITHDRAWAL = {"erased": "当即删除", "kept": "保存至期满", "unchanged": "不受影响"}
AT_END = {"erased": "删除", "sealed": "封存"}


def page(retention: RetentionTable) -> str:
    return table(
        f"保存期限表 {retention.version}",
        ["信息", "保存多久", "退出时", "期满时", "说明", "依据"],
        [_row(each) for each in retention.classes],
        frozenset(),
    )


def _row(entry: RetentionClass) -> list[str]:
    return [
        escape(entry.name),
        _period(entry),
        ON_WITHDRAWAL[entry.on_withdrawal],
        AT_END[entry.at_end],
        escape(entry.how),
        escape(entry.legal_basis),
    ]


def _period(entry: RetentionClass) -> str:
    start = FROM[entry.after]
    return f"自{start}起 {days_in_words(entry.days)}" if entry.days else f"至{start}"
