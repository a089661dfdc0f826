"""Entries of the benefits register as read from TOML."""

import datetime as dt
from typing import Literal

import msgspec

BenefitType = Literal[
    "fee_cut", "deposit_waiver", "fast_lane", "pay_later", "longer_loan", "simpler_papers"
]
ServiceClass = Literal["convenience", "commercial", "cultural"]


class Purpose(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a partner may ask; `name` is what the citizen reads in her consent and her access log."""

    code: str
    name: str
    name_en: str


class Partner(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str
    name: str
    name_en: str
    purposes: list[str]


class BenefitPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`valid_until` is the last day. `status`: what the office decided; `planned` and `ended` also
    follow from the days (see `benefits_document`)."""

    id: str
    scene: str
    partner: str
    purpose: str
    benefit_type: BenefitType
    service_class: ServiceClass
    is_loan: bool = False
    threshold: int
    what: str
    valid_from: dt.date
    valid_until: dt.date
    answer_valid_days: int
    legal_basis: str
    status: Literal["live", "paused"]
    reason: str
    author: str
    second_checker: str
    review_on: dt.date


class BenefitsRegister(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    purposes: list[Purpose] = msgspec.field(name="purpose")
    partners: list[Partner] = msgspec.field(name="partner")
    policies: list[BenefitPolicy] = msgspec.field(name="benefit")
