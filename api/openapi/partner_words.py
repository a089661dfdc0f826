"""Words and examples of the operations for partners."""

import datetime as dt

from api.openapi.operation_words import OperationWords
from api.partner.attestation_routes import (
    AttestationAnswer,
    AttestationRequest,
    PartnersAnswer,
    PartnerStanding,
)
from api.partner.consent_routes import PartnerConsentAnswer
from api.partner.decision import EligibilityAnswer
from api.partner.policies import Question
from api.partner.published import KeySetAnswer, PublicKeyAnswer, metadata_of
from api.partner.routes import BatchAnswer, BatchItem, BatchRequest
from api.partner.token_route import ASSERTION_TYPE, GRANT_TYPE, TokenAnswer, TokenRequest

HANDLE = "kT3vQ9xL0aZpW7sYbN2mRg"
_JWS = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJjaXR5LWxpYnJhcnkifQ.c2lnbmF0dXJl"
_QUESTION = Question(policy="xinyiyue_deposit_free", consent=HANDLE, purpose="xinyiyue_deposit")
_YES = EligibilityAnswer(
    eligible=True,
    policy="xinyiyue_deposit_free",
    valid_until=dt.datetime(2026, 12, 20, 8, tzinfo=dt.UTC),
    decision_id="AZqH3kQxT0aZpW7sYbN2mR",
    snapshot="20261120-3f9c2ab1",
)

PARTNER_OPERATIONS: dict[str, OperationWords] = {
    "getPartnerToken": OperationWords(
        description="以登记的密钥签发的 `client_assertion`（RFC 7523：`iss` 与 `sub` 为 client_id，"
        "`aud` 只能是本服务的 issuer，最长五分钟，`jti` 只能使用一次）换取十分钟有效的访问令牌。"
        "被拒绝的答复另有成员 `error`，取值见 RFC 6749 5.2。",
        request=TokenRequest(
            grant_type=GRANT_TYPE, client_assertion_type=ASSERTION_TYPE, client_assertion=_JWS
        ),
        answer=TokenAnswer(
            access_token=_JWS,
            token_type="Bearer",  # noqa: S106 - the kind of token, not one
            expires_in=600,
            scope="consents eligibility",
        ),
    ),
    "getKeySet": OperationWords(
        description="本服务签发令牌与凭证所用的公钥（RFC 7517）；换钥期间新旧两把同时在列。",
        answer=KeySetAnswer(
            keys=[
                PublicKeyAnswer(
                    kty="EC",
                    crv="P-256",
                    x="f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                    y="x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
                    kid="cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s",
                    alg="ES256",
                    use="sig",
                )
            ]
        ),
    ),
    "getTokenServer": OperationWords(
        description="令牌地址、issuer 与支持的方式，供客户端库自动配置。",
        answer=metadata_of("https://chengxin.example"),
    ),
    "checkEligibility": OperationWords(
        description="凭市民给予的同意码，询问一项登记在贵方名下的守信激励。只答“可以”或“暂不可以”："
        "无人可查、未加入、未达到条件，三者答复完全一样。没有有效的同意一律为 403 "
        "`consent_revoked`。每次询问先写入市民看得到的记录，再作答。同一同意每日次数由市民限定，"
        "超出为 429 `frequency_exceeded`。带同一 `Idempotency-Key` 重发，得到逐字节相同的答复，不多记一次，"
        "也不多用一次；不带则又是一次询问。",
        request=_QUESTION,
        answer=_YES,
    ),
    "checkEligibilityBatch": OperationWords(
        description="一次最多 500 项，按顺序作答；每一项与单独询问相同，不能作答的一项给出 `code` 与 "
        "`status`。因本服务的原因有一项无法作答时，整批为 503；带 `Idempotency-Key` 重发即可续办，已作答的不重复。",
        request=BatchRequest(items=[_QUESTION]),
        answer=BatchAnswer(
            items=[
                BatchItem(
                    eligible=True,
                    policy=_YES.policy,
                    valid_until=_YES.valid_until,
                    decision_id=_YES.decision_id,
                    snapshot=_YES.snapshot,
                ),
                BatchItem(code="consent_revoked", status=403),
            ]
        ),
    ),
    "attestDeletion": OperationWords(
        description="声明：凡在 `ended_until` 当天及以前结束的同意（到期、撤回或退出），由此取得的数据与据此"
        "生成的数据均已删除。同意结束满三十天仍未声明的，信用办会看到，且不能再得到新的同意（409 "
        "`attestation_overdue`），声明之后即恢复。",
        request=AttestationRequest(ended_until=dt.date(2026, 1, 31)),
        answer=AttestationAnswer(
            partner="city_library",
            ended_until=dt.date(2026, 1, 31),
            attested_at=dt.datetime(2026, 2, 2, 1, 30, tzinfo=dt.UTC),
        ),
    ),
    "listPartners": OperationWords(
        description="每家合作方的删除声明：哪天起逾期（`overdue_since`），是否因此不能再得到新的同意"
        "（`is_flagged`），以及因大量询问无效的同意码而告警的次数。不含市民的任何信息。",
        answer=PartnersAnswer(
            items=[
                PartnerStanding(
                    id="city_library",
                    name="市图书馆",
                    is_flagged=False,
                    overdue_since=None,
                    attested_until=dt.date(2026, 1, 31),
                    attested_at=dt.datetime(2026, 2, 2, 1, 30, tzinfo=dt.UTC),
                    alarms=0,
                    alarmed_at=None,
                )
            ]
        ),
    ),
    "getPartnerConsent": OperationWords(
        description="贵方持有的一项同意：状态、范围与期限。不属于贵方的与不存在的答复相同。",
        answer=PartnerConsentAnswer(
            handle=HANDLE,
            status="active",
            policy="xinyiyue_deposit_free",
            purpose="xinyiyue_deposit",
            not_before=dt.datetime(2026, 11, 2, 9, 15, tzinfo=dt.UTC),
            expires_at=dt.datetime(2027, 5, 1, tzinfo=dt.UTC),
            max_uses_per_day=3,
        ),
    ),
    "giveUpConsent": OperationWords(
        description="贵方不再需要这项同意。立即在所有节点生效，市民会看到；重复调用结果相同。",
        success="同意已经结束",
    ),
}
