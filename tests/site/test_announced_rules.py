"""评分规则: what is announced stands on the page before it holds."""

import datetime as dt
import re

import msgspec
from builder import english_page, rules_page

from scoring.rulebook import load_rulebook, published_document

ANNOUNCED, IN_FORCE = dt.date(2026, 6, 1), dt.date(2026, 9, 1)


def _rules_of(day: dt.date):
    rulebook = load_rulebook()
    first, *others = rulebook.rules
    later = msgspec.structs.replace(
        first.value[0], effective_on=IN_FORCE, announced_on=ANNOUNCED, points=10
    )
    changed = msgspec.structs.replace(first, value=[*first.value, later])
    return published_document(msgspec.structs.replace(rulebook, rules=[changed, *others]), day)


def test_a_reader_finds_what_changes_from_when_and_since_when_it_is_announced() -> None:
    page = rules_page.upcoming(_rules_of(ANNOUNCED))
    assert "全部履行信用承诺：每条分数 由 +12 改为 +10" in page
    days = re.findall(r"datetime=\"(\d{4}-\d\d-\d\d)\"", page)
    assert days == [IN_FORCE.isoformat(), ANNOUNCED.isoformat()]
    assert "points a record from +12 to +10" in english_page.upcoming(_rules_of(ANNOUNCED))


def test_where_nothing_is_announced_the_page_says_so() -> None:
    for day in (ANNOUNCED - dt.timedelta(days=1), IN_FORCE):
        assert "目前没有" in rules_page.upcoming(_rules_of(day))
        assert "No change is announced" in english_page.upcoming(_rules_of(day))


def test_points_in_force_are_those_of_the_day_beside_an_announcement() -> None:
    before, after = (rules_page.summary(_rules_of(day)) for day in (ANNOUNCED, IN_FORCE))
    assert ">+12</td>" in before
    assert ">+12</td>" not in after
