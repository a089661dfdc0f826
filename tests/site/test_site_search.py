"""Chinese search: a word from the middle of a title leads to its page.

Twice: with the theme's query rules written out here, everywhere; and with the theme's own search
worker in Chromium, where there is one.
"""

import functools
import http.server
import json
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.site.conftest import BuiltSite
from tests.support.chromium import CHROMIUM, FLAGS, NO_CHROMIUM

# Two or three characters from the middle of a title, and the page with that title.
WORDS = {
    "修复": "policies/credit-repair-measures-2026/",
    "制度": "policies/credit-repair-plan-2025/",
    "完善": "policies/credit-repair-plan-2025/",
    "健全": "policies/social-credit-opinions-2025/",
    "体系": "policies/social-credit-opinions-2025/",
    "公共": "policies/jiangsu-public-credit-2026/",
    "个人": "policies/personal-information-protection-law/",
    "共和国": "policies/personal-information-protection-law/",
    "处罚": "policies/administrative-penalty-law/",
    "公开": "policies/government-information-regulation/",
    "管理": "policies/credit-reporting-regulation/",
    "约束": "policies/discredit-guidance-2020/",
    "诚信": "policies/discredit-guidance-2020/",
    "长效": "policies/discredit-guidance-2020/",
    "网站": "policies/government-website-guide-2017/",
    "发展": "policies/government-website-guide-2017/",
    "行为": "policies/credit-repair-trial-2023/",
    "纠正": "policies/credit-repair-trial-2023/",
    "建设": "policies/social-credit-outline-2014/",
    "规划": "policies/social-credit-outline-2014/",
    "押金": "cases/deposit-free-borrowing/",
}
# What a citizen types, and the page or section that answers her: it comes before all others.
FIRST = {
    "信用修复": "rights/#repair",
    "修复": "rights/#repair",
    "异议": "rights/#dispute",
    "退出": "faq/",
    "怎么退出": "faq/",
    "注销": "faq/#how-to-leave",
    "加入": "rights/#enrol",
    "怎么加入": "faq/",
    "同意": "rights/#consent",
    "撤回": "rights/#consent",
    "复核": "rights/#review",
    "导出": "rights/#export",
    "投诉": "rights/#complain",
    "申诉": "faq/#appeal",
    "骗局": "rights/#fraud",
    "手机": "rights/",
    "电话": "faq/#contact",
    "窗口": "faq/#contact",
    "收费": "faq/#fees",
    "谁查过我": "faq/#who",
    "贷款": "faq/#banks",
    "骑车": "faq/#transport",
    "公交": "faq/#transport",
    "停车": "faq/",
    "押金": "faq/",
    "老人": "faq/",
    "轻微": "faq/#minor",
    "闯红灯": "faq/#lifestyle",
    "献血": "faq/#volunteering",
    "水费": "faq/#water",
    "扣分": "faq/",
    "基础分": "faq/#base",
    "到期": "faq/#expiry",
    "有效期": "faq/#expiry",
    "二维码": "faq/",
    "记录错了": "faq/#not-mine",
    "分数": "rules/",
    "评分规则": "rules/",
    "优惠": "benefits/",
    "免押金": "benefits/",
    "守信激励": "benefits/",
    "隐私": "privacy/",
    "告知书": "privacy/",
    "保存多久": "privacy/#retention",
    "未成年人": "privacy/",
    "个人信息保护法": "policies/personal-information-protection-law/",
    "处罚": "policies/administrative-penalty-law/",
    "征信": "policies/credit-reporting-regulation/",
    "黑名单": "scope/",
    "凭证": "voucher/",
    "模拟": "simulator/",
}
ENGLISH_WORDS = {"voluntary": "en/", "pseudonyms": "decisions/0006-two-step-pseudonyms/"}

Index = dict[str, Any]


@pytest.fixture(scope="module")
def index(built_site: BuiltSite) -> Index:
    loaded: Index = json.loads(built_site.page("search/search_index.json"))
    return loaded


def tokens(text: str, separator: str) -> set[str]:
    """Lower-case tokens of the text between tags, as the theme's tokeniser makes them."""
    bare = re.sub(r"<[^>]*>", "\n", text)
    return {token.lower() for token in re.split(separator, bare) if token.strip()}


def segments(run: str, vocabulary: set[str]) -> set[str]:
    """How the theme cuts a run of Han characters in a query, by the terms of its index."""
    longest = [0] * (len(run) + 1)
    for start in range(len(run)):
        for end in range(start + 1, len(run)):
            if run[start:end] in vocabulary:
                longest[start] = end - start
    found, stack = set(), [0]
    while stack:
        start = stack.pop()
        for step in range(1, longest[start]):
            if longest[start + step] > longest[start] - step:
                found.add(run[start : start + step])
                stack.append(start + step)
        end = start + longest[start]
        if longest[end] and end < len(run) - 1:
            stack.append(end)
        found.add(run[start:end])
    return {run} if "" in found else found


def pages_with_title_hit(index: Index, word: str) -> set[str]:
    """Pages one of whose titles has a term that begins with a segment of the query."""
    separator = index["config"]["separator"]
    titles = [
        (doc["location"].split("#")[0], tokens(doc["title"], separator)) for doc in index["docs"]
    ]
    vocabulary = set().union(
        *(terms for _, terms in titles), *(tokens(doc["text"], separator) for doc in index["docs"])
    )
    wanted = segments(word, vocabulary)
    return {page for page, terms in titles if any(t.startswith(w) for t in terms for w in wanted)}


def test_there_are_twenty_words_and_each_is_inside_its_title(built_site: BuiltSite) -> None:
    assert len(WORDS) >= 20
    for word, page in WORDS.items():
        title = re.search(r"<h1[^>]*>(.*?)<", built_site.page(f"{page}index.html"))
        assert title is not None
        assert title[1].index(word) > 0, word


@pytest.mark.parametrize(("word", "page"), WORDS.items())
def test_a_word_inside_a_title_finds_its_page(index: Index, word: str, page: str) -> None:
    hits = pages_with_title_hit(index, word)
    assert page in hits
    assert len(hits) < len({doc["location"].split("#")[0] for doc in index["docs"]}) / 2


def test_an_english_word_before_a_full_stop_is_a_term(index: Index) -> None:
    separator = index["config"]["separator"]
    assert tokens("It is voluntary. See 1.5 “credit”", separator) >= {"voluntary", "1.5", "credit"}


class _Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves the site under the policy it was built with."""

    policy = ""

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", self.policy)
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def address(built_site: BuiltSite) -> Iterator[str]:
    handler = type(
        "_Site", (_Quiet,), {"policy": built_site.page("content-security-policy.txt").strip()}
    )
    serve = functools.partial(handler, directory=str(built_site.folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


# Message numbers of the theme's worker: 0 set up, 2 query, 3 result.
ASK_THE_WORKER = """
async (words) => {
  const config = JSON.parse(document.getElementById("__config").textContent);
  const base = new URL(config.base + "/", location);
  const index = await (await fetch(new URL("search/search_index.json", base))).json();
  const worker = new Worker(new URL(config.search, location));
  const answer = (type) => new Promise((done) => {
    worker.addEventListener("message", function hear(event) {
      if (event.data.type === type) { worker.removeEventListener("message", hear); done(event.data.data); }
    });
  });
  const ready = answer(1);
  worker.postMessage({ type: 0, data: { ...index, options: { suggest: false } } });
  await ready;
  const found = {};
  for (const word of words) {
    const result = answer(3);
    worker.postMessage({ type: 2, data: word });
    found[word] = (await result).items.map((pages) => pages[0].location);
  }
  return found;
}
"""


@pytest.mark.parametrize("place", sorted(set(FIRST.values())))
def test_what_answers_a_question_is_there(index: Index, place: str) -> None:
    assert place in {doc["location"] for doc in index["docs"]}


@pytest.mark.skipif(CHROMIUM is None, reason=NO_CHROMIUM)
def test_the_theme_s_own_search_finds_them_too_with_the_answer_first_and_nothing_from_elsewhere(
    address: str,
) -> None:
    from playwright.sync_api import sync_playwright

    words = WORDS | ENGLISH_WORDS
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page()
        asked: list[str] = []
        complaints: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{address}/rules/")
        found = page.evaluate(ASK_THE_WORKER, list(words | FIRST))
        browser.close()
    pages = {word: [place.split("#")[0] for place in places] for word, places in found.items()}
    assert {word: page for word, page in words.items() if page not in pages[word]} == {}
    first = {word: (found if "#" in FIRST[word] else pages)[word][0] for word in FIRST}
    assert first == FIRST
    assert [url for url in asked if not url.startswith(address)] == []
    assert complaints == []
