"""Every refusal the service knows: one table, one body shape (RFC 9457), two languages.

A body never repeats the URL, a header, a token or a member of the request: what went wrong is told
by `code`, which is stable, and by words written here.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

TYPE_BASE = "https://chengxin.example/problems/"
MEDIA_TYPE = "application/problem+json"

Language = Literal["zh", "en"]


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
    "idempotency_conflict": ProblemKind(
        422,
        "Idempotency-Key 已用于另一请求",
        "同一个 Idempotency-Key 只能用于内容相同的请求，请换一个。",
        "Idempotency-Key used before",
        "The same key came with another request before; use a new one.",
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
    """A refusal on its way to the client. `members`: further members of the body, never input;
    `headers`: what the status demands beside Retry-After."""

    def __init__(
        self,
        code: str,
        *,
        retry_after_seconds: int | None = None,
        members: Mapping[str, str | int] | None = None,
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
    return msgspec.json.encode({**msgspec.structs.asdict(body), **problem.members})


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
