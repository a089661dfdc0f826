"""The benefit policies of the served snapshot, as a question names them."""

import datetime as dt
from collections.abc import Mapping
from typing import Annotated

import msgspec

from api.openapi.limits import IDENTIFIER, LINE, exactly
from api.partner.decision import DAY_MS, HOUR_MS, instant_text, is_open, valid_until_ms
from api.partner.registry import Partner
from api.problems import Problem
from api.store.protocol import Version
from api.versions import decoded_document
from scoring.contract.documents import Benefit, BenefitsDocument
from scoring.contract.snapshot import BENEFITS_DOCUMENT

CITY_OFFSET_MS = 8 * HOUR_MS  # China Standard Time knows no summer time

_Code = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=exactly(IDENTIFIER))]
_Handle = Annotated[str, msgspec.Meta(min_length=1, max_length=128, pattern=r"^[!-~]+\Z")]
_Purpose = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=exactly(LINE))]


class Question(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`consent`: the handle the citizen gave. `purpose`: the registered code."""

    policy: _Code
    consent: _Handle
    purpose: _Purpose


class PolicyBook:
    """Made once a version."""

    def __init__(self, version: Version) -> None:
        items = decoded_document(version, BENEFITS_DOCUMENT, BenefitsDocument).items
        self._by_id: Mapping[str, Benefit] = {benefit.id: benefit for benefit in items}
        self._purposes = frozenset(benefit.purpose for benefit in items)
        self._day = -1
        self._open: frozenset[str] = frozenset()
        self._until: dict[str, tuple[int, str]] = {}

    def asked(self, partner: Partner, question: Question, now_ms: int) -> Benefit:
        """The policy, where this partner may ask for it today and with this purpose. Which policies
        there are and whose they are is public, so that the refusals may differ. Raises Problem."""
        benefit = self._by_id.get(question.policy)
        if benefit is None:
            raise Problem("policy_not_found")
        if benefit.partner != partner.id or benefit.id not in partner.policies:
            raise Problem("policy_not_yours")
        if question.purpose != benefit.purpose:
            is_known = question.purpose in self._purposes
            raise Problem("purpose_mismatch" if is_known else "purpose_unknown")
        if benefit.id not in self._open_on(city_day_number(now_ms)):
            raise Problem("policy_not_open")
        return benefit

    def valid_until(self, benefit: Benefit, now_ms: int, consent_expires_at_ms: int) -> str:
        until = valid_until_ms(benefit, now_ms, consent_expires_at_ms)
        known = self._until.get(benefit.id)
        if known is not None and known[0] == until:
            return known[1]
        text = instant_text(until)
        if until != consent_expires_at_ms:
            self._until[benefit.id] = (until, text)
        return text

    def _open_on(self, day: int) -> frozenset[str]:
        if day != self._day:
            date = dt.date(1970, 1, 1) + dt.timedelta(days=day)
            self._open = frozenset(b.id for b in self._by_id.values() if is_open(b, date))
            self._day = day
        return self._open


def city_day_number(now_ms: int) -> int:
    """Days since 1970-01-01 on the city's clock."""
    return (now_ms + CITY_OFFSET_MS) // DAY_MS
