"""What is done and what citizens were told: a difference without a notice is refused before a build."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from api.commands.build import build
from api.commands.lint import lint
from api.commands.told import notice_problems
from api.ledger.notice import NOTICE_FOLDER, load_notices
from scoring.benefits import load_benefits
from scoring.catalogue import load_catalogue
from scoring.errors import InputRefused
from scoring.lint.notices import lint_terms, terms_in_force
from scoring.lint.problem import LintProblem
from scoring.policy.material import load_material
from scoring.policy.terms import KindTerms, Wording
from scoring.rulebook import load_rulebook
from scoring.rulebook.load import RULEBOOK_PATH

DAY = dt.date(2026, 11, 22)
NEXT = "2027-03"
WithNext = Callable[..., Path]


def problems(*, rulebook: Path = RULEBOOK_PATH, notices: Path | None = None) -> list[LintProblem]:
    return notice_problems(
        load_rulebook(rulebook), load_benefits(), DAY, notices=notices, is_looking_ahead=True
    )


def changed(text: str, *changes: tuple[str, str]) -> str:
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


@pytest.fixture
def with_next(tmp_path: Path) -> WithNext:
    """The package's notices and one more, which holds from 2027-03-01."""

    def write(*changes: tuple[str, str], announced_on: str = "2027-01-30") -> Path:
        folder = tmp_path / "notices"
        folder.mkdir()
        for path in NOTICE_FOLDER.glob("*.toml"):
            (folder / path.name).write_bytes(path.read_bytes())
        text = changed(
            (NOTICE_FOLDER / "2026-01.toml").read_text("utf-8"),
            ('version = "2026-01"', f'version = "{NEXT}"'),
            ("announced_on = 2025-11-01", f"announced_on = {announced_on}"),
            ("effective_on = 2026-01-01", "effective_on = 2027-03-01"),
            *changes,
        )
        (folder / f"{NEXT}.toml").write_text(text, "utf-8")
        return folder

    return write


NOT_MATERIAL = ("is_material = true", "is_material = false")
HONOUR_CAP = (
    "{ at_least = 3, points = 40 }], cap = 80",
    "{ at_least = 3, points = 40 }], cap = 85",
)


def later_rules(tmp_path: Path, points: int) -> Path:
    """Commitments kept count differently from 2027-03-01 on."""
    text = RULEBOOK_PATH.read_text("utf-8")
    head, name, tail = text.partition('id = "commitment_kept"')
    end = tail.index("[[rule]]")
    block = tail[tail.index("[[rule.value]]") : end]
    later = changed(
        block,
        ("effective_on = 2026-01-01", "effective_on = 2027-03-01"),
        ("announced_on = 2025-11-01", "announced_on = 2027-01-30"),
        ("points = 12", f"points = {points}"),
        ("cap = 60", f"cap = {points * 5}"),
    )
    path = tmp_path / "rulebook.toml"
    entry = changed(tail[:end].rstrip(), ("review_on = 2027-01-01", "review_on = 2027-12-01"))
    path.write_text(f"{head}{name}{entry}\n\n{later}{tail[end:]}", "utf-8")
    return path


def test_the_notices_of_this_package_cover_what_is_done() -> None:
    assert problems() == []


def test_a_material_change_of_the_rules_without_a_notice_is_refused(tmp_path: Path) -> None:
    (found,) = problems(rulebook=later_rules(tmp_path, 30))
    assert (found.rule, found.file) == ("notice_not_covering", "2026-01.toml")
    assert "2027-03-01" in found.message
    assert "largest_points" in found.message
    assert "rule commitment_kept changed" in found.message
    assert "30 days" in found.message


def test_a_small_change_of_the_rules_needs_a_notice_that_says_so(tmp_path: Path) -> None:
    (found,) = problems(rulebook=later_rules(tmp_path, 13))
    assert found.rule == "notice_numbers_differ"
    assert "score diff" in found.message


def test_the_notice_that_names_the_new_rules_covers_them(
    tmp_path: Path, with_next: WithNext
) -> None:
    notices = with_next(("points = 12, cap = 60", "points = 30, cap = 150"))
    assert problems(rulebook=later_rules(tmp_path, 30), notices=notices) == []


def test_a_new_kind_of_record_without_a_notice_is_refused() -> None:
    terms = terms_in_force(load_rulebook(), load_catalogue(), [], DAY)
    kind = KindTerms(code="library", name=Wording(zh="借阅", en="Loans"), retention_days=30)
    terms.kinds.append(kind)
    found = list(lint_terms(load_notices().editions(), terms, DAY, load_material()))
    assert [problem.rule for problem in found] == ["notice_not_covering"]
    assert "kind library added" in found[0].message


def test_a_new_purpose_without_a_notice_is_refused() -> None:
    terms = terms_in_force(load_rulebook(), load_catalogue(), ["statistics"], DAY)
    (found,) = lint_terms(load_notices().editions(), terms, DAY, load_material())
    assert found.rule == "notice_not_covering"
    assert "purpose statistics added" in found.message


def test_doing_less_than_was_told_needs_no_notice() -> None:
    terms = terms_in_force(load_rulebook(), load_catalogue(), ["own_score"], DAY)
    terms.kinds.pop()
    assert list(lint_terms(load_notices().editions(), terms, DAY, load_material())) == []


def test_a_day_before_the_first_notice_is_refused() -> None:
    terms = terms_in_force(load_rulebook(), load_catalogue(), [], DAY)
    (found,) = lint_terms(load_notices().editions(), terms, dt.date(2025, 6, 30), load_material())
    assert found.rule == "notice_missing"


@pytest.mark.parametrize(
    ("announced_on", "is_refused"), [("2027-01-30", False), ("2027-01-31", True)]
)
def test_a_material_notice_is_announced_thirty_days_before(
    with_next: WithNext, announced_on: str, is_refused: bool
) -> None:
    found = problems(notices=with_next(announced_on=announced_on))
    assert [problem.rule for problem in found] == ["notice_announced_late"] * is_refused
    assert all(problem.where == f"{NEXT}.toml effective_on" for problem in found)


def test_other_words_need_no_thirty_days(with_next: WithNext) -> None:
    assert problems(notices=with_next(NOT_MATERIAL, announced_on="2027-03-01")) == []


def test_a_material_change_cannot_be_called_another_wording(
    with_next: WithNext,
) -> None:
    added = (
        "purposes = [",
        'purposes = [\n  { code = "statistics", name = { zh = "编制统计", en = "Make statistics" } },',
    )
    (found,) = problems(notices=with_next(NOT_MATERIAL, added))
    assert found.rule == "notice_is_material"
    assert "purpose statistics added" in found.message


def test_other_numbers_without_asking_need_the_figures_of_who_moves(
    with_next: WithNext,
) -> None:
    assert "notice_moves_missing" in {
        problem.rule for problem in problems(notices=with_next(NOT_MATERIAL, HONOUR_CAP))
    }


@pytest.mark.parametrize(
    ("moved", "band", "expected"),
    [(0.05, 0.01, set()), (0.051, 0.01, {"moved_share"}), (0.05, 0.011, {"band_share"})],
)
def test_more_people_moved_than_the_limit_is_material(
    with_next: WithNext, moved: float, band: float, expected: set[str]
) -> None:
    figures = f"[moves]\ncompared_on = 2027-01-20\nmoved_share = {moved}\nband_share = {band}\n\n"
    notices = with_next(NOT_MATERIAL, HONOUR_CAP, ("[title]", figures + "[title]"))
    found = [
        problem for problem in problems(notices=notices) if problem.rule == "notice_is_material"
    ]
    assert bool(found) == bool(expected)
    assert all(reason in problem.message for problem in found for reason in expected)


def test_the_command_names_file_place_and_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputRefused) as refused:
        lint(rulebook=later_rules(tmp_path, 30), as_of=DAY.isoformat())
    assert (refused.value.code, refused.value.exit_code) == ("lint_refused", 4)
    said = " ".join(capsys.readouterr().out.split())
    assert said.startswith("2026-01.toml terms: ")
    assert "add a material notice" in said
    assert "(notice_not_covering)" in said


def test_a_notice_that_cannot_be_read_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("version = ", "utf-8")
    with pytest.raises(InputRefused, match=r"broken\.toml") as refused:
        lint(notices=tmp_path, as_of=DAY.isoformat())
    assert refused.value.code == "notice_unreadable"


def test_a_build_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = later_rules(tmp_path, 30)
    data = tmp_path / "data"
    monkeypatch.setattr("scoring.rulebook.load_rulebook", lambda: load_rulebook(path))
    with pytest.raises(InputRefused, match="notice_not_covering"):
        build(as_of="2027-03-01", data=data)
    assert not data.exists()
