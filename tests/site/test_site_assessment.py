"""The impact assessment and the items of Art. 17 on the public site."""

import datetime as dt
from html import escape
from pathlib import Path

import pytest
from builder import assessment_page
from builder.fragments import all_fragments
from builder.sources import from_repository

from scoring.errors import InputRefused
from scoring.policy.assessment import ASSESSMENT_PATH, load_assessment
from tests.site.conftest import AS_OF, BuiltSite


def test_the_page_shows_every_member_of_every_activity(built_site: BuiltSite) -> None:
    page = built_site.page("impact-assessment/index.html")
    for entry in load_assessment().activities:
        for text in (entry.purpose, entry.necessity, entry.impact, entry.proportionality, entry.author, entry.second_checker, *entry.measures):  # fmt: skip
            assert escape(text) in page, f"{entry.id}: {text}"
        assert f'datetime="{entry.assessed_on}"' in page
        assert f'datetime="{entry.review_on}"' in page


def test_the_privacy_page_has_every_item_of_article_17_and_the_person_in_charge(
    built_site: BuiltSite,
) -> None:
    page, assessment = built_site.page("privacy/index.html"), load_assessment()
    for place in assessment.article_17:
        assert place.item in page
        for code in place.notice:
            assert f'href="#notice-{code}"' in page
            assert f'id="notice-{code}"' in page
    contact = assessment.person_in_charge
    for text in (contact.role, contact.phone, contact.email, contact.counter):
        assert text in page.split('id="person-in-charge"')[1]


def test_an_overdue_review_stops_the_build() -> None:
    due = min(entry.review_on for entry in load_assessment().activities)
    assert all_fragments(from_repository(due))["assessment"]
    with pytest.raises(InputRefused, match="pia_review_overdue"):
        all_fragments(from_repository(due + dt.timedelta(days=1)))


def test_a_gap_in_the_assessment_stops_the_build(tmp_path: Path) -> None:
    gap = tmp_path / "assessment.toml"
    gap.write_text(ASSESSMENT_PATH.read_text("utf-8").replace("impact = ", "effect = ", 1), "utf-8")
    with pytest.raises(InputRefused, match=r"scoring: impact: is missing"):
        assessment_page.checked(AS_OF, gap)


def test_an_older_snapshot_is_shown_with_the_assessment_of_today() -> None:
    assert assessment_page.checked(dt.date(2026, 2, 1)) == load_assessment()
