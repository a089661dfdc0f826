"""A change is announced, shown as what is to come, and touches no day before its own."""

import datetime as dt

import msgspec
import pytest

from scoring.contract.documents import Step, UpcomingChange
from scoring.errors import InputRefused
from scoring.rulebook import Rulebook, load_rulebook, published_document
from scoring.rulebook.model import Value
from scoring.rulebook.past import refuse_backward_changes

ANNOUNCED, IN_FORCE = dt.date(2026, 6, 1), dt.date(2026, 9, 1)
DAY = dt.timedelta(days=1)
RULEBOOK = load_rulebook()


def _with_values(rulebook: Rulebook, rule_id: str, *values: Value) -> Rulebook:
    rules = [
        msgspec.structs.replace(rule, value=list(values)) if rule.id == rule_id else rule
        for rule in rulebook.rules
    ]
    return msgspec.structs.replace(rulebook, rules=rules)


def _first(rule_id: str) -> Value:
    return next(rule.value[0] for rule in RULEBOOK.rules if rule.id == rule_id)


def _announced(rule_id: str, **members: object) -> Rulebook:
    first = _first(rule_id)
    later = msgspec.structs.replace(first, effective_on=IN_FORCE, announced_on=ANNOUNCED, **members)
    return _with_values(RULEBOOK, rule_id, first, later)


def _upcoming(rulebook: Rulebook, day: dt.date) -> list[UpcomingChange]:
    return published_document(rulebook, day).upcoming


def test_nothing_is_to_come_in_the_edition_of_the_package() -> None:
    assert _upcoming(RULEBOOK, ANNOUNCED) == []


def test_a_change_is_to_come_from_its_announcement_until_the_day_before_it_holds() -> None:
    rulebook = _announced("commitment_kept", points=10)
    assert _upcoming(rulebook, ANNOUNCED - DAY) == []
    assert _upcoming(rulebook, ANNOUNCED) == _upcoming(rulebook, IN_FORCE - DAY) != []
    assert _upcoming(rulebook, IN_FORCE) == []


def test_it_says_what_changes_from_when_and_since_when_it_is_known() -> None:
    [change] = _upcoming(_announced("commitment_kept", points=10, validity_days=365), ANNOUNCED)
    assert (change.rule_id, change.change) == ("commitment_kept", "changes")
    assert (change.from_, change.announced_on) == (IN_FORCE, ANNOUNCED)
    assert change.text == "全部履行信用承诺：每条分数 由 +12 改为 +10，计入 由 730 天 改为 365 天"
    assert change.text_en == (
        "Commitment kept: points a record from +12 to +10, counts for from 730 days to 365 days"
    )
    assert (change.points, change.cap, change.validity_days) == (10, 60, 365)


def test_steps_to_come_are_told_step_by_step() -> None:
    steps = [Step(at_least=1, points=-2), Step(at_least=30, points=-8)]
    [change] = _upcoming(_announced("contract_late", steps=steps), ANNOUNCED)
    assert "1+ -3 / 30+ -8 / 90+ -20 改为 1+ -2 / 30+ -8" in change.text
    assert change.points == steps


def test_a_new_rule_begins_and_a_repealed_one_ends() -> None:
    value = msgspec.structs.replace(_first("honour"), effective_on=IN_FORCE, announced_on=ANNOUNCED)
    [begins] = _upcoming(_with_values(RULEBOOK, "honour", value), ANNOUNCED)
    assert begins.change == "begins"
    ended = msgspec.structs.replace(
        _first("honour"), repealed_on=IN_FORCE, repeal_announced_on=ANNOUNCED
    )
    [ends] = _upcoming(_with_values(RULEBOOK, "honour", ended), ANNOUNCED)
    assert (ends.change, ends.points, ends.cap) == ("ends", None, None)
    assert ends.text.endswith("停止施行，不再计分")


def test_a_value_that_takes_over_on_the_day_another_ends_is_one_change() -> None:
    first = msgspec.structs.replace(
        _first("honour"), repealed_on=IN_FORCE, repeal_announced_on=ANNOUNCED
    )
    later = msgspec.structs.replace(
        _first("honour"), effective_on=IN_FORCE, announced_on=ANNOUNCED, cap=90
    )
    [change] = _upcoming(_with_values(RULEBOOK, "honour", first, later), ANNOUNCED)
    assert (change.change, change.cap) == ("changes", 90)
    assert change.text == "法定守信荣誉：合计至多 由 +80 改为 +90"


def test_another_base_is_told_without_a_rule() -> None:
    scale = msgspec.structs.replace(
        RULEBOOK.scales[0], effective_on=IN_FORCE, announced_on=ANNOUNCED, base=610
    )
    rulebook = msgspec.structs.replace(RULEBOOK, scales=[*RULEBOOK.scales, scale])
    [change] = _upcoming(rulebook, ANNOUNCED)
    assert (change.rule_id, change.text[:9]) == (None, "基础分 610 分")


def test_an_announcement_is_no_new_version_and_the_first_day_is() -> None:
    rulebook = _announced("commitment_kept", points=10)
    today = published_document(RULEBOOK, ANNOUNCED)
    assert published_document(rulebook, ANNOUNCED).version == today.version
    assert published_document(rulebook, ANNOUNCED).rules == today.rules
    changed = published_document(rulebook, IN_FORCE)
    assert changed.version[:10] == IN_FORCE.isoformat()


@pytest.mark.parametrize("day", [IN_FORCE - DAY, dt.date(2026, 1, 1)])
def test_a_dated_change_leaves_every_past_day_as_it_was(day: dt.date) -> None:
    rulebook = _announced("commitment_kept", points=10)
    refuse_backward_changes(rulebook, published_document(RULEBOOK, day), day)


@pytest.mark.parametrize(
    "members", [{"points": 10}, {"cap": 50}, {"validity_days": 365}], ids=lambda m: next(iter(m))
)
def test_a_value_changed_in_place_would_work_backwards(members: dict[str, object]) -> None:
    edited = msgspec.structs.replace(_first("commitment_kept"), **members)
    rulebook = _with_values(RULEBOOK, "commitment_kept", edited)
    with pytest.raises(InputRefused, match=r"rules_work_backwards.*commitment_kept"):
        refuse_backward_changes(rulebook, published_document(RULEBOOK, ANNOUNCED), ANNOUNCED)


def test_a_rule_that_would_have_held_or_ended_before_works_backwards_too() -> None:
    early = msgspec.structs.replace(_first("honour"), effective_on=IN_FORCE)
    with pytest.raises(InputRefused, match=r"rules_work_backwards.*honour"):
        refuse_backward_changes(
            _with_values(RULEBOOK, "honour", early),
            published_document(RULEBOOK, ANNOUNCED),
            ANNOUNCED,
        )


def test_wording_may_be_put_right_at_any_time() -> None:
    rules = [msgspec.structs.replace(rule, reason="改") for rule in RULEBOOK.rules]
    refuse_backward_changes(
        msgspec.structs.replace(RULEBOOK, rules=rules),
        published_document(RULEBOOK, ANNOUNCED),
        ANNOUNCED,
    )
