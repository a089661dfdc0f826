"""What stands on the pages: sources, policies, words, and nobody's name."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from builder.checks import OFFICIAL_HOSTS
from builder.sources import from_repository

from tests.site.conftest import AS_OF, ROOT, BuiltSite

PAGES = ROOT / "site" / "pages"
STATUSES = {"现行有效", "已废止", "规划期已满", "示例"}
POLICIES = sorted(path for path in (PAGES / "policies").glob("*.md") if path.stem != "index")
ARTICLES = sorted(PAGES.rglob("*.md"))
# Offices sign rules, not persons: the last characters of an office's name.
OFFICE_WORDS = re.compile(r"(组|局|办|处|科|委|院|中心|部门)$")


def front_matter(page: Path) -> dict[str, object]:
    members = yaml.safe_load(page.read_text("utf-8").split("---\n")[1])
    assert isinstance(members, dict)
    return members


@pytest.mark.parametrize("page", ARTICLES, ids=lambda page: page.relative_to(PAGES).as_posix())
def test_every_article_says_its_source_date_and_status(page: Path) -> None:
    members = front_matter(page)
    assert members["title"]
    assert members["source"]
    assert members["date"]
    assert members["status"] in STATUSES | {"In force", "Accepted"}


def test_there_are_at_least_eight_policies_and_the_repealed_ones_are_marked() -> None:
    statuses = [front_matter(page)["status"] for page in POLICIES]
    assert len(POLICIES) >= 8
    assert "已废止" in statuses


@pytest.mark.parametrize("page", POLICIES, ids=lambda page: page.stem)
def test_a_policy_has_number_issuer_date_status_and_an_official_link(
    page: Path, built_site: BuiltSite
) -> None:
    members = front_matter(page)
    policy = members["policy"]
    assert isinstance(policy, dict)
    html = built_site.page(f"policies/{page.stem}/index.html")
    for shown in (
        policy["document_number"],
        policy["issuer"],
        policy.get("effective_on") or policy["issued_on"],
        members["status"],
    ):
        assert str(shown) in html
    assert urlsplit(policy["official_url"]).hostname in OFFICIAL_HOSTS
    assert f'href="{policy["official_url"]}"' in html
    assert "对我们意味着什么" in html or "为什么还留在这里" in html


@pytest.mark.parametrize("page", POLICIES, ids=lambda page: page.stem)
def test_a_policy_in_force_has_not_ended_and_a_repealed_one_has(page: Path) -> None:
    members = front_matter(page)
    policy = members["policy"]
    assert isinstance(policy, dict)
    ended_on = policy.get("ended_on")
    if members["status"] == "现行有效":
        assert ended_on is None or ended_on > members["date"]
    else:
        assert ended_on is not None
        assert ended_on <= members["date"]


def test_the_list_of_policies_names_each_with_its_number_and_status(built_site: BuiltSite) -> None:
    listed = re.findall(
        r'<li><a href="([a-z0-9-]+)/">(.*?)</a><span>(.*?)</span></li>',
        built_site.page("policies/index.html"),
    )
    assert {slug for slug, _, _ in listed} == {page.stem for page in POLICIES}
    for slug, title, rest in listed:
        members = front_matter(PAGES / "policies" / f"{slug}.md")
        policy = members["policy"]
        assert isinstance(policy, dict)
        assert title == members["title"]
        assert policy["document_number"] in rest
        assert f">{members['status']}</b>" in rest


def test_nobody_is_named(built_site: BuiltSite) -> None:
    for page in built_site.folder.rglob("*"):
        if page.suffix not in {".html", ".json", ".xml", ".txt"}:
            continue
        text = page.read_text("utf-8")
        assert not re.search(r"(?<![0-9A-Za-z])\d{17}[0-9Xx](?![0-9A-Za-z])", text), page
        assert not re.search(r"(?<![0-9A-Za-z])1[3-9]\d{9}(?![0-9A-Za-z])", text), page
        assert not re.search(r"[赵钱孙李周吴郑王冯陈杨朱张刘黄林何高马罗]某", text), page


def test_rules_are_signed_by_offices_and_not_by_persons() -> None:
    for rule in from_repository(AS_OF).rules.rules:
        assert OFFICE_WORDS.search(rule.author), rule.author
        assert OFFICE_WORDS.search(rule.second_checker), rule.second_checker
        assert rule.author != rule.second_checker


@pytest.mark.parametrize(
    "page", sorted((PAGES / "cases").glob("*-*.md")), ids=lambda page: page.stem
)
def test_a_case_says_first_that_it_is_invented(page: Path) -> None:
    body = page.read_text("utf-8").split("---\n", 2)[2]
    assert front_matter(page)["status"] == "示例"
    assert "虚构" in body.split("\n## ")[0]
    assert set(re.findall(r"市民([\u4e00-\u9fff])", body)) & {"甲", "乙", "丙"}


def test_points_in_the_cases_are_those_of_the_first_rules() -> None:
    rules = {rule.id: rule for rule in from_repository(AS_OF).rules.rules}
    repair = (PAGES / "cases" / "repair-completed.md").read_text("utf-8")
    dispute = (PAGES / "cases" / "dispute-upheld.md").read_text("utf-8")
    kept, general = rules["commitment_kept"].points, rules["penalty_general"].points
    on_time, late = rules["contract_on_time"].points, rules["contract_late"].points
    assert isinstance(kept, int)
    assert isinstance(general, int)
    assert isinstance(on_time, int)
    assert isinstance(late, list)
    start = 600 + 2 * kept
    assert f"各 +{kept} | {start} |" in repair
    assert f"−{-general} | {start + general} |" in repair
    month_late = next(step.points for step in late if step.at_least == 30)
    assert f"各 +{on_time} | {600 + 10 * on_time} |" in dispute
    assert f"−{-month_late} | {600 + 10 * on_time + month_late} |" in dispute


def test_the_glossary_uses_the_names_of_the_code() -> None:
    code = "\n".join(
        path.read_text("utf-8")
        for room in ("api", "scoring")
        for path in (ROOT / room).rglob("*.py")
    )
    rows = re.findall(
        r"^\| .+? \| .+? \| (.+?) \| .+? \|$", (PAGES / "glossary.md").read_text("utf-8"), re.M
    )
    names = [name for row in rows for name in re.findall(r"`(.+?)`", row)]
    assert len(names) >= 20
    missing = [name for name in names if not re.search(rf"\b{re.escape(name)}\b", code)]
    assert missing == []


def test_the_twelve_promises_are_on_their_page_and_on_the_front_page(built_site: BuiltSite) -> None:
    promises = built_site.page("promises/index.html")
    assert re.findall(r"<h2 id=\"[a-z-]+\">(\d+)\.", promises) == [str(n) for n in range(1, 13)]
    vows = re.search(r'<ol class="vows">(.*?)</ol>', built_site.page("index.html"), re.DOTALL)
    assert vows is not None
    assert vows[1].count("<li>") == 12


def test_forbidden_inputs_are_all_on_the_scope_page(built_site: BuiltSite) -> None:
    from scoring.lint.forbidden import forbidden_inputs

    page = built_site.page("scope/index.html")
    for entry in forbidden_inputs():
        assert f"<strong>{entry.name}</strong>" in page


def test_each_decision_has_question_drivers_options_decision_and_consequences() -> None:
    decisions = sorted((PAGES / "decisions").glob("0*.md"))
    assert [page.name[:4] for page in decisions] == [
        f"{n:04}" for n in range(1, len(decisions) + 1)
    ]
    assert len(decisions) >= 6
    for page in decisions:
        text = page.read_text("utf-8")
        for part in ("Question", "Drivers", "Options", "Decision", "Consequences"):
            assert f"\n## {part} " in text, (page.name, part)


def test_real_numbers_of_a_real_site_are_not_invented() -> None:
    settings = re.search(
        r"\n  authority:\n(.*?)\n\n", (ROOT / "mkdocs.yml").read_text("utf-8"), re.DOTALL
    )
    assert settings is not None
    values = re.findall(r'^    \w+: "(.*)"', settings[1], re.MULTILINE)
    assert len(values) == 11
    assert set(values) == {""}
