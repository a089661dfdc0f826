"""May this citizen have this benefit today? Pure; the same question partners ask."""

import datetime as dt
from typing import Literal

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
    if benefit.status != "live" or not benefit.valid_from <= today <= benefit.valid_until:
        raise VoucherNotIssued("benefit_not_open")
    return benefit


def require_eligible(score_points: int, benefit: Benefit) -> None:
    """Raises VoucherNotIssued not_eligible_now."""
    if score_points < benefit.threshold:
        raise VoucherNotIssued("not_eligible_now")
