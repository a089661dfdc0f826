"""Words and examples of the notice's versions and of the consent they ask for anew."""

import datetime as dt

from api.ledger.notice import NoticeDocument, NoticeItem
from api.me.admission import EnrolmentAnswer, NoticeChangeLine, ReconsentAnswer
from api.openapi.operation_words import OperationWords
from api.public.notice import NoticeLine, NoticesAnswer

NOTICE_SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_KIND_ADDED = NoticeChangeLine(
    what="kind",
    how="added",
    code="contract_performance",
    text="新增信息种类：合同履约（保存 1095 天）",
)

RENEWING_ENROLMENT = EnrolmentAnswer(
    status="active",
    notice_version="2025-07",
    enrolled_at=dt.datetime(2025, 9, 1, 8, 30, tzinfo=dt.UTC),
    reconsent=ReconsentAnswer(
        state="required",
        from_version="2025-07",
        to_version="2026-01",
        announced_on=dt.date(2025, 11, 1),
        effective_on=dt.date(2026, 1, 1),
        changes=[_KIND_ADDED],
    ),
)

NOTICE_OPERATIONS = {
    "listNotices": OperationWords(
        description="告知书的历次版本，自公布之日起可查；逐条列出与前一版的差别，并说明是否须重新同意。",
        answer=NoticesAnswer(
            items=[
                NoticeLine(
                    version="2026-01",
                    title="市民信用分告知书",
                    announced_on=dt.date(2025, 11, 1),
                    effective_on=dt.date(2026, 1, 1),
                    is_material=True,
                    changes=[_KIND_ADDED],
                )
            ]
        ),
    ),
    "getNoticeVersion": OperationWords(
        description="某一版告知书的全文；已公布、尚未施行的也可查阅，并可提前同意。",
        answer=NoticeDocument(
            version="2026-01",
            effective_on=dt.date(2026, 1, 1),
            language="zh-CN",
            title="市民信用分告知书",
            text="# 市民信用分告知书\n\n## 1. 自愿\n\n是否加入由您决定。\n",
            sha256=NOTICE_SHA256,
            items=[
                NoticeItem(
                    code="voluntary",
                    title="自愿",
                    text="是否加入由您决定。",
                    basis="《个人信息保护法》第十四条",
                )
            ],
        ),
    ),
}
