"""The simulator in a real browser: under the site's own policy, then without a network."""

import mimetypes
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect, sync_playwright

from tests.site.conftest import BuiltSite
from tests.support.chromium import CHROMIUM, FLAGS, NO_CHROMIUM
from tests.support.waiting import LONG_SECONDS

ORIGIN = "https://chengxin.example/"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=NO_CHROMIUM)
expect.set_options(timeout=LONG_SECONDS * 1_000)


class Visit:
    """A page of the built site; `asked`: every address the browser asked for, in order."""

    def __init__(self, page: Page, site: BuiltSite) -> None:
        self.page = page
        self.asked: list[str] = []
        self.errors: list[str] = []
        self._site = site
        self._policy = (site.folder / "content-security-policy.txt").read_text("utf-8").strip()
        page.on("console", lambda message: self._keep(message.type, message.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.route("**/*", self._answer)

    def _keep(self, kind: str, text: str) -> None:
        if kind == "error":
            self.errors.append(text)

    def _answer(self, route: Route) -> None:
        address = route.request.url
        self.asked.append(f"{route.request.method} {address}")
        path = address.removeprefix(ORIGIN).partition("?")[0]
        file = self._site.folder / (f"{path}index.html" if path.endswith("/") or not path else path)
        if not address.startswith(ORIGIN) or not file.is_file():
            route.abort()
            return
        route.fulfill(
            body=file.read_bytes(),
            content_type=mimetypes.guess_type(file.name)[0] or "application/octet-stream",
            headers={"content-security-policy": self._policy},
        )


@pytest.fixture(scope="module")
def visit(built_site: BuiltSite) -> Iterator[Visit]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 360, "height": 780})
        visit = Visit(page, built_site)
        page.goto(f"{ORIGIN}simulator/")
        page.wait_for_selector("#simulator output")
        yield visit
        browser.close()


def test_it_works_under_the_policy_and_after_loading_asks_for_nothing_more(visit: Visit) -> None:
    page = visit.page
    page.wait_for_load_state("networkidle")
    before = len(visit.asked)
    page.context.set_offline(True)
    root = page.locator("#simulator")
    expect(root.locator("output")).to_have_text(re.compile(r"^612 分"))  # one commitment kept
    root.get_by_label("几条").fill("9")
    expect(root.locator("output")).to_have_text(re.compile(r"^660 分"))  # the cap is 60
    root.get_by_role("button", name="再加一条记录").click()
    second = root.locator("fieldset").nth(1)
    second.get_by_label("种类").select_option(label="逾期履行公共服务合同")
    second.get_by_label("逾期", exact=True).select_option("30")
    expect(root.locator("output")).to_have_text(re.compile(r"^652 分"))
    second.get_by_role("button", name="去掉").click()
    expect(root.locator("output")).to_have_text(re.compile(r"^660 分"))
    assert len(visit.asked) == before
    assert visit.errors == []


def test_only_pages_of_this_site_were_ever_asked_for_and_nothing_was_sent(visit: Visit) -> None:
    assert all(asked.startswith(f"GET {ORIGIN}") for asked in visit.asked)
    assert f"GET {ORIGIN}rules.json" in visit.asked


def test_it_fits_a_phone(visit: Visit) -> None:
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 360
