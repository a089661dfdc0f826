"""What `GET /v1/rules` will say."""

import datetime as dt

import msgspec
import pytest

from scoring.errors import InputRefused
from scoring.rulebook import load_rulebook, published_document
from scoring.rulebook.load import load_rulebook as load_from

RULEBOOK = load_rulebook()
DAY = dt.date(2026, 6, 30)


def test_equal_rules_have_equal_versions_on_different_days() -> None:
    assert (
        published_document(RULEBOOK, DAY).version
        == published_document(RULEBOOK, dt.date(2026, 1, 1)).version
    )


def test_another_wording_is_another_version() -> None:
    rules = [msgspec.structs.replace(rule, reason="改") for rule in RULEBOOK.rules]
    changed = published_document(msgspec.structs.replace(RULEBOOK, rules=rules), DAY)
    assert changed.version != published_document(RULEBOOK, DAY).version
    assert changed.version[:10] == "2026-01-01"


def test_a_day_without_a_scale_has_no_rules() -> None:
    with pytest.raises(InputRefused, match="rule_gap"):
        published_document(RULEBOOK, dt.date(2025, 12, 31))


def test_a_repealed_rule_is_not_in_force_from_that_day() -> None:
    first = RULEBOOK.rules[0]
    ended = msgspec.structs.replace(first.value[0], repealed_on=DAY)
    rules = [msgspec.structs.replace(first, value=[ended]), *RULEBOOK.rules[1:]]
    rulebook = msgspec.structs.replace(RULEBOOK, rules=rules)
    before = rulebook.in_force(DAY - dt.timedelta(days=1)).rules
    assert len(before) == len(rulebook.in_force(DAY).rules) + 1


def test_a_file_with_an_unknown_member_is_not_loaded(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "rulebook.toml"
    path.write_text("[[scale]]\nbonus = 1\n", encoding="utf-8")
    with pytest.raises(InputRefused, match="rulebook_unreadable"):
        load_from(path)
