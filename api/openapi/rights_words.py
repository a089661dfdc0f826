"""Words and examples of the operations on disputes, reviews, repairs, statements and the export."""

import datetime as dt

from api.accesses.answers import AccessAnswer
from api.me.cases import (
    DisputeRequest,
    DisputesAnswer,
    RepairRequest,
    RepairsAnswer,
    ReviewRequest,
    ReviewsAnswer,
)
from api.me.export import retention_lines
from api.me.export_document import EnrolmentStep, ExportDocument, export_schema
from api.me.statements import StatementRequest
from api.openapi.operation_words import OperationWords
from api.rights.answers import (
    CaseReceipt,
    DisputeAnswer,
    RepairAnswer,
    ReviewAnswer,
    StaffCase,
    StaffCaseDetail,
    StaffRecord,
    StatementAnswer,
)
from api.rights.statistics import CaseFigures, RepairStatistics
from api.schemas import BandAnswer, ItemAnswer, ScoreAnswer
from api.staff.cases import ConfirmationRequest, DecisionRequest, StaffCases

CASE_ID = "Vd0Kq3sXyT2mR8aLwZ5nBg"
RECORD_ID = "Zk3v9Qx1LmA7"
PROPOSAL_ID = "5d0c" + "3fa9" * 15
SNAPSHOT = "20261120-3f9c2ab1"
OPENED_AT = dt.datetime(2026, 11, 2, 9, 15, tzinfo=dt.UTC)
DECIDED_AT = dt.datetime(2026, 11, 12, 3, 0, tzinfo=dt.UTC)
DUE_ON = dt.date(2026, 11, 22)
WORKED_DUE_ON = dt.date(2026, 11, 16)
REVIEW_DUE_ON = dt.date(2026, 11, 23)
REASON = "这笔费用已于到期前缴清，回单可在营业厅查到。"
DECISION = "经向来源单位核实，缴费早于到期日，记录有误，予以移除。"

_RECEIPT = CaseReceipt(
    id=CASE_ID, record_id=RECORD_ID, opened_at=OPENED_AT, due_on=DUE_ON, is_due_provisional=False
)
_DISPUTE = DisputeAnswer(
    id=CASE_ID,
    record_id=RECORD_ID,
    status="decided",
    opened_at=OPENED_AT,
    due_on=DUE_ON,
    is_due_provisional=False,
    reason=REASON,
    outcome="upheld",
    decision_reason=DECISION,
    decided_at=DECIDED_AT,
)
_REVIEW = ReviewAnswer(
    id=CASE_ID,
    about="score",
    reference=SNAPSHOT,
    status="open",
    opened_at=OPENED_AT,
    due_on=REVIEW_DUE_ON,
    is_due_provisional=False,
    reason="请人工核对我的分数。",
    outcome=None,
    decision_reason=None,
    decided_at=None,
)
_REPAIR = RepairAnswer(
    id=CASE_ID,
    record_id=RECORD_ID,
    repair_class="general",
    repair_policy="2026-04",
    status="open",
    opened_at=OPENED_AT,
    due_on=WORKED_DUE_ON,
    is_due_provisional=False,
    reason="罚款已经缴清，并已改正。",
    outcome=None,
    decision_reason=None,
    decided_at=None,
)
_STATEMENT = StatementAnswer(
    record_id=RECORD_ID, text="当时住院，家人已代为补缴。", stated_at=OPENED_AT
)
_STAFF_CASE = StaffCase(
    id=CASE_ID,
    status="proposed",
    record_id=RECORD_ID,
    about=None,
    reference=None,
    repair_class=None,
    opened_at=OPENED_AT,
    due_on=DUE_ON,
    is_due_provisional=False,
    is_overdue=False,
    proposed_outcome="upheld",
    proposed_by="officer-07",
    proposal_id=PROPOSAL_ID,
    outcome=None,
    decided_by=None,
    confirmed_by=None,
    decided_at=None,
)
_STAFF_DECIDED = StaffCase(
    id=CASE_ID,
    status="decided",
    record_id=RECORD_ID,
    about=None,
    reference=None,
    repair_class=None,
    opened_at=OPENED_AT,
    due_on=DUE_ON,
    is_due_provisional=False,
    is_overdue=False,
    proposed_outcome="upheld",
    proposed_by="officer-07",
    proposal_id=PROPOSAL_ID,
    outcome="upheld",
    decided_by="officer-07",
    confirmed_by="reviewer-02",
    decided_at=DECIDED_AT,
)
_STAFF_DETAIL = StaffCaseDetail(
    id=CASE_ID,
    status="open",
    record_id=RECORD_ID,
    about=None,
    reference=None,
    repair_class=None,
    opened_at=OPENED_AT,
    due_on=DUE_ON,
    is_due_provisional=False,
    is_overdue=False,
    proposed_outcome=None,
    proposed_by=None,
    proposal_id=None,
    outcome=None,
    decided_by=None,
    confirmed_by=None,
    decided_at=None,
    reason=REASON,
    proposal_reason=None,
    returned_reason=None,
    decision_reason=None,
    record=StaffRecord(
        kind="contract_performance",
        outcome="late",
        status="disputed",
        happened_on=dt.date(2026, 9, 1),
    ),
)
_EXPORT = ExportDocument(
    exported_at=DECIDED_AT,
    subject="Jq3XkT9nV2mYp0sWc8uLrA",
    enrolments=[EnrolmentStep(seq=4709, at=OPENED_AT, step="enrolled", notice_version="2026-01")],
    score=ScoreAnswer(
        score=612,
        band=BandAnswer(code="band_3", name="第三档", name_en="Band 3"),
        as_of=dt.date(2026, 11, 20),
        snapshot=SNAPSHOT,
        rules_version="2026-01",
    ),
    records=[
        ItemAnswer(
            record_id=RECORD_ID,
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
    ],
    consents=[],
    accesses=[
        AccessAnswer(
            seq=4713,
            time=OPENED_AT,
            initiator_kind="citizen",
            initiator="citizen",
            initiator_name="您本人",
            on_behalf_of=None,
            purpose="您自己导出了全部个人信息。",
            purpose_code="export_own_data",
            legal_basis="《个人信息保护法》第四十五条",
            policy=None,
            consent_id=None,
            decision_id=None,
            response_digest="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            snapshot=SNAPSHOT,
            hidden_until=None,
            hidden_reason=None,
        )
    ],
    disputes=[_DISPUTE],
    reviews=[],
    repairs=[_REPAIR],
    statements=[_STATEMENT],
    retention_version="2026-11-22",
    retention=retention_lines(),
)
_FIGURES = CaseFigures(
    received=120, decided=96, given=41, share_given=0.4271, median_days=9.0, overdue=None
)

_QUEUE = "按答复期限先后排列；每次查看都会在当事人的查询记录中留下一行。"
_DECIDING = (
    "须写明理由，当事人会看到。会改变记录的结论（异议成立、批准修复）先列为提议，由另一人确认后才生效；"
    "其余结论立即生效。不能办理本人的案件；系统账号不能作出决定。"
)
_CONFIRMING = (
    "由提出者之外的复核人员确认；不同意则写明理由退回，案件恢复为待办。两人的编号都会保存。"
)
_DECIDE = DecisionRequest(outcome="upheld", reason=DECISION)
_DECIDE_REVIEW = DecisionRequest(
    outcome="confirmed", reason="已逐条核对，计算与规则一致，分数无误。"
)
_DECIDE_REPAIR = DecisionRequest(outcome="granted", reason="义务已经履行，最短期限已满，准予修复。")

RIGHTS_OPERATIONS: dict[str, OperationWords] = {
    "listDisputes": OperationWords(
        description="本人提出的异议与结论，最新的在前。无法确认的，双方意见都会保留。",
        answer=DisputesAnswer(items=[_DISPUTE], next_cursor=None),
    ),
    "openDispute": OperationWords(
        description="对自己的一条记录提出异议。办结之前不计分，二十日内答复并说明理由。"
        "他人的记录与不存在的记录答复相同。",
        request=DisputeRequest(record_id=RECORD_ID, reason=REASON),
        answer=_RECEIPT,
        success="异议已受理",
    ),
    "listReviews": OperationWords(
        description="本人请求的人工复核与结论，最新的在前。",
        answer=ReviewsAnswer(items=[_REVIEW], next_cursor=None),
    ),
    "requestReview": OperationWords(
        description="对自动得出的分数，或对合作方询问的一次答复，请求由人复核（《个人信息保护法》第二十四条）。",
        request=ReviewRequest(about="score", reason="请人工核对我的分数。"),
        answer=CaseReceipt(
            id=CASE_ID,
            about="score",
            reference=SNAPSHOT,
            opened_at=OPENED_AT,
            due_on=REVIEW_DUE_ON,
            is_due_provisional=False,
        ),
        success="复核请求已受理",
    ),
    "listRepairs": OperationWords(
        description="本人申请的信用修复与结论，最新的在前。",
        answer=RepairsAnswer(items=[_REPAIR], next_cursor=None),
    ),
    "requestRepair": OperationWords(
        description="对使自己减分的一条记录申请信用修复。期限按记录认定当日有效的办法计算；未满最短期限为 409 "
        "`too_early`，并给出日期。修复不收取任何费用。",
        request=RepairRequest(record_id=RECORD_ID, reason="罚款已经缴清，并已改正。"),
        answer=CaseReceipt(
            id=CASE_ID,
            record_id=RECORD_ID,
            opened_at=OPENED_AT,
            due_on=WORKED_DUE_ON,
            is_due_provisional=False,
        ),
        success="修复申请已受理",
    ),
    "stateOnRecord": OperationWords(
        description="在一条记录旁写下本人说明，至多 200 个字，与逐条说明和导出一并显示；空文字即删除。",
        request=StatementRequest(text="当时住院，家人已代为补缴。"),
        answer=_STATEMENT,
    ),
    "exportMyData": OperationWords(
        description="本人的全部信息：分数、记录、同意、查询、异议、复核、修复、说明，以及各类信息的保存期限。"
        "格式见 `/schema/export.json`。每次导出在查询记录中留下一行。",
        answer=_EXPORT,
    ),
    "getExportSchema": OperationWords(
        description="个人信息导出的 JSON Schema（2020-12）。", answer=export_schema()
    ),
    "listStaffDisputes": OperationWords(
        description=_QUEUE, answer=StaffCases(items=[_STAFF_CASE], next_cursor=None)
    ),
    "listStaffReviews": OperationWords(
        description=_QUEUE, answer=StaffCases(items=[], next_cursor=None)
    ),
    "listStaffRepairs": OperationWords(
        description=_QUEUE, answer=StaffCases(items=[], next_cursor=None)
    ),
    "getStaffDispute": OperationWords(
        description="案件全文与所涉记录。查看会在当事人的查询记录中留下一行。", answer=_STAFF_DETAIL
    ),
    "getStaffReview": OperationWords(
        description="案件全文。查看会在当事人的查询记录中留下一行。", answer=_STAFF_DETAIL
    ),
    "getStaffRepair": OperationWords(
        description="案件全文与所涉记录。查看会在当事人的查询记录中留下一行。", answer=_STAFF_DETAIL
    ),
    "decideDispute": OperationWords(description=_DECIDING, request=_DECIDE, answer=_STAFF_CASE),
    "decideReview": OperationWords(
        description="须写明理由，当事人会看到；只能由人作出。",
        request=_DECIDE_REVIEW,
        answer=_STAFF_CASE,
    ),
    "decideRepair": OperationWords(
        description=_DECIDING, request=_DECIDE_REPAIR, answer=_STAFF_CASE
    ),
    "confirmDispute": OperationWords(
        description=_CONFIRMING, request=ConfirmationRequest(agrees=True), answer=_STAFF_DECIDED
    ),
    "confirmRepair": OperationWords(
        description=_CONFIRMING, request=ConfirmationRequest(agrees=True), answer=_STAFF_DECIDED
    ),
    "getRepairStatistics": OperationWords(
        description="异议、复核与修复：收到多少、办结多少、支持多少、中位天数。不足十人的数字不公布。",
        answer=RepairStatistics(
            as_of=dt.date(2026, 11, 20),
            least_citizens=10,
            disputes=_FIGURES,
            reviews=CaseFigures(
                received=None,
                decided=None,
                given=None,
                share_given=None,
                median_days=None,
                overdue=None,
            ),
            repairs=_FIGURES,
        ),
    ),
}
