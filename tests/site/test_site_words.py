"""One word per idea: what a citizen reads calls things as the glossary and the notice do."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Words once used beside the glossary's, and what the glossary says.
RETIRED = {
    "参加": "加入",
    "惠民": "守信激励",
    "礼遇": "优惠",
    "提供方": "合作方",
    "起点": "基础分、所需分数",
    "收回": "撤回",
    "同意书": "告知书",
    "回执": "凭据",
    "“能”或“不能”": "“可以”或“暂不可以”",
    "“是”或“否”": "“可以”或“暂不可以”",
}
# Texts of laws and other cities speak for themselves.
OWN_TEXTS = [
    *(path for path in (ROOT / "site" / "pages").rglob("*.md") if path.parent.name != "policies"),
    *(ROOT / "api" / "console" / "static").rglob("*.html"),
    *(ROOT / "api" / "console" / "static").rglob("*.js"),
    ROOT / "api" / "identity" / "words.py",
    ROOT / "site" / "self_test.toml",
    ROOT / "scoring" / "policy" / "assessment.toml",
]
GLOSSARY = (ROOT / "site" / "pages" / "glossary.md").read_text("utf-8")


@pytest.mark.parametrize("word", RETIRED)
def test_a_word_that_was_given_up_does_not_come_back(word: str) -> None:
    found = [path.name for path in OWN_TEXTS if word in path.read_text("utf-8")]
    assert found == [], f"say {RETIRED[word]}"


def test_every_idea_of_the_glossary_has_one_row() -> None:
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|", GLOSSARY, re.M)[2:]
    names = [name.strip() for row in rows for name in row]
    assert len(names) > 50
    assert len(names) == len(set(names))
