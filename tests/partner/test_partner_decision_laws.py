"""Laws of the decision, over all benefits and all scores."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.partner.decision import (
    answer_bytes,
    decided_at_ms,
    decision_id_of,
    is_eligible,
    valid_until_ms,
)
from api.partner.policies import city_day_number
from tests.partner.town import REGISTER

BENEFITS = st.sampled_from(sorted(REGISTER))
MARKS = st.sampled_from([None, b"e:7", b"w:7"])


@pytest.mark.parametrize("benefit", sorted(REGISTER))
def test_enrolled_is_never_worse_off_than_not_enrolled(benefit: str) -> None:
    threshold = REGISTER[benefit].threshold
    for mark in (None, b"w:7"):
        not_enrolled = is_eligible(None, mark, threshold)
        for score in range(1_001):
            assert is_eligible(score, None, threshold) >= not_enrolled
            assert is_eligible(score, b"e:7", threshold) >= not_enrolled


@given(benefit=BENEFITS, lower=st.integers(0, 1_000), more=st.integers(0, 1_000), mark=MARKS)
def test_more_points_never_close_a_benefit(
    benefit: str, lower: int, more: int, mark: bytes | None
) -> None:
    threshold = REGISTER[benefit].threshold
    higher = min(1_000, lower + more)
    assert is_eligible(higher, mark, threshold) >= is_eligible(lower, mark, threshold)


@given(score=st.integers(0, 1_000), benefit=BENEFITS)
def test_whoever_left_has_no_score(score: int, benefit: str) -> None:
    assert not is_eligible(score, b"w:8", REGISTER[benefit].threshold)


@given(at_ms=st.integers(0, (1 << 47) - 1), random=st.binary(min_size=10, max_size=10))
def test_a_decision_id_tells_when_and_has_one_length(at_ms: int, random: bytes) -> None:
    decision_id = decision_id_of(at_ms, random)
    assert len(decision_id) == 22
    assert decided_at_ms(decision_id) == at_ms


@pytest.mark.parametrize("text", ["", "A", "A" * 21, "A" * 23, "é" * 22, "A" * 21 + "!"])
def test_another_text_is_no_decision_id(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any kind of it
        decided_at_ms(text)


@given(benefit=BENEFITS, now_ms=st.integers(0, 1 << 41), expires_ms=st.integers(0, 1 << 42))
def test_an_answer_outlives_neither_policy_nor_consent(
    benefit: str, now_ms: int, expires_ms: int
) -> None:
    until = valid_until_ms(REGISTER[benefit], now_ms, expires_ms)
    assert until <= expires_ms
    assert until <= now_ms + REGISTER[benefit].answer_valid_days * 86_400_000


def test_the_bytes_of_yes_and_no_have_one_length() -> None:
    members = {"policy": "p", "valid_until": "u", "decision_id": "d", "snapshot": "s"}
    yes, no = (answer_bytes(eligible=word, **members) for word in (True, False))
    assert len(yes) == len(no)


def test_a_day_of_the_city_begins_at_sixteen_hours_utc() -> None:
    hour = 3_600_000
    assert city_day_number(16 * hour) == city_day_number(15 * hour) + 1
