"""Words and example of issuing a voucher."""

import datetime as dt

from api.openapi.operation_words import OperationWords
from api.vouchers.answers import VoucherAnswer, VoucherRequest

_SHOWN_VOUCHER = (
    "eyJhbGciOiJFUzI1NiIsInR5cCI6InZvdWNoZXIrand0In0.eyJhdWQiOiJjaXR5X2J1cyIsImV4cCI6MTc5NTMwNTcyMCwi"
    "anRpIjoiUTJobGJtZDRhVzVmTVRJeiIsInBvbGljeSI6InhpbnlpeGluZ19yaWRlX2xhdGVyIn0.p1RuW6t4dyKLHFYbKA_x"
    "CvTPU0tWZ7nQk0bq3jz3FQj4mYp8Gs1cXo2VdLwE5hR9aNiB7kfUuSeT0yMzZgDqJA"
)

VOUCHER_OPERATIONS: dict[str, OperationWords] = {
    "issueVoucher": OperationWords(
        description="生成一张两分钟内有效的凭证，在检票口或柜台出示；对方不联网也能用公钥核验（见“核验凭证”"
        "与“接入指南”）。凭证里只有合作方、优惠项目、到期时间和一个随机编号，没有身份，也没有分数。只有此刻"
        "符合条件才生成；不符合时为 409 `not_eligible_now`，只有您本人知道。同一 `Idempotency-Key` 重复发送，"
        "得到同一张凭证。",
        request=VoucherRequest(policy="xinyixing_ride_later"),
        answer=VoucherAnswer(
            token=_SHOWN_VOUCHER,
            policy="xinyixing_ride_later",
            audience="city_bus",
            expires_at=dt.datetime(2026, 11, 22, 4, 2, tzinfo=dt.UTC),
            qr_svg='<svg xmlns="http://www.w3.org/2000/svg" width="438" height="438"></svg>',
        ),
        success="凭证与它的二维码",
    ),
}
