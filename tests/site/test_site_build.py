"""The site as built: strictly, from the documents alone, with nothing from elsewhere."""

import base64
import datetime as dt
import hashlib
import json
import re
from html import unescape
from itertools import pairwise
from pathlib import Path

import pytest
from builder.checks import check_site
from builder.fragments import all_fragments, fill, names_in
from builder.sources import from_repository

from scoring.errors import InputRefused
from tests.site.conftest import AS_OF, ROOT, SNAPSHOT, BuiltSite, run_script, write_snapshot

PAGES = ROOT / "site" / "pages"


def text_of(html: str) -> str:
    return unescape(re.sub(r"<[^>]+>", "", html))


def test_a_strict_build_ends_without_a_warning(built_site: BuiltSite) -> None:
    assert built_site.process.returncode == 0, built_site.process.stderr
    assert built_site.process.stderr == ""


def test_nothing_is_found_by_the_check_of_the_built_site(built_site: BuiltSite) -> None:
    checked = run_script(
        "check_pages.py", "--site", str(built_site.folder), "--as-of", AS_OF.isoformat()
    )
    assert checked.returncode == 0, checked.stderr
    assert "wait for the city" in checked.stdout


def test_every_promised_page_is_there(built_site: BuiltSite) -> None:
    for path in ("rules", "benefits", "catalogue", "policies", "cases", "scope", "rights", "privacy",
                 "faq", "glossary", "promises", "decisions", "en", "tags", "about"):  # fmt: skip
        assert (built_site.folder / path / "index.html").is_file(), path


def test_the_rules_page_says_what_the_rules_document_says(built_site: BuiltSite) -> None:
    document = json.loads(built_site.document("rules"))
    text = text_of(built_site.page("rules/index.html"))
    assert str(document["base"]) in text
    for rule in document["rules"]:
        for member in ("name", "legal_basis", "reason", "author", "second_checker", "review_on", "effective_on", "id"):  # fmt: skip
            assert rule[member] in text, (rule["id"], member)
        points = rule["points"] if isinstance(rule["points"], list) else [rule]
        for value in [*(step["points"] for step in points), rule["cap"]]:
            assert f"{value:+d}".replace("-", "−") in text, (rule["id"], value)
        assert f"{rule['validity_days']} 天" in text
    assert text.count("规则编号") == len(document["rules"])


def test_the_worked_example_adds_up(built_site: BuiltSite) -> None:
    page = built_site.page("rules/index.html")
    bill = re.search(r'<table class="sum">.*?</table>', page, re.DOTALL)
    assert bill is not None
    cells = [int(cell.replace("−", "-")) for cell in re.findall(r"<td>([+−\d]+)</td>", bill[0])]
    assert len(cells) >= 5
    assert sum(cells[:-1]) == cells[-1]


def test_copies_for_browsers_are_the_documents_byte_for_byte(built_site: BuiltSite) -> None:
    for name in ("rules", "benefits", "catalogue"):
        assert (built_site.folder / f"{name}.json").read_bytes() == built_site.document(name)


def test_benefits_and_catalogue_show_every_entry(built_site: BuiltSite) -> None:
    benefits = text_of(built_site.page("benefits/index.html"))
    for item in json.loads(built_site.document("benefits"))["items"]:
        assert item["id"] in benefits
        assert item["what"] in benefits
    catalogue = text_of(built_site.page("catalogue/index.html"))
    for entry in json.loads(built_site.document("catalogue"))["items"]:
        assert entry["legal_basis"] in catalogue
        for field in entry["fields"]:
            assert field["code"] in catalogue, field


def test_figures_below_ten_people_are_hidden(built_site: BuiltSite) -> None:
    home = text_of(built_site.page("index.html"))
    assert "8,481" in home
    assert "少于 10 人的格子不显示" in home
    assert '0–549 分</td><td class="num">不显示</td>' in built_site.page("index.html")
    assert SNAPSHOT in home


def test_a_keyboard_reaches_every_table_that_may_be_wider_than_a_phone(
    built_site: BuiltSite,
) -> None:
    region = re.compile(r'<div ([^>]*class="scroll"[^>]*)>\s*<table class="data">')
    decision = built_site.page("decisions/0003-ledger/index.html")
    assert 'aria-label="Table 1"><table class="data">' in decision
    for page in built_site.folder.rglob("*.html"):
        html = page.read_text("utf-8")
        tables = len(re.findall("<table", html)) - len(re.findall('<table class="sum"', html))
        regions = region.findall(html)
        assert len(regions) == tables, page
        for wanted in ('role="region"', 'tabindex="0"', 'aria-label="'):
            assert all(wanted in attributes for attributes in regions), page
        assert html.count("<table") == html.count("</table>"), page


@pytest.mark.parametrize("page", ["rules", "faq", "benefits", "rights", "simulator"])
def test_a_right_is_one_tap_from_what_it_is_about(built_site: BuiltSite, page: str) -> None:
    article = built_site.page(f"{page}/index.html").partition("<article")[2]
    wanted = {
        "rules": ["../rights/#dispute", "../rights/#repair", "../rights/#review"],
        "faq": ["../rights/#dispute", "../rights/#complain", "../rights/#leave"],
        "benefits": ["/me/"],
        "rights": ["/me/", "../rules/"],
        "simulator": ["../rules/", "/me/"],
    }
    for link in wanted[page]:
        assert f'href="{link}"' in article, link


def test_a_chart_has_a_title_a_description_and_a_table(built_site: BuiltSite) -> None:
    home = built_site.page("index.html")
    assert re.search(r'<svg role="img".*?<title id="figures-title">各分段人数</title><desc', home)
    assert "<caption>各分段人数</caption>" in home


def test_the_notice_is_shown_word_for_word(built_site: BuiltSite) -> None:
    from api.ledger.notice import load_notices

    page = text_of(built_site.page("privacy/index.html"))
    notice = load_notices().current(AS_OF)
    assert notice.sha256 in page
    for item in notice.items:
        assert item.text in page


def test_every_version_of_the_notice_is_listed_with_its_days_and_differences(
    built_site: BuiltSite,
) -> None:
    from api.ledger.notice import load_notices

    page, notices = text_of(built_site.page("privacy/index.html")), load_notices()
    editions = [edition for edition in notices.editions() if edition.announced_on <= AS_OF]
    assert len(editions) >= 2
    for edition in editions:
        assert notices.document(edition.version).sha256 in page
        assert edition.announced_on.isoformat() in page
        assert edition.effective_on.isoformat() in page
    for before, after in pairwise(editions):
        changes = notices.change(before.version, after.version).changes
        assert changes
        for change in changes:
            assert change.text.zh in page


def test_a_version_to_come_can_be_read_in_full_before_its_day() -> None:
    """As on a day in the announced time of the edition in force now."""
    from builder import privacy_page

    from api.ledger.notice import load_notices

    notices = load_notices()
    listed = privacy_page.versions(notices, dt.date(2025, 12, 1))
    told, trial = listed.split("{#notice-2025-07}")
    assert "已公布，尚未施行" in told
    assert "现行有效" in trial
    for item in notices.document("2026-01").items:
        assert item.text in told
    assert notices.document("2025-07").items[0].text not in trial
    assert "2026-01" not in privacy_page.versions(notices, dt.date(2025, 10, 31))


def test_the_limits_of_a_material_change_are_told_as_they_are() -> None:
    from scoring.policy.material import load_material

    page = (ROOT / "site/pages/privacy.md").read_text("utf-8")
    limits = load_material()
    assert f"超过 {limits.largest_points} 分" in page
    assert f"分数有变动的人超过 {limits.moved_share:.0%}" in page
    assert f"分段有变动的人超过 {limits.band_share:.0%}" in page
    assert limits.announced_days == 30
    assert "至少提前三十天公布" in page


def test_the_policy_names_only_this_site_and_every_inline_script(built_site: BuiltSite) -> None:
    policy = built_site.page("content-security-policy.txt")
    assert policy.startswith("default-src 'none';")
    assert "http" not in policy
    assert "unsafe" not in policy
    for script in re.findall(
        r"<script>(.*?)</script>", built_site.page("rules/index.html"), re.DOTALL
    ):
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy


def test_the_faults_of_the_theme_are_mended(built_site: BuiltSite) -> None:
    for path in ("index.html", "rules/index.html", "404.html"):
        page = built_site.page(path)
        assert not re.search(r"<input[^>]*checkbox[^>]*autocomplete", page)
        assert re.search(r'role="dialog" aria-label="站内搜索"', page)
        assert not re.search(r"<nav[^>]*aria-expanded", page)
        assert 'tabindex=""' not in page


def test_two_builds_of_one_snapshot_have_the_same_bytes(
    built_site: BuiltSite, tmp_path: Path
) -> None:
    again = run_script(
        "build_pages.py", "--data", str(built_site.data), "--out", str(tmp_path / "s")
    )
    assert again.returncode == 0, again.stderr

    def digests(folder: Path) -> dict[str, str]:
        files = (path for path in folder.rglob("*") if path.is_file())
        return {
            str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files
        }

    assert digests(tmp_path / "s") == digests(built_site.folder)


def test_a_refused_build_leaves_the_old_site_as_it_was(tmp_path: Path) -> None:
    data, out = tmp_path / "data", tmp_path / "site"
    write_snapshot(data)
    (data / "snapshots" / SNAPSHOT / "documents" / "rules.json").write_text('{"version": ')
    out.mkdir()
    (out / "index.html").write_text("old")
    refused = run_script("build_pages.py", "--data", str(data), "--out", str(out))
    assert refused.returncode == 5
    assert "site_document_unreadable" in refused.stderr
    assert (out / "index.html").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_without_a_snapshot_the_home_page_says_that_figures_are_not_there_yet() -> None:
    fragments = all_fragments(from_repository(AS_OF))
    home = fill((PAGES / "index.md").read_text("utf-8"), fragments, "index.md")
    assert "尚无已发布的快照" in home
    assert "tiles" not in home


def test_every_marked_place_has_data_and_every_fragment_a_place() -> None:
    placed = {name for page in PAGES.rglob("*.md") for name in names_in(page.read_text("utf-8"))}
    assert placed == set(all_fragments(from_repository(AS_OF)))


def test_an_unknown_marked_place_is_refused_with_its_page() -> None:
    with pytest.raises(InputRefused, match="site_unknown_fragment"):
        fill("<!-- data:nothing -->\nx\n<!-- /data -->\n", {}, "rules.md")


def test_figures_older_than_two_weeks_are_found(built_site: BuiltSite) -> None:
    host = "chengxin.example"
    late = check_site(built_site.folder, AS_OF + dt.timedelta(days=15), host)
    assert [finding.code for finding in late] == ["stale"]
    assert check_site(built_site.folder, AS_OF + dt.timedelta(days=14), host) == []


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        ('<a href="../no-such-page/">x</a>', "dead_link"),
        ('<a href="#no-such-anchor">x</a>', "dead_link"),
        ('<a href="/you/">x</a>', "dead_link"),
        ('<a href="https://elsewhere.example/">x</a>', "unknown_host"),
        ('<a href="javascript:void(0)">x</a>', "script_link"),
        ('<img src="https://elsewhere.example/x.png" alt="">', "foreign_load"),
        ('<script src="//elsewhere.example/x.js"></script>', "foreign_load"),
        ('<link rel="stylesheet" href="https://elsewhere.example/x.css">', "foreign_load"),
        ('<p style="color:red">x</p>', "inline_style"),
        ("<h1>x</h1>", "headings"),
    ],
)
def test_a_planted_fault_is_found(
    built_site: BuiltSite, tmp_path: Path, broken: str, code: str
) -> None:
    page = built_site.page("en/index.html").replace("</article>", f"{broken}</article>")
    (tmp_path / "index.html").write_text(page, "utf-8")
    found = check_site(tmp_path, AS_OF, "chengxin.example")
    planted = {(finding.code, finding.what) for finding in found}
    before = built_site.page("en/index.html")
    (tmp_path / "index.html").write_text(before, "utf-8")
    clean = check_site(tmp_path, AS_OF, "chengxin.example")
    fresh = planted - {(finding.code, finding.what) for finding in clean}
    assert code in {found_code for found_code, _ in fresh}


def test_an_empty_column_and_a_text_without_source_are_found(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<article><h1>x</h1></article>")
    (tmp_path / "news").mkdir()
    (tmp_path / "news" / "index.html").write_text(
        '<article><h1>x</h1><dl class="provenance"><dd data-provenance="date">2026-01-01</dd></dl></article>'
    )
    found = check_site(tmp_path, AS_OF, "chengxin.example")
    assert {(finding.page, finding.code) for finding in found} == {
        ("index.html", "empty_column"),
        ("news/index.html", "empty_column"),
        ("news/index.html", "no_provenance"),
    }


def test_a_folder_without_pages_is_not_called_a_good_site(tmp_path: Path) -> None:
    assert [finding.code for finding in check_site(tmp_path, AS_OF, "x")] == ["no_pages"]
