"""评分规则: every rule as published, and one worked example that anyone can add up."""

from dataclasses import dataclass
from html import escape

from builder import charts
from builder.markup import (
    days_in_words,
    definitions,
    points_of,
    signed,
    step_ranges,
    sum_table,
    table,
    time_of,
)
from scoring.contract.documents import PublishedRule, RulesDocument

HONOUR_LEVELS = {1: "市级", 2: "省级", 3: "国家级"}


@dataclass(frozen=True)
class ExampleRecord:
    """`times` records of one kind and outcome; `what` in a citizen's words."""

    kind: str
    outcome: str
    measure: int
    times: int
    what: str


# An invented person, not a real one; kinds and outcomes no rule counts simply drop out.
EXAMPLE = (
    ExampleRecord("commitment", "kept", 0, 2, "按约履行信用承诺 2 次"),
    ExampleRecord("contract_performance", "on_time", 0, 14, "按时履约 14 期"),
    ExampleRecord("contract_performance", "late", 5, 1, "逾期 5 天 1 次"),
    ExampleRecord("honour", "awarded", 1, 1, "市级法定荣誉 1 项"),
)


def example(rules: RulesDocument) -> str:
    rows = [("基础分", str(rules.base))]
    total = rules.base
    for record in EXAMPLE:
        points = _example_points(rules, record)
        if points:
            rows.append((record.what, signed(points)))
            total += points
    band = next(band.name for band in rules.bands if band.from_ <= total <= band.to)
    return sum_table(rows, (f"合计 · {band}", str(total)), "示例：一位虚构市民的分数")


def _example_points(rules: RulesDocument, record: ExampleRecord) -> int:
    for rule in rules.rules:
        if rule.kind == record.kind and rule.outcome == record.outcome:
            points = points_of(rule, record.measure) * record.times
            return min(points, rule.cap) if rule.cap > 0 else max(points, rule.cap)
    return 0


def edition(rules: RulesDocument) -> str:
    return definitions(
        [
            ("规则版本", f"<code>{escape(rules.version)}</code>"),
            ("施行日期", time_of(rules.effective_on)),
            ("基础分", f"{rules.base} 分"),
            ("范围", f"{rules.minimum}–{rules.maximum} 分"),
            ("规则条数", f"{len(rules.rules)} 条（上限 12 条）"),
            ("机读文件", '<a href="../rules.json">rules.json</a>'),
        ]
    )


def bands(rules: RulesDocument) -> str:
    spans = [(band.name, band.from_, band.to) for band in rules.bands]
    words = "；".join(f"{name} {start} 至 {end} 分" for name, start, end in spans)
    return charts.steps("bands", "分段", f"{words}。", spans) + table(
        "分段",
        ("分段", "从", "到"),
        [(escape(n), str(a), str(b)) for n, a, b in spans],
        frozenset({1, 2}),
    )


def summary(rules: RulesDocument) -> str:
    rows = [
        (
            f'<a href="#{_anchor(rule)}">{escape(rule.name)}</a>',
            _short_points(rule),
            signed(rule.cap),
            f"{rule.validity_days} 天",
        )
        for rule in rules.rules
    ]
    return table(
        "全部规则", ("规则", "每条分数", "合计至多", "计入多久"), rows, frozenset({1, 2, 3})
    )


def details(rules: RulesDocument) -> str:
    return "\n\n".join(_detail(rule) for rule in rules.rules)


def upcoming(rules: RulesDocument) -> str:
    if not rules.upcoming:
        return "<p>目前没有已经公布、尚未施行的改变。</p>"
    rows = [
        (
            time_of(change.from_),
            escape(change.text),
            escape(change.legal_basis),
            time_of(change.announced_on),
        )
        for change in rules.upcoming
    ]
    return table(
        "已经公布、尚未施行", ("从哪天起", "改变什么", "依据", "公布日期"), rows, frozenset()
    )


def _anchor(rule: PublishedRule) -> str:
    return f"rule-{rule.id}"


def _short_points(rule: PublishedRule) -> str:
    if isinstance(rule.points, int):
        return signed(rule.points)
    values = sorted((step.points for step in rule.points), key=abs)
    return f"{signed(values[0])} 至 {signed(values[-1])}"


def _detail(rule: PublishedRule) -> str:
    facts = definitions(
        [
            ("分数", _points_in_words(rule)),
            ("合计至多", f"{signed(rule.cap)} 分"),
            ("计入多久", f"{days_in_words(rule.validity_days)}，到期当日不再计入"),
            ("依据", escape(rule.legal_basis)),
            ("理由", escape(rule.reason)),
            ("起草 / 复核", f"{escape(rule.author)} / {escape(rule.second_checker)}"),
            ("施行日期", time_of(rule.effective_on)),
            ("下次复核", time_of(rule.review_on)),
            (
                "规则编号",
                f"<code>{escape(rule.id)}</code>，版本 <code>{escape(rule.version)}</code>",
            ),
        ]
    )
    return f"### {escape(rule.name)} {{#{_anchor(rule)}}}\n\n{facts}"


def _points_in_words(rule: PublishedRule) -> str:
    if isinstance(rule.points, int):
        return f"每条 {signed(rule.points)} 分"
    return "；".join(
        f"{_range_in_words(rule.measure or '', start, end)} {signed(points)} 分"
        for start, end, points in step_ranges(rule.points)
    )


def _range_in_words(measure: str, start: int, end: int | None) -> str:
    if measure == "honour_level" and start in HONOUR_LEVELS:
        return HONOUR_LEVELS[start]
    if end is None:
        return f"逾期 {start} 天及以上"
    return f"逾期 {start} 天" if start == end else f"逾期 {start}–{end} 天"
