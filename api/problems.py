"""Every refusal the service knows: one table, one body shape (RFC 9457), two languages.

A body never repeats the URL, a header, a token or a member of the request: what went wrong is told
by `code`, which is stable, and by words written here.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import msgspec

TYPE_BASE = "https://chengxin.example/problems/"
MEDIA_TYPE = "application/problem+json"

Language = Literal["zh", "en"]
Members = Mapping[str, object]


class ProblemKind(msgspec.Struct, frozen=True):
    """`retry_after_seconds`: sent as Retry-After; a Problem may give a better figure."""

    status: int
    title: str
    detail: str
    title_en: str
    detail_en: str
    retry_after_seconds: int | None = None


PROBLEMS: dict[str, ProblemKind] = {
    # what was sent
    "bad_request": ProblemKind(
        400,
        "请求无法理解",
        "请求的格式不正确，请对照接口文档检查后再试。",
        "Request not understood",
        "The request is malformed; compare it with the interface description.",
    ),
    "malformed_body": ProblemKind(
        400,
        "请求内容无法解析",
        "请求内容必须是 UTF-8 编码的 JSON，成员不得重复，嵌套不得过深。",
        "Body cannot be parsed",
        "The body must be JSON in UTF-8 without repeated members and without deep nesting.",
    ),
    "invalid_body": ProblemKind(
        400,
        "请求内容与约定不符",
        "请求内容缺少必需的成员、类型不对，或含有未约定的成员。",
        "Body does not match the schema",
        "A member is missing, has the wrong type or is not part of the schema.",
    ),
    "invalid_parameter": ProblemKind(
        400,
        "查询参数不正确",
        "查询参数重复、未约定或取值不对，请对照接口文档检查。",
        "Invalid query parameter",
        "A query parameter is repeated, unknown or out of range.",
    ),
    "invalid_idempotency_key": ProblemKind(
        400,
        "缺少或无法使用 Idempotency-Key",
        "请在请求头 Idempotency-Key 中给出 1 至 255 个可见 ASCII 字符，每次新的操作换一个。",
        "Idempotency-Key missing or unusable",
        "Send an Idempotency-Key of 1 to 255 visible ASCII characters, a new one for each operation.",
    ),
    "malformed_form": ProblemKind(
        400,
        "表单无法解析",
        "请以 application/x-www-form-urlencoded 发送 grant_type、client_assertion_type 与 "
        "client_assertion，每个参数只出现一次。",
        "Form cannot be parsed",
        "Send grant_type, client_assertion_type and client_assertion as a form, each once.",
    ),
    "unsupported_grant_type": ProblemKind(
        400,
        "不支持的授权方式",
        "合作方只能以 client_credentials 换取令牌。",
        "Unsupported grant type",
        "Partners get tokens by client_credentials only.",
    ),
    "scope_not_granted": ProblemKind(
        400,
        "授权范围超出登记",
        "所要求的授权范围没有全部登记给贵方。",
        "Scope not granted",
        "The scope asked for is wider than the one registered for you.",
    ),
    # who is asking
    "token_refused": ProblemKind(
        401,
        "需要有效的访问令牌",
        "请登录后再试；如已登录，请重新登录。",
        "A valid access token is needed",
        "Log in and try again; if you are logged in, log in anew.",
    ),
    "scope_missing": ProblemKind(
        403,
        "无权进行此操作",
        "此访问令牌的授权范围不包含这项操作。",
        "Not allowed",
        "The scope of this access token does not cover the operation.",
    ),
    "client_refused": ProblemKind(
        401,
        "合作方身份未通过核验",
        "请以登记的密钥签发新的 client_assertion（ES256，五分钟内有效，aud 只写本服务的 issuer，jti 不重复）。",
        "Client not authenticated",
        "Sign a fresh client_assertion with a registered key: ES256, at most five minutes, aud our "
        "issuer alone, a new jti.",
    ),
    "consent_revoked": ProblemKind(
        403,
        "没有有效的同意",
        "此同意码没有对应的有效同意：可能从未给予贵方，或者已经撤回、暂停、到期。请请市民重新给予。",
        "No consent in force",
        "Behind this handle there is no consent in force for you: never given, revoked, paused or "
        "expired. Ask the citizen for a new one.",
    ),
    "consent_mismatch": ProblemKind(
        403,
        "同意不包含这项询问",
        "市民同意的是另一项激励或另一个目的。",
        "Consent covers something else",
        "The citizen agreed to another policy or purpose.",
    ),
    "policy_not_yours": ProblemKind(
        403,
        "这项激励不由贵方提供",
        "只能询问登记在贵方名下的守信激励。",
        "Policy of another partner",
        "Only policies registered for you can be asked about.",
    ),
    "purpose_mismatch": ProblemKind(
        403,
        "目的与这项激励不符",
        "这项激励登记的是另一个目的，见守信激励目录。",
        "Purpose of another policy",
        "The register of benefits has another purpose for this policy.",
    ),
    "own_case": ProblemKind(
        403,
        "不能办理本人的案件",
        "请由其他工作人员办理。",
        "Own case",
        "Somebody else has to decide it.",
    ),
    "four_eyes": ProblemKind(
        403,
        "须由另一人复核",
        "会改变记录的决定须两人作出；提出者不能自己确认。",
        "Second person needed",
        "Whoever proposed a change of a record cannot confirm it.",
    ),
    "reviewer_needed": ProblemKind(
        403,
        "须由复核人员确认",
        "此账号没有复核权限。",
        "Reviewer needed",
        "This account may not confirm decisions.",
    ),
    # where to
    "not_found": ProblemKind(
        404, "没有这个地址", "请检查地址是否正确。", "Not found", "Check the address."
    ),
    "not_enrolled": ProblemKind(
        404,
        "您尚未加入",
        "信用分自愿加入。加入之前没有分数；不加入不影响任何服务。",
        "Not enrolled",
        "The score is voluntary. There is none before you enrol, and no service depends on it.",
    ),
    "not_scored_yet": ProblemKind(
        404,
        "分数正在生成",
        "您已加入，分数将在下一次更新后可见，请稍后再来。",
        "Not scored yet",
        "You are enrolled; the score will be there after the next update.",
        60,
    ),
    "consent_not_found": ProblemKind(
        404,
        "没有这项同意",
        "您的同意中没有这一项，请在列表中核对。",
        "No such consent",
        "None of your consents has this id; look it up in the list.",
    ),
    "policy_not_found": ProblemKind(
        404,
        "没有这项守信激励",
        "守信激励目录中没有这一项。",
        "No such policy",
        "The register of benefits has no such policy.",
    ),
    "handle_not_found": ProblemKind(
        404,
        "没有这个同意码",
        "贵方没有这个同意码；它可能属于别处，或结束已超过一天。",
        "No such handle",
        "You hold no such handle; it may be another's, or have ended more than a day ago.",
    ),
    "record_not_found": ProblemKind(
        404,
        "没有这条记录",
        "您的记录中没有这一条，请在逐条说明中核对编号。",
        "No such record",
        "None of your records has this id; look it up in the explanation.",
    ),
    "decision_not_found": ProblemKind(
        404,
        "没有这次答复",
        "查询记录中没有这个编号，请核对。",
        "No such decision",
        "Your access log has no decision with this id.",
    ),
    "event_not_found": ProblemKind(
        404,
        "没有这一条",
        "您的通知与查询记录中没有这个 seq，请核对。",
        "No such entry",
        "None of your events and accesses has this seq; look it up in the lists.",
    ),
    "not_yet_signed": ProblemKind(
        404,
        "还没有签入树头",
        "树头每小时签署一次；这一条已经记下，下一个树头签署之后即可取得证明。",
        "Not signed yet",
        "A tree head is signed each hour; the entry is stored and can be proved under the next one.",
        3_600,
    ),
    "head_not_found": ProblemKind(
        404,
        "没有这样的树头",
        "树头列表中没有覆盖这么多条记录的树头，请以列表中的 size 查询。",
        "No such tree head",
        "No tree head was signed at this size; take one from the list.",
    ),
    "case_not_found": ProblemKind(
        404,
        "没有这个案件",
        "请在列表中核对案件编号。",
        "No such case",
        "Look its id up in the list.",
    ),
    "method_not_allowed": ProblemKind(
        405,
        "此地址不支持这种请求方法",
        "可用的方法见响应头 Allow。",
        "Method not allowed",
        "See the Allow header for the methods of this address.",
    ),
    "not_acceptable": ProblemKind(
        406,
        "无法提供所要求的格式",
        "此地址提供的格式不在请求头 Accept 之列。",
        "Not acceptable",
        "What this address offers is not among the formats in the Accept header.",
    ),
    # state
    "already_enrolled": ProblemKind(
        409,
        "您已经加入",
        "无需重复加入；可查看加入情况，也可随时退出。",
        "Already enrolled",
        "There is nothing to do; you can view the enrolment or leave at any time.",
    ),
    "notice_unknown": ProblemKind(
        404,
        "没有这一版告知书",
        "历次版本见 /v1/notices。",
        "No such version of the notice",
        "All versions are listed at /v1/notices.",
    ),
    "reconsent_required": ProblemKind(
        409,
        "告知书有重大变更，请重新选择",
        "成员 reconsent 逐条列出变更。同意新版之后立即恢复；不同意可以退出，异议、修复、导出等权利不受影响。",
        "The notice has changed",
        "The member reconsent lists what changed. Accept the new version to go on, or leave; disputes, "
        "repairs, export and your other rights stay as they are.",
    ),
    "illegal_step": ProblemKind(
        409,
        "当前状态不允许这一步",
        "成员 state 是它现在的状态；已经结束的同意不能再恢复，可重新给予。",
        "Not possible in this state",
        "The member state tells where it stands; what has ended cannot be resumed, only granted anew.",
    ),
    "too_many_consents": ProblemKind(
        409,
        "有效的同意过多",
        "请先撤回不再需要的同意。",
        "Too many consents",
        "Revoke those you no longer need first.",
    ),
    "attestation_overdue": ProblemKind(
        409,
        "这家合作方暂不能接受新的同意",
        "它有已经结束满三十天的同意，还没有声明删除了相应数据；声明之后即可再给予同意。",
        "This partner may hold no new consent for now",
        "Consents it held ended thirty days ago and it has not attested that their data is deleted.",
    ),
    "attestation_in_future": ProblemKind(
        422,
        "声明的日期还没有到",
        "ended_until 最晚为今天：只能就已经结束的同意作出声明。",
        "The attested day is not over",
        "ended_until is today at the latest: only of consents that have ended can be attested.",
    ),
    "policy_not_open": ProblemKind(
        409,
        "这项激励目前没有开放",
        "它尚未开始、已经暂停或已经结束，见守信激励目录。",
        "Policy not open",
        "It has not begun, is paused or has ended; see the register of benefits.",
    ),
    "already_disputed": ProblemKind(
        409,
        "异议正在办理",
        "这条记录已有异议，办结之前不计分；答复期限见成员 due_on。",
        "Already disputed",
        "A dispute of this record is open; the member due_on tells by when it is answered.",
    ),
    "dispute_decided_already": ProblemKind(
        409,
        "异议已有结论",
        "成员 again_on 之日起可再次提出；在此之前可请求人工复核，或作本人说明。",
        "Dispute decided",
        "It can be disputed again from the day in again_on; a review and a statement are open now.",
    ),
    "already_under_review": ProblemKind(
        409,
        "复核正在进行",
        "已有尚未办结的人工复核。",
        "Already under review",
        "A review of this is open.",
    ),
    "already_requested": ProblemKind(
        409,
        "修复申请正在办理",
        "这条记录已有尚未办结的修复申请。",
        "Already requested",
        "A repair of this record is open.",
    ),
    "already_repaired": ProblemKind(
        409,
        "已经修复",
        "这条记录已经修复，不再计分。",
        "Already repaired",
        "The record is repaired and does not count.",
    ),
    "too_early": ProblemKind(
        409,
        "尚未到可以修复的日期",
        "成员 earliest_on 之日起可以申请；申请修复不收取任何费用。",
        "Too early",
        "Repair is possible from the day in earliest_on; it is always free of charge.",
    ),
    "case_decided": ProblemKind(
        409,
        "案件已经办结",
        "办结的案件不能再改；当事人可另行提出。",
        "Case decided",
        "A decided case is not changed; the citizen can open another.",
    ),
    "case_proposed": ProblemKind(
        409,
        "已有决定等待复核",
        "请由另一人确认或退回。",
        "Waiting for the second person",
        "Somebody else has to confirm it or send it back.",
    ),
    "nothing_proposed": ProblemKind(
        409,
        "没有等待复核的决定",
        "请先作出决定。",
        "Nothing to confirm",
        "Nobody has proposed a decision.",
    ),
    "not_eligible_now": ProblemKind(
        409,
        "现在还不能生成这张凭证",
        "您此刻没有达到这项优惠的所需分数。一切照常：您可以按平常的条件使用这项服务。这个结果只有您知道。",
        "Not available at the moment",
        "Your score is below this benefit's threshold now. You are served as everybody is; only you "
        "were told this.",
    ),
    "body_too_large": ProblemKind(
        413,
        "请求内容过大",
        "请求内容超过此接口的上限。",
        "Body too large",
        "The body is larger than this interface takes.",
    ),
    "unsupported_media_type": ProblemKind(
        415,
        "不支持的内容类型",
        "请以 Content-Type: application/json 发送 UTF-8 编码的 JSON。",
        "Unsupported media type",
        "Send JSON in UTF-8 with Content-Type: application/json.",
    ),
    "under_age": ProblemKind(
        422,
        "未满十八周岁不能加入",
        "本服务只面向成年人；未成年人不会被评分，也不会因此受到任何影响。",
        "Under eighteen",
        "Only adults can enrol; minors are never scored and lose nothing by it.",
    ),
    "age_unknown": ProblemKind(
        422,
        "无法确认年龄",
        "登录信息中没有出生日期，因此无法确认已满十八周岁。请在统一身份平台补全后再试。",
        "Age unknown",
        "The log-in carries no birth date, so that we cannot tell that you are of age.",
    ),
    "notice_outdated": ProblemKind(
        422,
        "告知书版本不是最新",
        "请先阅读最新版告知书，再以其版本号加入。",
        "Notice outdated",
        "Read the current notice first, then enrol with its version.",
    ),
    "unknown_partner": ProblemKind(
        422,
        "没有这个合作方",
        "守信激励目录中没有这个合作方。",
        "Unknown partner",
        "The register of benefits has no such partner.",
    ),
    "unknown_policy": ProblemKind(
        422,
        "没有这项守信激励",
        "守信激励目录中没有这一项。水、电、医疗、教育、社保等基本服务不会列入其中。",
        "Unknown policy",
        "The register has no such benefit; basic services are never in it.",
    ),
    "policy_of_another_partner": ProblemKind(
        422,
        "这项激励不由该合作方提供",
        "请对照守信激励目录，选择提供这项激励的合作方。",
        "Policy of another partner",
        "Another partner offers this benefit; see the register.",
    ),
    "purpose_missing": ProblemKind(
        422,
        "没有说明目的",
        "同意必须写明目的，取值见守信激励目录。",
        "Purpose missing",
        "A consent names its purpose, as the register of benefits has it.",
    ),
    "purpose_not_registered": ProblemKind(
        422,
        "目的超出登记范围",
        "这项激励只能用于目录中登记的目的。",
        "Purpose not registered",
        "The benefit is registered for another purpose only.",
    ),
    "benefit_not_open": ProblemKind(
        422,
        "这项激励目前没有开放",
        "它尚未开始、已经暂停或已经结束，见守信激励目录。",
        "Benefit not open",
        "It has not begun, is paused or has ended; see the register.",
    ),
    "expiry_in_the_past": ProblemKind(
        422,
        "到期时间已过",
        "请选择今后的到期时间。",
        "Expiry in the past",
        "Choose an expiry in the future.",
    ),
    "expiry_too_late": ProblemKind(
        422,
        "同意期限过长",
        "一次同意最长十二个月，到期后可重新给予。",
        "Expiry too late",
        "A consent lasts twelve months at most and can then be granted anew.",
    ),
    "start_after_expiry": ProblemKind(
        422,
        "起始时间晚于到期时间",
        "起始时间必须早于到期时间。",
        "Start after expiry",
        "A consent must begin before it ends.",
    ),
    "uses_out_of_range": ProblemKind(
        422,
        "每日次数不在范围内",
        "每日询问次数为 1 至 100 次。",
        "Uses out of range",
        "A partner may be allowed 1 to 100 questions a day.",
    ),
    "data_life_out_of_range": ProblemKind(
        422,
        "答复保留天数不在范围内",
        "不得超过目录为这项激励登记的天数，至少一天。",
        "Data life out of range",
        "At least a day, and no longer than the register allows for the benefit.",
    ),
    "not_repairable": ProblemKind(
        422,
        "这条记录无需修复",
        "它不使您减分，或在义务履行后自动结束；如与事实不符，可提出异议。",
        "Nothing to repair",
        "It takes no points, or ends with the duty; if it is wrong, dispute it.",
    ),
    "statement_too_long": ProblemKind(
        422,
        "本人说明过长",
        "本人说明至多 200 个字。",
        "Statement too long",
        "A statement has at most 200 characters.",
    ),
    "text_too_long": ProblemKind(
        422,
        "文字过长",
        "理由至多 2,000 个字。",
        "Text too long",
        "A reason has at most 2,000 characters.",
    ),
    "reason_needed": ProblemKind(
        422,
        "须说明理由",
        "决定须写明理由，不少于 10 个字；当事人会看到。",
        "Reason needed",
        "A decision gives its reason in at least 10 characters; the citizen reads it.",
    ),
    "outcome_unknown": ProblemKind(
        422,
        "没有这种结论",
        "请对照接口文档选择结论。",
        "Unknown outcome",
        "See the interface description for the outcomes of such a case.",
    ),
    "human_reviewer_needed": ProblemKind(
        422,
        "须由人作出决定",
        "系统账号不能作出决定，须由工作人员本人办理。",
        "A person has to decide",
        "An account of a program cannot decide; a person has to.",
    ),
    "request_in_progress": ProblemKind(
        409,
        "同一请求正在处理",
        "带有同一个 Idempotency-Key 的请求正在处理，请稍后以同一个值重发。",
        "The same request is being answered",
        "A request with the same Idempotency-Key is being answered; repeat it in a moment.",
        retry_after_seconds=1,
    ),
    "purpose_unknown": ProblemKind(
        400,
        "目的没有登记",
        "每次询问必须写明登记过的目的，取值见守信激励目录。",
        "Purpose not registered",
        "Every question names a registered purpose; see the register of benefits.",
    ),
    "idempotency_conflict": ProblemKind(
        422,
        "Idempotency-Key 已用于另一请求",
        "同一个 Idempotency-Key 只能用于内容相同的请求，请换一个。",
        "Idempotency-Key used before",
        "The same key came with another request before; use a new one.",
    ),
    # how often
    "rate_limited": ProblemKind(
        429,
        "请求过于频繁",
        "本分钟的次数已经用完，见响应头 RateLimit；请在 Retry-After 之后再试。",
        "Too many requests",
        "This minute's quota is used up, see RateLimit; try again after Retry-After.",
        60,
    ),
    "frequency_exceeded": ProblemKind(
        429,
        "今日询问次数已达上限",
        "市民为这项同意限定了每日询问次数，今天已经用完。",
        "Daily uses exceeded",
        "The citizen limited the questions a day under this consent; today's are used up.",
        3_600,
    ),
    "too_many_attempts": ProblemKind(
        429,
        "身份核验失败次数过多",
        "请稍后再试，并检查密钥、时钟与 client_assertion。",
        "Too many failed attempts",
        "Wait, then check key, clock and client_assertion.",
        60,
    ),
    # us
    "internal_error": ProblemKind(
        500,
        "服务出错",
        "这是我们的问题。请稍后再试；联系我们时请提供 trace_id。",
        "Internal error",
        "The fault is ours. Try again later; quote the trace_id when you contact us.",
    ),
    "store_unavailable": ProblemKind(
        503,
        "暂时无法读取数据",
        "数据存储暂时不可用，请稍后再试。",
        "Store unavailable",
        "The snapshot store cannot be reached at present.",
        5,
    ),
    "ledger_unavailable": ProblemKind(
        503,
        "暂时无法登记",
        "您的操作没有被登记，请稍后以同一个 Idempotency-Key 再试。",
        "Ledger unavailable",
        "Nothing was acknowledged; repeat later with the same Idempotency-Key.",
        5,
    ),
    "keys_unavailable": ProblemKind(
        503,
        "暂时无法核验登录",
        "身份平台的公钥尚未取得，请稍后再试。",
        "Keys unavailable",
        "The identity provider's keys have not been fetched yet.",
        2,
    ),
    "effect_pending": ProblemKind(
        503,
        "已登记，即将生效",
        "您的操作已经登记，不会丢失，但尚未在所有服务节点生效。请稍后重复此操作以确认。",
        "Stored, not yet in effect",
        "The operation is stored and will not be lost; repeat it shortly to have it confirmed.",
        1,
    ),
    "record_corrupt": ProblemKind(
        503,
        "数据校验未通过",
        "存储的记录没有通过校验，因此不予显示。我们会尽快修复。",
        "Record failed its check",
        "The stored record failed its check and is not shown; we will repair it.",
        60,
    ),
}


class Problem(Exception):
    """A refusal on its way to the client. `members`: further members of the body, never input, or
    what makes them in the asked language; `headers`: what the status demands beside Retry-After."""

    def __init__(
        self,
        code: str,
        *,
        retry_after_seconds: int | None = None,
        members: Members | Callable[[Language], Members] | None = None,
        headers: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        super().__init__(code)
        self.code = code
        self.kind = PROBLEMS[code]
        self.members = members
        self.headers = headers
        self.retry_after_seconds = retry_after_seconds or self.kind.retry_after_seconds


class ProblemBody(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 9457 members, then ours: `code` is stable, `trace_id` finds the line in our log."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    trace_id: str


def problem_body(problem: Problem, language: Language, trace_id: str) -> bytes:
    kind = problem.kind
    is_english = language == "en"
    body = ProblemBody(
        type=TYPE_BASE + problem.code,
        title=kind.title_en if is_english else kind.title,
        status=kind.status,
        detail=kind.detail_en if is_english else kind.detail,
        code=problem.code,
        trace_id=trace_id,
    )
    if not problem.members:
        return msgspec.json.encode(body)
    members = problem.members(language) if callable(problem.members) else problem.members
    return msgspec.json.encode({**msgspec.structs.asdict(body), **members})


_RANGE = re.compile(
    r"\s*(zh|en|\*)(?:-[a-z0-9-]*)?\s*(?:;\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?\s*\Z"
)


def language_of(accept_language: bytes | None) -> Language:
    """English where it ranks above Chinese (RFC 9110 12.5.4); anything else, odd input included,
    is Chinese."""
    if not accept_language or len(accept_language) > 256:
        return "zh"
    weights = {"zh": -1.0, "en": -1.0}
    for part in accept_language.decode("latin-1").lower().split(","):
        if match := _RANGE.match(part):
            name = "zh" if match[1] == "*" else match[1]
            weights[name] = max(weights[name], float(match[2] or 1))
    return "en" if weights["en"] > max(weights["zh"], 0.0) else "zh"
