"""What `chengxin pia check` refuses, member by member."""

import datetime as dt
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.commands import app
from api.ledger.notice_facts import notice_facts_on
from scoring.errors import InputRefused
from scoring.lint.everything import lint
from scoring.policy.assessment import (
    ACTIVITIES,
    ASSESSMENT_PATH,
    check_assessment,
    load_assessment,
)

AS_OF = dt.date(2026, 11, 22)
TEXT = ASSESSMENT_PATH.read_text("utf-8")
SCORING = "activity[1] scoring"


def problems_of(tmp_path: Path, text: str, as_of: dt.date = AS_OF) -> list[tuple[str, str, str]]:
    file = tmp_path / "assessment.toml"
    file.write_text(text, "utf-8")
    found = check_assessment(file, as_of, notice_facts_on(as_of))
    return [(problem.where, problem.rule, problem.message) for problem in found]


def without(member: str) -> str:
    """The first entry loses a member, which may run over several lines."""
    table = TEXT.index("[[activity]]")
    found = re.compile(rf"^{member} = (\[\n.*?^\]|.*?)\n", re.DOTALL | re.MULTILINE)
    return TEXT[:table] + found.sub("", TEXT[table:], count=1)


def changed(old: str, new: str) -> str:
    assert old in TEXT
    return TEXT.replace(old, new, 1)


def test_the_assessment_of_the_package_holds() -> None:
    assert check_assessment(ASSESSMENT_PATH, AS_OF, notice_facts_on(AS_OF)) == []
    assert [entry.id for entry in load_assessment().activities] == list(ACTIVITIES)


@pytest.mark.parametrize(
    ("member", "words"),
    [
        ("name", "fill it in"),
        ("grounds", "第五十五条"),
        ("purposes", "fill it in"),
        ("legal_basis", "name the law and article"),
        ("purpose", "say what it is for"),
        ("necessity", "lawful, proper and necessary"),
        ("impact", "people's rights"),
        ("risk", "low, medium or high"),
        ("measures", "protective measures"),
        ("proportionality", "fit the risk"),
        ("assessed_on", "before it began"),
        ("reviewed_on", "fill it in"),
        ("review_on", "fill it in"),
        ("author", "fill it in"),
        ("second_checker", "fill it in"),
        ("kept_years", "three years"),
    ],
)
def test_a_missing_member_is_named_with_what_to_do(tmp_path: Path, member: str, words: str) -> None:
    [(where, rule, message)] = problems_of(tmp_path, without(member))
    assert where == f"assessment.toml: {SCORING}: {member}"
    assert rule == "pia_member_missing"
    assert words in message


@pytest.mark.parametrize("table", ["limits", "person_in_charge"])
def test_a_missing_table_is_named(tmp_path: Path, table: str) -> None:
    cut = re.sub(rf"\[{table}\]\n.*?\n\n", "", TEXT, count=1, flags=re.DOTALL)
    [(where, rule, _)] = problems_of(tmp_path, cut)
    assert (where, rule) == (f"assessment.toml: {table}", "pia_member_missing")


@pytest.mark.parametrize(
    ("edit", "rule", "member"),
    [
        (("reviewed_on = 2026-11-20", "reviewed_on = 2024-11-20"), "pia_dates_out_of_order", "reviewed_on"),
        (("reviewed_on = 2026-11-20", "reviewed_on = 2026-11-23"), "pia_day_not_come", "reviewed_on"),
        (("review_on = 2027-05-22", "review_on = 2027-11-22"), "pia_review_too_far", "review_on"),
        (("review_on = 2027-05-22", "review_on = 2026-11-21"), "pia_review_overdue", "review_on"),
        (("信用办法制审核岗", "信用办数据治理岗"), "pia_same_person", "second_checker"),
        (("kept_years = 5", "kept_years = 2"), "pia_kept_too_short", "kept_years"),
        (('purposes = ["own_score"]', "purposes = []"), "pia_purpose_not_assessed", "own_score"),
        (('["own_score"]', '["own_score", "advertising"]'), "pia_purpose_unknown", "advertising"),
        (('id = "own_copy"', 'id = "other"'), "pia_activity_missing", "own_copy"),
        (('id = "own_copy"', 'id = "cases"'), "pia_activity_twice", "cases"),
        (('notice = ["controller"]', 'notice = ["handler"]'), "pia_notice_item_missing", "handler"),
        (('phone = "000-12345"', 'phone = "000-54321"'), "pia_contact_differs", "phone"),
        (('impact = "规则有误', 'impact = " "\nthoughts = "规则有误'), "pia_member_missing", "impact"),
        (('risk = "medium"', 'risk = "none"'), "pia_member_wrong", "risk"),
        (('risk = "medium"', 'risk = "medium"\nmood = "calm"'), "pia_member_unknown", "mood"),
        (("assessed_on = 2025-10-20", 'assessed_on = "once"'), "pia_member_wrong", "assessed_on"),
    ],
)  # fmt: skip
def test_a_wrong_member_is_named_with_its_rule(
    tmp_path: Path, edit: tuple[str, str], rule: str, member: str
) -> None:
    found = problems_of(tmp_path, changed(*edit))
    assert (rule, member) in [(code, where.rsplit(": ", 1)[1]) for where, code, _ in found]


@pytest.mark.parametrize(
    ("day", "exit_code"), [("2026-11-22", 0), ("2027-05-22", 0), ("2027-05-23", 4)]
)
def test_the_command_holds_until_the_day_of_the_review(day: str, exit_code: int) -> None:
    done = CliRunner().invoke(app, ["pia", "check", "--as-of", day])
    refusal = done.exception.exit_code if isinstance(done.exception, InputRefused) else 0
    assert refusal == exit_code
    assert done.output.count("pia_review_overdue") == (len(ACTIVITIES) if exit_code else 0)


@pytest.mark.parametrize(
    ("break_it", "code"),
    [
        (lambda file: file.write_text(without("impact"), "utf-8"), "pia_refused"),
        (lambda file: file.write_text("version = ", "utf-8"), "pia_unreadable"),
        (lambda file: file.write_bytes(b"\xff\xfe"), "pia_unreadable"),
        (lambda file: file.unlink(missing_ok=True), "pia_unreadable"),
    ],
)
def test_the_command_refuses_a_file_of_ones_own(
    tmp_path: Path, break_it: Callable[[Path], object], code: str
) -> None:
    file = tmp_path / "own.toml"
    break_it(file)
    arguments = ["pia", "check", "--file", str(file), "--as-of", "2026-11-22"]
    error = CliRunner().invoke(app, arguments).exception
    assert isinstance(error, InputRefused)
    assert (error.code, error.where, error.exit_code) == (code, str(file), 4)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (without("measures"), "pia_member_missing"),
        (changed('id = "scoring"', 'id = "scores"'), "pia_activity_missing"),
        ("version = ", "file_unreadable"),
    ],
)
def test_nobody_is_scored_without_an_assessment(tmp_path: Path, text: str, rule: str) -> None:
    file = tmp_path / "assessment.toml"
    file.write_text(text, "utf-8")
    assert [problem.rule for problem in lint(assessment=file)] == [rule]
