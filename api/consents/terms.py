"""What a citizen agrees to, held against the published register of benefits.

Law: Personal Information Protection Law Art. 14 (specific consent), 6 (least scope). The limits are
those of the enrolment notice: a year at most, one partner, one policy, one purpose.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Literal

import msgspec

from scoring.contract.documents import Benefit

MOST_MONTHS = 12
MOST_USES_PER_DAY = 100
DAY_MS = 86_400_000

TermsRefusal = Literal[
    "unknown_partner",
    "unknown_policy",
    "policy_of_another_partner",
    "purpose_missing",
    "purpose_not_registered",
    "benefit_not_open",
    "expiry_in_the_past",
    "expiry_too_late",
    "start_after_expiry",
    "uses_out_of_range",
    "data_life_out_of_range",
]


class TermsRefused(Exception):
    def __init__(self, code: TermsRefusal) -> None:
        super().__init__(code)
        self.code = code


class AskedTerms(msgspec.Struct, frozen=True, kw_only=True):
    """As asked. Instants in UTC milliseconds; None takes the register's or the moment's value."""

    partner: str
    policy: str
    purpose: str | None
    not_before_ms: int | None
    expires_at_ms: int
    max_uses_per_day: int
    data_life_days: int | None


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """As agreed. `partner_name` and `what` in the words she saw. `data_life_days`: how long the
    partner may keep and rely on an answer."""

    partner: str
    partner_name: str
    policy: str
    purpose: str
    scene: str
    what: str
    legal_basis: str
    not_before_ms: int
    expires_at_ms: int
    max_uses_per_day: int
    data_life_days: int


def agreed(asked: AskedTerms, register: Sequence[Benefit], *, now_ms: int, today: dt.date) -> Terms:
    """`register`: the benefits of the served snapshot. `today`: the city's day. Raises
    TermsRefused."""
    benefit = registered_benefit(asked, register)
    if benefit.status != "live" or not benefit.valid_from <= today <= benefit.valid_until:
        raise TermsRefused("benefit_not_open")
    not_before_ms = now_ms if asked.not_before_ms is None else max(asked.not_before_ms, now_ms)
    require_period(not_before_ms, asked.expires_at_ms, now_ms=now_ms)
    if not 1 <= asked.max_uses_per_day <= MOST_USES_PER_DAY:
        raise TermsRefused("uses_out_of_range")
    return Terms(
        partner=benefit.partner,
        partner_name=benefit.partner_name,
        policy=benefit.id,
        purpose=benefit.purpose,
        scene=benefit.scene,
        what=benefit.what,
        legal_basis=benefit.legal_basis,
        not_before_ms=not_before_ms,
        expires_at_ms=asked.expires_at_ms,
        max_uses_per_day=asked.max_uses_per_day,
        data_life_days=_data_life(asked, benefit),
    )


def registered_benefit(asked: AskedTerms, register: Sequence[Benefit]) -> Benefit:
    """The one entry that partner, policy and purpose all name. Raises TermsRefused."""
    if not asked.purpose:
        raise TermsRefused("purpose_missing")
    if asked.partner not in {benefit.partner for benefit in register}:
        raise TermsRefused("unknown_partner")
    benefit = next((each for each in register if each.id == asked.policy), None)
    if benefit is None:
        raise TermsRefused("unknown_policy")
    if benefit.partner != asked.partner:
        raise TermsRefused("policy_of_another_partner")
    if benefit.purpose != asked.purpose:
        raise TermsRefused("purpose_not_registered")
    return benefit


def require_period(not_before_ms: int, expires_at_ms: int, *, now_ms: int) -> None:
    if expires_at_ms <= now_ms:
        raise TermsRefused("expiry_in_the_past")
    if expires_at_ms > months_later(now_ms, MOST_MONTHS):
        raise TermsRefused("expiry_too_late")
    if not_before_ms >= expires_at_ms:
        raise TermsRefused("start_after_expiry")


def months_later(at_ms: int, months: int) -> int:
    """The same time of day on the same day of a later month, or that month's last day."""
    at = dt.datetime.fromtimestamp(at_ms / 1_000, dt.UTC)
    year, month = divmod(at.year * 12 + at.month - 1 + months, 12)
    first_of_next = dt.date(year + (month == 11), (month + 1) % 12 + 1, 1)
    last_day = (first_of_next - dt.timedelta(days=1)).day
    later = at.replace(year=year, month=month + 1, day=min(at.day, last_day))
    return at_ms + round((later - at) / dt.timedelta(milliseconds=1))


def _data_life(asked: AskedTerms, benefit: Benefit) -> int:
    """No longer than the register allows: a consent narrows, it never widens."""
    days = benefit.answer_valid_days if asked.data_life_days is None else asked.data_life_days
    if not 1 <= days <= benefit.answer_valid_days:
        raise TermsRefused("data_life_out_of_range")
    return days
