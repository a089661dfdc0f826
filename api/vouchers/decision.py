"""May this citizen have this benefit today? The same question partners ask, answered alike."""

import datetime as dt
from typing import Literal

from api.partner.decision import is_eligible, is_open
from scoring.contract.documents import Benefit

RefusalCode = Literal["unknown_policy", "benefit_not_open", "not_eligible_now", "not_enrolled"]


class VoucherNotIssued(Exception):
    def __init__(self, code: RefusalCode) -> None:
        super().__init__(code)
        self.code = code


def open_benefit(register: list[Benefit], policy: str, today: dt.date) -> Benefit:
    """Raises VoucherNotIssued unknown_policy, benefit_not_open."""
    benefit = next((entry for entry in register if entry.id == policy), None)
    if benefit is None:
        raise VoucherNotIssued("unknown_policy")
    if not is_open(benefit, today):
        raise VoucherNotIssued("benefit_not_open")
    return benefit


def require_eligible(score_points: int, benefit: Benefit) -> None:
    """Who has left is refused before. Raises VoucherNotIssued not_eligible_now."""
    if not is_eligible(score_points, None, benefit.threshold):
        raise VoucherNotIssued("not_eligible_now")
