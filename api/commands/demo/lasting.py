"""What the repository's own data let end on a day, while a demo is started on any day.

The city is invented. So that its partners can be asked, its benefits go on where the register's have
ended; so that its site can be printed, its day is none on which the impact assessment is overdue.
"""

import datetime as dt

import msgspec

from scoring.benefits import BenefitsRegister, load_benefits
from scoring.policy.assessment import load_assessment

NEVER = dt.date(2999, 12, 31)
SHOWN_AHEAD = dt.timedelta(days=366)  # a demo is kept and started again


def lasting_register(until: dt.date = NEVER) -> BenefitsRegister:
    """The city's benefits; each holds at least until that day."""
    register = load_benefits()
    policies = [
        msgspec.structs.replace(each, valid_until=max(each.valid_until, until))
        for each in register.policies
    ]
    return msgspec.structs.replace(register, policies=policies)


def shown_day(today: dt.date) -> dt.date:
    """Today, or the last day before a review of the impact assessment was due."""
    return min(today, *(entry.review_on for entry in load_assessment().activities))
