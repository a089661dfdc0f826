"""The notice says everything the law asks for, in both languages, and cannot change unseen."""

import datetime as dt
from pathlib import Path

import pytest

from api.ledger.notice import LANGUAGES, NOTICE_FOLDER, REQUIRED_ITEMS, NoticeBroken, load_notices

# Served versions and the digests that receipts name. A line here is never changed, only added.
SERVED = {
    ("2025-07", "zh-CN"): "946c36b4affd095bfd91b79f4fb094ba0c9dd91caba3e5efbce957c1d50a5f4e",
    ("2025-07", "en"): "e82a44296605f002135d84ee14426b7827bf14158bd2e086654432d2166eccd3",
    ("2026-01", "zh-CN"): "d75aefd0a7cb48722944b93d0a5e293e46048c88312a06112d67f20755aa41c0",
    ("2026-01", "en"): "b7708ecdab4bf0c26ec2ab397c0adde4c5c7b6654d4fa1b1a7869458a538de0c",
}


def test_a_served_text_never_changes() -> None:
    notices = load_notices()
    assert {key: notices.document(*key).sha256 for key in SERVED} == SERVED  # type: ignore[arg-type]
    versions = {path.stem for path in NOTICE_FOLDER.glob("*.toml")}
    assert versions == {version for version, _ in SERVED}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_item_is_told_with_its_article_of_law(language: str) -> None:
    notice = load_notices().document("2026-01", language)  # type: ignore[arg-type]
    assert {item.code for item in notice.items} == REQUIRED_ITEMS
    for item in notice.items:
        assert "个人信息保护法" in item.basis
        assert item.title in notice.text
        assert item.text in notice.text


def test_article_17_is_covered_in_a_citizens_words() -> None:
    items = {item.code: item.text for item in load_notices().document("2026-01").items}
    for code, words in {
        "controller": ("信用办", "电话", "邮箱"),
        "purpose": ("守信激励",),
        "kinds": ("信用承诺", "合同履约", "行政处罚", "荣誉", "出生日期"),
        "retention": ("有效期", "三年"),
        "rights": ("异议", "更正", "删除", "复制", "说明理由"),
        "voluntary": ("不得因此拒绝",),
        "benefits_only": ("不能减少",),
        "adults_only": ("十八周岁",),
        "withdrawal": ("退出", "一秒"),
    }.items():
        assert all(word in items[code] for word in words), code


def test_the_version_in_force_follows_the_day() -> None:
    notices = load_notices()
    assert notices.version_on(dt.date(2026, 1, 1)) == "2026-01"
    assert notices.current(dt.date(2026, 11, 20), "en").language == "en"
    assert notices.version_on(dt.date(2025, 12, 31)) == "2025-07"
    with pytest.raises(NoticeBroken):
        notices.version_on(dt.date(2025, 6, 30))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('code = "withdrawal"', 'code = "exit"', "item withdrawal is missing"),
        ('code = "changes"', 'code = "purpose"', "item purpose comes twice"),
        ('en = "For what purpose"\n', "", "purpose.title has no en"),
        ('zh-CN = "完全自愿"', 'zh-CN = " "', "voluntary.title has no zh-CN"),
        ('zh-CN = "完全自愿"', 'fr = "Volontaire"', "2026-01.toml"),
        ("effective_on = 2026-01-01", "effective_on = 'soon'", "effective_on"),
        ("[[items]]", "[[item]]", "2026-01.toml"),
    ],
)
def test_a_notice_that_leaves_something_out_is_not_served(
    tmp_path: Path, old: str, new: str, reason: str
) -> None:
    text = (NOTICE_FOLDER / "2026-01.toml").read_text("utf-8")
    assert old in text
    (tmp_path / "2026-01.toml").write_text(text.replace(old, new), "utf-8")
    with pytest.raises(NoticeBroken, match=reason):
        load_notices(tmp_path)


def test_two_files_of_one_version_or_one_day_are_refused(tmp_path: Path) -> None:
    text = (NOTICE_FOLDER / "2026-01.toml").read_text("utf-8")
    (tmp_path / "a.toml").write_text(text, "utf-8")
    (tmp_path / "b.toml").write_text(text, "utf-8")
    with pytest.raises(NoticeBroken, match="same version"):
        load_notices(tmp_path)
    (tmp_path / "b.toml").write_text(text.replace('"2026-01"', '"2026-02"'), "utf-8")
    with pytest.raises(NoticeBroken, match="same day"):
        load_notices(tmp_path)
