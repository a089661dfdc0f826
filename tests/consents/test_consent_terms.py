"""What may be agreed to, on both sides of every limit."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.consents.terms import DAY_MS, TermsRefused, agreed, months_later
from tests.consents.consent_parts import REGISTER, asked, benefit
from tests.ledger.drafts import AT_MS

TODAY = dt.date(2026, 9, 21)
YEAR_MS = months_later(AT_MS, 12)


def refusal(register: list = REGISTER, **terms: object) -> str | None:
    try:
        agreed(asked(**terms), register, now_ms=AT_MS, today=TODAY)
    except TermsRefused as refused:
        return refused.code
    return None


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({}, None),
        ({"partner": "nobody"}, "unknown_partner"),
        ({"policy": "water_supply"}, "unknown_policy"),
        ({"policy": "pay_later"}, "policy_of_another_partner"),
        ({"purpose": ""}, "purpose_missing"),
        ({"purpose": None}, "purpose_missing"),
        ({"purpose": "marketing"}, "purpose_not_registered"),
        ({"expires_at_ms": AT_MS}, "expiry_in_the_past"),
        ({"expires_at_ms": AT_MS + 1}, None),
        ({"expires_at_ms": YEAR_MS}, None),
        ({"expires_at_ms": YEAR_MS + 1}, "expiry_too_late"),
        ({"not_before_ms": AT_MS + 30 * DAY_MS}, "start_after_expiry"),
        ({"not_before_ms": AT_MS + 30 * DAY_MS - 1}, None),
        ({"not_before_ms": 0}, None),
        ({"max_uses_per_day": 0}, "uses_out_of_range"),
        ({"max_uses_per_day": 1}, None),
        ({"max_uses_per_day": 100}, None),
        ({"max_uses_per_day": 101}, "uses_out_of_range"),
        ({"data_life_days": 0}, "data_life_out_of_range"),
        ({"data_life_days": 30}, None),
        ({"data_life_days": 31}, "data_life_out_of_range"),
    ],
)
def test_terms_are_agreed_or_refused_with_their_reason(terms: dict, code: str | None) -> None:
    assert refusal(**terms) == code


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "planned"},
        {"status": "paused"},
        {"status": "ended"},
        {"valid_from": TODAY + dt.timedelta(days=1)},
        {"valid_until": TODAY - dt.timedelta(days=1)},
    ],
    ids=str,
)
def test_a_benefit_that_is_not_open_cannot_be_agreed_to(changes: dict) -> None:
    assert refusal([benefit(**changes)]) == "benefit_not_open"


@pytest.mark.parametrize("changes", [{"valid_from": TODAY}, {"valid_until": TODAY}], ids=str)
def test_first_and_last_day_of_a_benefit_count(changes: dict) -> None:
    assert refusal([benefit(**changes)]) is None


def test_a_consent_never_begins_before_it_is_given() -> None:
    terms = agreed(asked(not_before_ms=0), REGISTER, now_ms=AT_MS, today=TODAY)
    assert terms.not_before_ms == AT_MS


def at(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp()) * 1_000


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2027-02-28T10:00:00", "2028-02-28T10:00:00"),
        ("2028-02-29T10:00:00", "2029-02-28T10:00:00"),
        ("2026-12-31T23:59:59", "2027-12-31T23:59:59"),
        ("2026-01-01T00:00:00", "2027-01-01T00:00:00"),
    ],
)
def test_twelve_months_end_on_the_same_day_or_the_months_last(start: str, end: str) -> None:
    assert months_later(at(start), 12) == at(end)


@given(st.integers(0, 4_000_000_000_000))
def test_twelve_months_are_365_or_366_days(at_ms: int) -> None:
    assert (months_later(at_ms, 12) - at_ms) / DAY_MS in (365, 366)
