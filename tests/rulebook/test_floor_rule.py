"""The floor: whoever is enrolled is never worse off than if she were not."""

import datetime as dt
import os

from hypothesis import given, settings
from hypothesis import strategies as st

from api.partner.decision import is_eligible
from scoring.benefits import benefits_document, load_benefits
from scoring.contract.documents import Benefit

BENEFITS = benefits_document(load_benefits(), dt.date(2026, 11, 1)).items
LAWS = settings(max_examples=int(os.environ.get("CHENGXIN_LAW_CASES", "200")), deadline=None)
SCORES = st.integers(0, 1000)
MARKS = st.sampled_from([None, b"e:7", b"w:8"])
# Everything a benefit may be opens something; the standard service is the same with a no.
OPENINGS = {
    "fee_cut",
    "deposit_waiver",
    "fast_lane",
    "pay_later",
    "longer_loan",
    "simpler_papers",
}


@LAWS
@given(st.sampled_from(BENEFITS), SCORES, MARKS)
def test_enrolled_is_never_worse_off_than_not_enrolled(
    benefit: Benefit, score: int, mark: bytes | None
) -> None:
    not_enrolled = is_eligible(None, None, benefit.threshold)
    assert is_eligible(score, mark, benefit.threshold) >= not_enrolled
    assert benefit.benefit_type in OPENINGS


@LAWS
@given(st.sampled_from(BENEFITS), SCORES, SCORES)
def test_a_higher_score_never_loses_a_benefit(benefit: Benefit, one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert is_eligible(high, None, benefit.threshold) >= is_eligible(low, None, benefit.threshold)


@LAWS
@given(st.sampled_from(BENEFITS), SCORES)
def test_who_has_left_is_treated_like_who_never_came(benefit: Benefit, score: int) -> None:
    left = is_eligible(score, b"w:9", benefit.threshold)
    assert left == is_eligible(None, None, benefit.threshold)
