"""影响评估: each processing activity as `chengxin pia check` reads it; and what the privacy page
takes from the same data. A review that is overdue stops the build."""

import datetime as dt
from html import escape
from pathlib import Path

from api.ledger.notice_facts import notice_facts_on
from builder.markup import definitions, table, time_of
from scoring.policy.assessment import (
    ASSESSMENT_PATH,
    Activity,
    Assessment,
    check_assessment,
    load_assessment,
    refuse_assessment,
)

GROUNDS = {
    "sensitive": "处理敏感个人信息",
    "automated_decision": "利用个人信息进行自动化决策",
    "provision": "向他人提供个人信息",
    "publication": "公开",
    "cross_border": "向境外提供",
    "other_significant": "其他对个人权益有重大影响的处理",
}
RISKS = {"low": "低", "medium": "中", "high": "高"}


def checked(as_of: dt.date, path: Path = ASSESSMENT_PATH) -> Assessment:
    """Raises InputRefused `pia_refused`. A snapshot older than the last review is shown with it."""
    assessment = load_assessment(path)
    day = max([as_of, *(entry.reviewed_on for entry in assessment.activities)])
    refuse_assessment(check_assessment(path, day, notice_facts_on(day)))
    return assessment


def page(assessment: Assessment) -> str:
    facts = definitions(
        [
            ("评估版本", f"<code>{escape(assessment.version)}</code>"),
            ("最近一次复核", time_of(max(e.reviewed_on for e in assessment.activities))),
            ("下次复核不晚于", time_of(min(e.review_on for e in assessment.activities))),
            ("评估报告和处理记录", f"至少保存 {assessment.limits.least_kept_years} 年"),
        ]
    )
    return "\n\n".join([facts, *(_activity(entry) for entry in assessment.activities)])


def article_17(assessment: Assessment, titles: dict[str, str]) -> str:
    """`titles`: of the notice's items, by code."""
    rows = [
        [
            escape(place.item),
            escape(place.clause),
            "、".join(_link(code, titles[code]) for code in place.notice),
        ]
        for place in assessment.article_17
    ]
    caption = "《个人信息保护法》第十七条与告知书对照"
    return table(caption, ["应当告知的事项", "条款", "在告知书的哪一节"], rows, frozenset())


def _link(code: str, title: str) -> str:
    return f'<a href="#notice-{escape(code)}">{escape(title)}</a>'


def person_in_charge(assessment: Assessment) -> str:
    person = assessment.person_in_charge
    return definitions(
        [
            ("职务", escape(person.role)),
            ("电话", escape(person.phone)),
            ("电子邮箱", escape(person.email)),
            ("当面咨询", escape(person.counter)),
            ("依据", escape(person.legal_basis)),
        ]
    )


def _activity(entry: Activity) -> str:
    measures = "".join(f"<li>{escape(measure)}</li>" for measure in entry.measures)
    facts = definitions(
        [
            ("为什么要评估", "、".join(GROUNDS[ground] for ground in entry.grounds)),
            ("处理目的", escape(entry.purpose)),
            ("合法、正当、必要", escape(entry.necessity)),
            ("对个人权益的影响", escape(entry.impact)),
            ("安全风险", RISKS[entry.risk]),
            ("保护措施", f"<ul>{measures}</ul>"),
            ("措施与风险是否相适应", escape(entry.proportionality)),
            ("法律依据", escape(entry.legal_basis)),
            ("评估日期", time_of(entry.assessed_on)),
            ("最近复核", time_of(entry.reviewed_on)),
            ("下次复核", time_of(entry.review_on)),
            ("评估人与复核人", f"{escape(entry.author)}；{escape(entry.second_checker)}"),
            ("本评估保存", f"{entry.kept_years} 年"),
        ]
    )
    return f"### {entry.name} {{#pia-{entry.id}}}\n\n{facts}"
