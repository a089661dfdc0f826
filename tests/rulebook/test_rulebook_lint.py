"""The linter refuses what would break a promise, and says in which file, line and entry."""

from pathlib import Path

import pytest

from scoring.lint.everything import lint
from scoring.lint.problem import LintProblem
from scoring.rulebook.load import RULEBOOK_PATH

EDITION = RULEBOOK_PATH.read_text(encoding="utf-8")


def _problems(tmp_path: Path, text: str) -> list[LintProblem]:
    path = tmp_path / "rulebook.toml"
    path.write_text(text, encoding="utf-8")
    return lint(rulebook=path)


def _changed(old: str, new: str, text: str = EDITION) -> str:
    assert old in text, old
    return text.replace(old, new, 1)


def _line_of(text: str, needle: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), start=1) if needle in line)


def test_the_edition_in_force_is_accepted() -> None:
    assert lint() == []


@pytest.mark.parametrize(
    "member",
    [
        "effective_on = 2026-01-01",
        'unit = "points_per_record"',
        'reason = "作出承诺并全部履行，是守信最直接的事实。"',
        'author = "信用办 规则组"',
        'second_checker = "司法局 合法性审查组"',
        "review_on = 2027-01-01",
        "cap = 60",
        "validity_days = 730",
    ],
)
def test_a_rule_without_one_of_its_members_is_refused(tmp_path: Path, member: str) -> None:
    head, tail = EDITION.split('id = "commitment_kept"', 1)
    text = head + 'id = "commitment_kept"' + tail.replace(f"{member}\n", "", 1)
    [problem] = _problems(tmp_path, text)
    assert problem.rule in {"member_missing", "member_unreadable"}
    assert member.split(" ", maxsplit=1)[0] in problem.message
    assert problem.file == "rulebook.toml"
    assert "commitment_kept" in problem.where


@pytest.mark.parametrize("basis", ["", "   "])
def test_a_value_with_an_empty_legal_basis_is_refused(tmp_path: Path, basis: str) -> None:
    start = EDITION.index("legal_basis", EDITION.index("\n[[rule.value]]"))
    end = EDITION.index("\n", start)
    text = EDITION[:start] + f'legal_basis = "{basis}"' + EDITION[end:]
    [problem] = _problems(tmp_path, text)
    assert problem.rule == "member_missing"
    assert problem.line == EDITION[:start].count("\n") + 1


SECOND_VALUE = """
[[rule.value]]
effective_on = {start}
announced_on = 2026-06-01
points = 10
cap = 60
validity_days = 730
legal_basis = "《市民诚信分管理办法（试行）》第八条第一项"
"""


def _with_second_value(start: str, repealed: str | None = None) -> str:
    text = EDITION
    if repealed:
        text = _changed("points = 12", f"repealed_on = {repealed}\npoints = 12")
    end = text.index('\n[[rule]]\nid = "commitment_partly_kept"')
    return text[:end] + SECOND_VALUE.format(start=start) + text[end:]


def test_a_later_announced_value_is_accepted(tmp_path: Path) -> None:
    assert _problems(tmp_path, _with_second_value("2026-09-01")) == []
    assert _problems(tmp_path, _with_second_value("2026-09-01", "2026-09-01")) == []


@pytest.mark.parametrize(
    ("start", "repealed", "rule"),
    [
        ("2026-01-01", None, "two_values_on_a_day"),
        ("2026-09-01", "2026-09-02", "two_values_on_a_day"),
        ("2026-09-01", "2026-08-31", "gap_in_dates"),
        ("2026-06-01", None, "not_announced"),
        ("2026-05-31", None, "not_announced"),
        ("2026-06-30", None, "notice_too_short"),
        ("2027-01-01", None, "review_not_ahead"),
    ],
)
def test_dates_that_leave_a_day_without_or_with_two_values_are_refused(
    tmp_path: Path, start: str, repealed: str | None, rule: str
) -> None:
    text = _with_second_value(start, repealed)
    problems = _problems(tmp_path, text)
    assert rule in {problem.rule for problem in problems}
    found = next(problem for problem in problems if problem.rule == rule)
    assert "commitment_kept" in found.where


def test_a_change_is_in_force_a_month_after_its_announcement_at_the_earliest(
    tmp_path: Path,
) -> None:
    assert _problems(tmp_path, _with_second_value("2026-07-01")) == []
    [problem] = _problems(tmp_path, _with_second_value("2026-06-30"))
    assert "规章制定程序条例" in problem.message


@pytest.mark.parametrize(
    ("announced", "rules"),
    [
        ("", {"not_announced"}),
        ("repeal_announced_on = 2026-08-31\n", {"not_announced"}),
        ("repeal_announced_on = 2026-08-10\n", {"notice_too_short"}),
        ("repeal_announced_on = 2026-08-01\n", set()),
    ],
)
def test_an_end_is_a_change_and_is_announced_like_one(
    tmp_path: Path, announced: str, rules: set[str]
) -> None:
    text = _changed("points = 12", f"repealed_on = 2026-08-31\n{announced}points = 12")
    assert {problem.rule for problem in _problems(tmp_path, text)} == rules


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("points = 12", "points = 0", "no_points"),
        ("cap = 60", "cap = -60", "mixed_signs"),
        ("cap = 60", "cap = 11", "cap_below_step"),
        ("cap = 60", "cap = 261", "out_of_range"),
        ("cap = -75\nvalidity_days = 365", "cap = -76\nvalidity_days = 365", "out_of_range"),
        ("{ at_least = 30, points = -8 }", "{ at_least = 1, points = -8 }", "steps_not_ascending"),
        ("{ at_least = 30, points = -8 }", "{ at_least = 30, points = -2 }", "steps_not_monotone"),
        ("{ at_least = 30, points = -8 }", "{ at_least = 30, points = 8 }", "mixed_signs"),
        ("points = 12\n", "points = 12\nsteps = [{at_least=1, points=2}]\n", "points_or_steps"),
        ('unit = "points_per_record"', 'unit = "points_per_mood"', "unit_unknown"),
        ('unit = "points_by_overdue_days"', 'unit = "points_by_honour_level"', "unit_unknown"),
        ('measure = "overdue_days"\n', "", "measure_missing"),
        ("validity_days = 730", "validity_days = 0", "never_counts"),
        ('outcome = "general"', 'outcome = "minor"', "never_counts"),
        ('outcome = "broken"', 'outcome = "kept"', "two_rules_for_a_fact"),
        ('kind = "honour"', 'kind = "volunteering"', "fact_unknown"),
        ('id = "honour"', 'id = "commitment_kept"', "doubled_entry"),
        ("from = 550", "from = 551", "band_gap"),
        ("from = 550", "from = 549", "band_overlap"),
        ("to = 1000", "to = 999", "band_gap"),
        ('code = "band_2"', 'code = "band_1"', "bands_wrong"),
        ("base = 600", "base = 1001", "out_of_range"),
        ('second_checker = "司法局 合法性审查组"', 'second_checker = "信用办 规则组"', "author_checks_herself"),
        ("points = 12\n", "points = 12\nbonus = 3\n", "member_unreadable"),
        ("announced_on = 2025-11-01", "announced_on = 2026-01-01", "not_announced"),
        ("[[scale]]", "[[scales]]", "entry_missing"),
        ("validity_days = 730", "validity_days = 1827", "counts_too_long"),
        ("validity_days = 730", "validity_days = 1096", "erased_while_counting"),
        ("{ at_least = 1, points = -3 }", "{ at_least = -1, points = -3 }", "steps_below_zero"),
        ("《市民诚信分管理办法（试行）》第六条", "待定", "basis_names_no_text"),
        ("《全国公共信用信息基础目录》“信用承诺及履行情况”；《市民诚信分管理办法（试行）》第八条第一项", "待定 《 》", "basis_names_no_text"),
        ('name = "第五档"', 'name = "诚信模范"', "band_judges"),
        ('name_en = "Band 1"', 'name_en = "Poor"', "band_judges"),
        ("effective_on = 2026-01-01", 'effective_on = "2026-01-01"', "member_unreadable"),
    ],
)  # fmt: skip
def test_what_would_break_a_promise_is_refused(
    tmp_path: Path, old: str, new: str, rule: str
) -> None:
    problems = _problems(tmp_path, _changed(old, new))
    assert rule in {problem.rule for problem in problems}, problems


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("作出承诺并全部履行", "遵守垃圾分类并全部履行"),
        ("作出承诺并全部履行", "按时缴纳物业费并履行"),
        ('name_en = "Commitment kept"', 'name_en = "Blood donation"'),
        ('name = "第一档"', 'name = "党员"'),
        ("第八条第一项", "第八条第一项（献血）"),
    ],
)
def test_a_forbidden_input_is_refused_wherever_it_is_worded(
    tmp_path: Path, old: str, new: str
) -> None:
    text = _changed(old, new)
    problems = [p for p in _problems(tmp_path, text) if p.rule == "forbidden_input"]
    assert problems
    assert problems[0].line == _line_of(
        text, new.rsplit(" = ", maxsplit=1)[-1].strip('"')
    ) or "bands" in (problems[0].where)


def test_a_thirteenth_rule_is_refused(tmp_path: Path) -> None:
    entries = EDITION.split("[[rule]]")
    more = "".join(
        "[[rule]]" + entries[1].replace("commitment_kept", f"extra_{number}").replace("cap = 60", "cap = 12")
        for number in range(4)
    )  # fmt: skip
    rules = {problem.rule for problem in _problems(tmp_path, EDITION + more)}
    assert {"two_rules_for_a_fact", "too_many_rules"} <= rules


def test_a_problem_names_file_line_and_entry(tmp_path: Path) -> None:
    text = _changed("cap = 60", "cap = 11")
    [problem] = _problems(tmp_path, text)
    assert (problem.file, problem.line) == ("rulebook.toml", _line_of(text, "cap = 11"))
    assert problem.where.startswith(f"rulebook.toml:{problem.line} rule commitment_kept")


def test_a_member_that_cannot_be_read_is_named_by_its_own_line(tmp_path: Path) -> None:
    text = _changed("points = 12\n", 'points = "12"\n')
    [problem] = _problems(tmp_path, text)
    assert (problem.rule, problem.line) == ("member_unreadable", _line_of(text, 'points = "12"'))


def test_a_file_that_is_no_toml_is_one_problem_and_no_crash(tmp_path: Path) -> None:
    [problem] = _problems(tmp_path, "[[rule]\n")
    assert problem.rule == "file_unreadable"


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("\ufeff" + EDITION, 1, "byte order mark"),
        (_changed("announced_on = 2025-11-01", "announced_on = 2025-02-30"), 0, "Invalid date"),
    ],
)
def test_a_file_that_cannot_be_read_names_the_line_where_reading_ended(
    tmp_path: Path, text: str, line: int, word: str
) -> None:
    [problem] = _problems(tmp_path, text)
    wanted = line or _line_of(text, "2025-02-30")
    assert (problem.rule, problem.line) == ("file_unreadable", wanted)
    assert problem.where == f"rulebook.toml:{wanted}"
    assert word in problem.message
