"""Pages that prove: cases that add up, claims held by tests that exist."""

import re
from pathlib import Path

import pytest
from builder import cases_page, self_test_page

from scoring.errors import InputRefused
from tests.site.conftest import BuiltSite
from tests.spec.case_files import read_cases

ROOT = Path(__file__).resolve().parents[2]


def test_every_case_of_the_tests_is_on_the_page_with_its_verdict(built_site: BuiltSite) -> None:
    page = built_site.page("scoring-cases/index.html")
    cases = read_cases()
    assert len(re.findall(r'<h3 id="case-\d+-\d+">', page)) == len(cases)
    for case in cases:
        assert case.title in page
        assert f"截至 {case.as_of}，得分 {case.score}，{case.band}。" in page


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("得分 480", "得分 481"),
        ("第一档", "第二档"),
        ("| -120 |", "| -119 |"),
        ("2026-03-01", "2019-03-01"),
    ],
)
def test_a_case_that_does_not_add_up_stops_the_build(tmp_path: Path, old: str, new: str) -> None:
    case = next(cases_page.FOLDER.glob("03-*.md")).read_text("utf-8")
    assert old in case
    (tmp_path / "03.md").write_text(case.replace(old, new, 1), "utf-8")
    with pytest.raises(InputRefused, match="site_case_stale"):
        cases_page.page(tmp_path)


def test_a_folder_without_cases_stops_the_build(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="site_case_unreadable"):
        cases_page.page(tmp_path)


def test_there_are_the_three_elements_of_the_ban_and_every_claim_names_a_test() -> None:
    found = self_test_page.elements()
    assert [element.id for element in found] == ["evaluation", "detriment", "context"]
    claims = [claim for element in found for claim in element.claims]
    assert all(claim.tests for claim in claims)
    assert len(claims) >= 6


@pytest.mark.parametrize(
    "name", [t for e in self_test_page.elements() for c in e.claims for t in c.tests]
)
def test_every_test_a_claim_names_exists_and_asserts_something(name: str) -> None:
    source = self_test_page.source_of(name)
    assert "assert" in source or "raises" in source


def test_every_link_to_a_test_leads_to_its_source_on_the_page(built_site: BuiltSite) -> None:
    page = built_site.page("self-test/index.html")
    links = set(re.findall(r'href="#(proof-[a-z-]+)"', page))
    ids = set(re.findall(r'<details class="fields" id="(proof-[a-z-]+)"', page))
    assert links
    assert links == ids


@pytest.mark.parametrize(
    "name",
    [
        "tests/lint/test_forbidden_inputs.py::test_nothing_of_the_kind",
        "tests/lint/test_gone.py::test_x",
        "tests/lint/test_forbidden_inputs.py",
    ],
)
def test_a_claim_whose_test_is_gone_stops_the_build(tmp_path: Path, name: str) -> None:
    path = tmp_path / "self_test.toml"
    claim = f'[[element.claim]]\ntext = "x"\ntests = ["{name}"]\n'
    path.write_text(
        '[[element]]\nid = "a"\ntitle = "a"\nquestion = "a"\nanswer = "a"\n' + claim, "utf-8"
    )
    with pytest.raises(InputRefused, match="site_self_test_stale"):
        self_test_page.sources(path)
