"""What a score can open: scenes, purposes and partners as data."""

from scoring.benefits.document import benefits_document
from scoring.benefits.load import load_benefits
from scoring.benefits.model import BenefitPolicy, BenefitsRegister, Partner, Purpose

__all__ = [
    "BenefitPolicy",
    "BenefitsRegister",
    "Partner",
    "Purpose",
    "benefits_document",
    "load_benefits",
]
