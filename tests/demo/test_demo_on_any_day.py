"""A demo is started on any day, also when what the repository holds has ended long ago."""

import datetime as dt

import pytest

from api.commands.demo.lasting import SHOWN_AHEAD, lasting_register, shown_day
from api.ledger.notice_facts import notice_facts_on
from scoring.benefits import benefits_document, load_benefits
from scoring.policy.assessment import ASSESSMENT_PATH, check_assessment

EARLY, LATE = dt.date(2026, 11, 22), dt.date(2041, 2, 28)


@pytest.mark.parametrize("today", [EARLY, LATE])
def test_every_benefit_can_be_asked_about(today: dt.date) -> None:
    until = today + SHOWN_AHEAD
    items = benefits_document(lasting_register(until), shown_day(today)).items
    live = [item for item in items if item.status == "live"]
    assert len(live) >= 6
    assert all(item.valid_from <= today and until <= item.valid_until for item in live)


def test_a_benefit_that_holds_long_enough_is_shown_as_it_is() -> None:
    first = min(policy.valid_until for policy in load_benefits().policies)
    assert lasting_register(first) == load_benefits()


@pytest.mark.parametrize("today", [EARLY, LATE])
def test_its_site_can_be_printed(today: dt.date) -> None:
    day = shown_day(today)
    assert day <= today
    assert check_assessment(ASSESSMENT_PATH, day, notice_facts_on(day)) == []


def test_a_day_before_any_review_is_due_is_shown_as_it_is() -> None:
    assert shown_day(EARLY) == EARLY
