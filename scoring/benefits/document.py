"""What `GET /v1/benefits` says: every policy of the register with its status on a day."""

import datetime as dt
from typing import Literal

from scoring.benefits.model import BenefitPolicy, BenefitsRegister
from scoring.contract.documents import Benefit, BenefitsDocument


def benefits_document(register: BenefitsRegister, as_of: dt.date) -> BenefitsDocument:
    """All policies in the order of the register."""
    names = {partner.id: partner.name for partner in register.partners}
    return BenefitsDocument(
        items=[_published(policy, names[policy.partner], as_of) for policy in register.policies]
    )


def _published(policy: BenefitPolicy, partner_name: str, as_of: dt.date) -> Benefit:
    return Benefit(
        id=policy.id,
        scene=policy.scene,
        partner=policy.partner,
        partner_name=partner_name,
        purpose=policy.purpose,
        benefit_type=policy.benefit_type,
        service_class=policy.service_class,
        threshold=policy.threshold,
        what=policy.what,
        valid_from=policy.valid_from,
        valid_until=policy.valid_until,
        answer_valid_days=policy.answer_valid_days,
        legal_basis=policy.legal_basis,
        status=_status(policy, as_of),
    )


def _status(policy: BenefitPolicy, as_of: dt.date) -> Literal["planned", "live", "paused", "ended"]:
    if as_of < policy.valid_from:
        return "planned"
    if as_of > policy.valid_until:
        return "ended"
    return policy.status
