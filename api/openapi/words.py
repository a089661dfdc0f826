"""Words and examples of every operation, by operation id. Examples are the service's own types, so
that a changed type cannot leave an old example behind."""

import datetime as dt

from api.ledger.enrolment import Receipt, ReceiptNotice
from api.ledger.notice import NoticeDocument, NoticeItem
from api.me.enrolment import EnrolmentRequest
from api.openapi.consent_words import CONSENT_OPERATIONS
from api.openapi.history_words import HISTORY_OPERATIONS
from api.openapi.log_words import LOG_OPERATIONS
from api.openapi.notice_words import NOTICE_OPERATIONS, RENEWING_ENROLMENT
from api.openapi.operation_words import OperationWords
from api.openapi.partner_words import PARTNER_OPERATIONS
from api.openapi.receipt_example import signed_example
from api.openapi.rights_words import RIGHTS_OPERATIONS
from api.openapi.voucher_words import VOUCHER_OPERATIONS
from api.openapi.what_if_words import WHAT_IF_OPERATIONS
from api.schemas import (
    BandAnswer,
    ExplanationAnswer,
    HealthAnswer,
    ItemAnswer,
    ReadyAnswer,
    ReasonAnswer,
    ScoreAnswer,
)
from scoring.contract.documents import (
    Band,
    Benefit,
    BenefitsDocument,
    CatalogueDocument,
    CatalogueEntry,
    CatalogueField,
    Department,
    PublishedRule,
    RulesDocument,
    Step,
    UpcomingChange,
)

SNAPSHOT = "20261120-3f9c2ab1"
RULES_VERSION = "2026-01"
AS_OF = dt.date(2026, 11, 20)
ENROLLED_AT = dt.datetime(2026, 11, 1, 8, 30, tzinfo=dt.UTC)
NOTICE_SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


_BANDS = [
    Band(code="band_3", name="第三档", name_en="Band 3", from_=600, to=649),
    Band(code="band_4", name="第四档", name_en="Band 4", from_=650, to=719),
]

_LATE_PAYMENT = PublishedRule(
    id="contract_late",
    version="2026-01-01",
    name="公共服务合同逾期履行",
    name_en="Public-service contract performed late",
    kind="contract_performance",
    outcome="late",
    measure="overdue_days",
    unit="points_per_record",
    points=[Step(at_least=1, points=-3), Step(at_least=30, points=-8)],
    cap=-120,
    validity_days=730,
    legal_basis="《市民诚信分管理办法（试行）》第九条",
    reason="由市民自愿接入的合同，逾期越久影响越大，两年后不再计分。",
    effective_on=dt.date(2026, 1, 1),
    review_on=dt.date(2027, 1, 1),
    author="信用办 规则组",
    second_checker="司法局 合法性审查组",
)

_MILDER_LATE_PAYMENT = UpcomingChange(
    rule_id="contract_late",
    change="changes",
    from_=dt.date(2027, 1, 1),
    announced_on=dt.date(2026, 11, 1),
    text="公共服务合同逾期履行：每条分数 由 1+ -3 / 30+ -8 改为 1+ -2 / 30+ -8",
    text_en="Public-service contract performed late: points a record"
    " from 1+ -3 / 30+ -8 to 1+ -2 / 30+ -8",
    points=[Step(at_least=1, points=-2), Step(at_least=30, points=-8)],
    cap=-120,
    validity_days=730,
    legal_basis="《市民诚信分管理办法（试行）》第九条",
)

_COMMITMENT_KEPT = ItemAnswer(
    record_id="Zk3v9Qx1LmA7",
    kind="commitment",
    outcome="kept",
    rule_id="commitment_kept",
    rule_version="2026-01-01",
    points=12,
    counted=True,
    status="counted",
    legal_basis="《市民诚信分管理办法（试行）》第八条第一项",
    source="行政审批局",
    happened_on=dt.date(2026, 3, 2),
    expires_on=dt.date(2028, 3, 1),
    measure=0,
    note="信用承诺全部履行。计入信用分。",
)

_PLAIN_RECEIPT = Receipt(
    receipt_id="0f8fad5bd9cb469fa16570867728950e",
    subject="Jq3XkT9nV2mYp0sWc8uLrA",
    enrolled_at=ENROLLED_AT,
    notice_version="2026-01",
    notice=ReceiptNotice(version="2026-01", language="zh-CN", sha256=NOTICE_SHA256),
    purpose="计算信用分，并在您同意时回答是否符合某项守信激励的条件。",
    controller="示例市信用办",
    withdrawal="随时可以退出，立即生效，不影响任何服务。",
)

_RECEIPT = signed_example(_PLAIN_RECEIPT)

OPERATIONS: dict[str, OperationWords] = {
    "getMyScore": OperationWords(
        description="本人当前的信用分与所在档位。未加入为 404 `not_enrolled`；已加入而尚未生成为 404 "
        "`not_scored_yet`，并给出 `Retry-After`。`stale` 为 `true` 表示存储正在恢复，这是最近一份好快照中的"
        "分数；若记录此后有变动，则为 503，不给旧分数。",
        answer=ScoreAnswer(
            score=612,
            band=BandAnswer(code="band_3", name="第三档", name_en="Band 3"),
            as_of=AS_OF,
            snapshot=SNAPSHOT,
            rules_version=RULES_VERSION,
        ),
    ),
    "getMyScoreExplanation": OperationWords(
        description="每一条记录给了几分、依据哪条规则、来自哪个部门、何时到期。`base` 加上全部 `points` "
        "正好等于 `score`。不计分的记录也在其中，并说明原因。`stale` 同查分。",
        answer=ExplanationAnswer(
            score=612,
            base=600,
            items=[_COMMITMENT_KEPT],
            reasons=[
                ReasonAnswer(
                    code="commitment_kept", text="全部履行信用承诺：1 条记录，共加 12 分", points=12
                )
            ],
            as_of=AS_OF,
            snapshot=SNAPSHOT,
            rules_version=RULES_VERSION,
        ),
    ),
    "enrol": OperationWords(
        description="读完告知书之后自愿加入；请带上所读告知书的版本。成功后得到一份加入凭据。"
        "已加入者以此同意新版告知书，新凭据的 `replaces` 是原凭据的编号。未满十八周岁"
        "不能加入。同一 `Idempotency-Key` 重复发送，得到同一答复。",
        request=EnrolmentRequest(notice_version="2026-01"),
        answer=_RECEIPT,
        success="已加入，凭据如下",
    ),
    "getEnrolmentReceipt": OperationWords(
        description="最近一次加入的凭据，依 ISO/IEC TS 27560，带签名，可自行保存；任何人都能用 "
        "`chengxin receipt verify` 核验它未被改动。",
        answer=_RECEIPT,
    ),
    "getEnrolment": OperationWords(
        description="是否已加入、接受了哪一版告知书、何时加入。从未加入为 `none`。告知书有重大变更时，"
        "`reconsent` 自公布之日起列出变更；`state` 为 `required` 时，须先同意新版才能再看分数。",
        answer=RENEWING_ENROLMENT,
    ),
    "withdraw": OperationWords(
        description="退出，一次调用即可，一秒之内在所有服务节点生效；不影响任何服务。重复退出再次得到确认。",
        success="已退出",
    ),
    "getNotice": OperationWords(
        description="现行告知书全文，依《个人信息保护法》第十七条逐项列出；语言按 `Accept-Language`。",
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
    **NOTICE_OPERATIONS,
    "getRules": OperationWords(
        description="现行评分规则：基准分、档位与至多十二条规则。仅凭这份文件即可复算任何人的分数。"
        "`upcoming` 是已经公布、尚未施行的改变，施行之前不影响任何分数。",
        answer=RulesDocument(
            version=RULES_VERSION,
            effective_on=dt.date(2026, 1, 1),
            base=600,
            minimum=0,
            maximum=1000,
            bands=_BANDS,
            rules=[_LATE_PAYMENT],
            upcoming=[_MILDER_LATE_PAYMENT],
        ),
    ),
    "getBenefits": OperationWords(
        description="守信激励目录：谁、在什么场景、提供什么便利、条件是多少分。低于条件或未加入，一切照旧。"
        "`tag` 只看一个场景。",
        answer=BenefitsDocument(
            items=[
                Benefit(
                    id="xinyiyue_deposit_waiver",
                    scene="信易阅",
                    partner="city_library",
                    partner_name="市图书馆",
                    purpose="xinyiyue_deposit",
                    benefit_type="deposit_waiver",
                    service_class="cultural",
                    threshold=600,
                    what="借书免押金",
                    valid_from=dt.date(2026, 1, 1),
                    valid_until=dt.date(2026, 12, 31),
                    answer_valid_days=30,
                    legal_basis="市图书馆与信用办合作协议",
                    status="live",
                )
            ]
        ),
    ),
    "getCatalogue": OperationWords(
        description="信用信息目录：归集哪些信息、依据是什么、来自哪些部门、保存多久。目录之外的信息一律不收。",
        answer=CatalogueDocument(
            version="2026-01",
            items=[
                CatalogueEntry(
                    id="honour",
                    name="法定守信荣誉",
                    name_en="Statutory honours",
                    legal_basis="《全国公共信用信息基础目录》",
                    departments=[
                        Department(code="approval", name="行政审批局", name_en="Approvals Office")
                    ],
                    level="city",
                    subject_class="person",
                    fields=[
                        CatalogueField(
                            name="荣誉名称",
                            code="RY_MC",
                            type="text",
                            is_required=True,
                            max_chars=100,
                            values=None,
                            publication_range="authorised",
                        )
                    ],
                    retention_days=1095,
                    publication_range="authorised",
                )
            ],
        ),
    ),
    "getHealth": OperationWords(
        description="进程存活。不查看任何其他部件。", answer=HealthAnswer(status="ok")
    ),
    "getReadiness": OperationWords(
        description="市民的请求所需的每个部件都能用，`status` 为 `ready`；否则为 503，`code` 指出是哪一个。"
        "存储不可用而本机有最近一份好快照的文件时，`status` 为 `degraded`：市民仍可查自己的分数，"
        "合作方的询问为 503。",
        answer=ReadyAnswer(
            status="ready",
            snapshot=SNAPSHOT,
            as_of=AS_OF,
            rules_version=RULES_VERSION,
            ledger_position=4711,
        ),
    ),
    "getMetrics": OperationWords(
        description="Prometheus 文本格式的计数；不含任何人的信息。",
        answer='chengxin_requests_total{route="/v1/me/score",status="200"} 42\n',
    ),
    **CONSENT_OPERATIONS,
    **LOG_OPERATIONS,
    **WHAT_IF_OPERATIONS,
    **HISTORY_OPERATIONS,
    **VOUCHER_OPERATIONS,
    **RIGHTS_OPERATIONS,
    **PARTNER_OPERATIONS,
}
