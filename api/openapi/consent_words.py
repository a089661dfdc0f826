"""Words and examples of the operations on consents, accesses and notices."""

import datetime as dt

from api.accesses.answers import AccessAnswer, AccessesAnswer
from api.consents.answers import ConsentAnswer, ConsentChange, ConsentRequest, ConsentsAnswer
from api.me.news import NewsAnswer, NewsList
from api.openapi.operation_words import OperationWords

CONSENT_ID = "c5f0c7a1e9d2b4c6f8a3e1d7b9c5f2a4"
HANDLE = "kT3vQ9xL0aZpW7sYbN2mRg"
GRANTED_AT = dt.datetime(2026, 11, 2, 9, 15, tzinfo=dt.UTC)
USED_AT = dt.datetime(2026, 11, 5, 10, 40, tzinfo=dt.UTC)
EXPIRES_AT = dt.datetime(2027, 5, 1, tzinfo=dt.UTC)

_CONSENT = ConsentAnswer(
    id=CONSENT_ID,
    handle=HANDLE,
    status="active",
    partner="city_library",
    partner_name="市图书馆",
    policy="xinyiyue_deposit_free",
    purpose="xinyiyue_deposit",
    scene="信易阅",
    what="借书免押金",
    legal_basis="市图书馆与信用办合作协议",
    not_before=GRANTED_AT,
    expires_at=EXPIRES_AT,
    max_uses_per_day=3,
    data_life_days=30,
    granted_at=GRANTED_AT,
    changed_at=GRANTED_AT,
    changed_by="citizen",
    uses=1,
    last_used_at=USED_AT,
)

_ACCESS = AccessAnswer(
    seq=4712,
    time=USED_AT,
    initiator_kind="partner",
    initiator="city_library",
    initiator_name="市图书馆",
    on_behalf_of=None,
    purpose="市图书馆询问您借书能否免押金。对方只得到“可以”或“暂不可以”，看不到分数。",
    purpose_code="xinyiyue_deposit",
    legal_basis="《个人信息保护法》第十三条第一款第一项",
    policy="xinyiyue_deposit_free",
    consent_id=CONSENT_ID,
    decision_id="d-7Qm2xK9vT4pL",
    response_digest="3b7e72edb2b3a8b9f1a0c1d4e5f60718293a4b5c6d7e8f900112233445566778",
    snapshot="20261120-3f9c2ab1",
    hidden_until=None,
    hidden_reason=None,
)

CONSENT_OPERATIONS: dict[str, OperationWords] = {
    "grantConsent": OperationWords(
        description="同意一个合作方、为一项守信激励、出于一个目的询问“能不能享受”。最长十二个月，随时可撤回。"
        "合作方只得到“可以”或“暂不可以”。`status` 为 `awaiting` 时先备好，待确认后才生效。",
        request=ConsentRequest(
            partner="city_library",
            policy="xinyiyue_deposit_free",
            purpose="xinyiyue_deposit",
            expires_at=EXPIRES_AT,
            max_uses_per_day=3,
            data_life_days=30,
            not_before=GRANTED_AT,
        ),
        answer=_CONSENT,
        success="已同意；`handle` 出示给合作方",
    ),
    "listConsents": OperationWords(
        description="您给过的全部同意，最近的在前；含使用次数与最后一次使用的时间。",
        answer=ConsentsAnswer(items=[_CONSENT], next_cursor=None),
    ),
    "getConsent": OperationWords(
        description="其中一项。别人的与不存在的，答复相同。", answer=_CONSENT
    ),
    "getConsentQr": OperationWords(
        description="内容只有 `handle`；只有这一个合作方能用它询问。",
        answer='<svg xmlns="http://www.w3.org/2000/svg" width="264" height="264"></svg>',
    ),
    "changeConsent": OperationWords(
        description="`paused` 暂停，`active` 恢复或确认，`rejected` 拒绝，`revoked` 撤回；一秒之内在所有服务节点"
        "生效。当前状态不允许的步骤为 409 `illegal_step`。",
        request=ConsentChange(status="paused"),
        answer=_CONSENT,
    ),
    "revokeConsent": OperationWords(
        description="撤回，一秒之内在所有服务节点生效；重复撤回再次得到确认。", success="已撤回"
    ),
    "listAccesses": OperationWords(
        description="每一次有人查看您的信息，就有一行：何时、何人、代表谁、为了什么、依据什么。先记下这一行，才给出"
        "答复。依法须保密的，到期之日起可见，并注明原因。",
        answer=AccessesAnswer(items=[_ACCESS], next_cursor=None),
    ),
    "listEvents": OperationWords(
        description="不必询问也应当让您知道的事：同意第一次被使用、合作方放弃同意、"
        "异议与复核及修复的结果、每九十天的提醒。",
        answer=NewsList(
            items=[
                NewsAnswer(
                    id="e4711",
                    seq=4711,
                    time=USED_AT,
                    code="consent_first_used",
                    text="市图书馆第一次使用了您的同意（信易阅）。如不是您的本意，可随时撤回。",
                    link=f"/v1/me/consents/{CONSENT_ID}",
                )
            ],
            next_cursor=None,
        ),
    ),
}
