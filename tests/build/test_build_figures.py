"""Small groups cannot be found in the figures, not even by subtraction."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.build.documents import SMALLEST_GROUP, suppressed


@pytest.mark.parametrize(
    ("counts", "shown"),
    [
        ([10, 20, 30, 40, 50], [10, 20, 30, 40, 50]),
        ([9, 20, 30, 40, 50], [None, None, 30, 40, 50]),
        ([9, 9, 30, 40, 50], [None, None, 30, 40, 50]),
        ([0, 20, 30, 40, 50], [None, 20, 30, 40, 50]),
        ([1, 0, 0, 0, 0], [None] * 5),
    ],
)
def test_groups_below_ten_are_hidden_with_a_companion(
    counts: list[int], shown: list[int | None]
) -> None:
    assert suppressed(counts) == shown


@given(st.lists(st.integers(0, 60), min_size=5, max_size=5))
def test_what_can_be_subtracted_from_the_total_is_nobody_or_a_group(counts: list[int]) -> None:
    shown = suppressed(counts)
    missing = sum(counts) - sum(count for count in shown if count is not None)
    assert missing == 0 or missing >= SMALLEST_GROUP or sum(counts) < SMALLEST_GROUP
    assert all(count is None or count >= SMALLEST_GROUP for count in shown)
