"""What people do on the pages, from the first word to what it changes: the demo of a small town, in
Chromium on a phone of 320 px."""

import asyncio
import json
import re
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import jwt
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect, sync_playwright

from api.commands.demo.handover import DemoDocument
from api.ledger.enrolment import enrolled_draft
from api.ledger.notice import load_notices
from api.ledger.sqlite import ledger_path, open_ledger
from tests.demo.running import COMMAND, demo, store_url
from tests.support.accessible import FINDINGS
from tests.support.chromium import CHROMIUM, FLAGS, NO_CHROMIUM
from tests.support.waiting import LONG_SECONDS

REASON = "经向作出机关核实，记录内容与事实一致。"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=NO_CHROMIUM)
expect.set_options(timeout=LONG_SECONDS * 1_000)


class Town:
    """A running demo and a browser; a page for each person."""

    def __init__(self, data: Path, document: DemoDocument, browser: Browser) -> None:
        self.document = document
        self.data = data
        self._browser = browser
        self._open: list[BrowserContext] = []
        self.faults: list[str] = []

    def lay_over(self) -> None:
        """The overlay's next round, now."""
        words = ["overlay", "--once", "--data", str(self.data), "--store", store_url(self.data)]
        subprocess.run([*COMMAND, *words], check=True, capture_output=True)

    def page(self, address: str, *, token: str = "", storage: str = "", dark: bool = False) -> Page:
        """A script error or a refused resource is kept in `faults`."""
        context = self._browser.new_context(
            viewport={"width": 320, "height": 720}, color_scheme="dark" if dark else "light"
        )
        self._open.append(context)
        page = context.new_page()
        page.set_default_timeout(LONG_SECONDS * 1_000)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self._listen)
        if token:
            session = json.dumps({"token": token})
            page.add_init_script(
                f"sessionStorage.setItem('{storage}', JSON.stringify({{...{session}, "
                "expiresAt: Date.now() + 6e5}))"
            )
        page.goto(self.document.api + address)
        return page

    def _listen(self, said: object) -> None:
        text = getattr(said, "text", "")
        if "Security Policy" in text:
            self.faults.append(text)

    def close_pages(self) -> None:
        """A page left open goes on working."""
        while self._open:
            self._open.pop().close()

    def citizen(self, persona: str, view: str = "score", *, dark: bool = False) -> Page:
        token = next(c.token for c in self.document.citizens if c.persona == persona)
        page = self.page(f"/me/#/{view}", token=token, storage="chengxin.session", dark=dark)
        page.wait_for_selector("#views a[aria-current]")
        return page

    def staff(self, role: str, queue: str) -> Page:
        token = next(s.token for s in self.document.staff if s.role == role)
        page = self.page(f"/staff/#/{queue}", token=token, storage="chengxin.staff")
        page.wait_for_selector("#desk:visible")
        return page

    def partner_asks(self, persona: str, scene: str) -> dict[str, object]:
        """The partner's answer, a refusal's code included."""
        consent = next(
            c for c in self.document.consents if c.persona == persona and c.policy.startswith(scene)
        )
        token = next(p.token for p in self.document.partners if p.id == consent.partner)
        body = {"policy": consent.policy, "consent": consent.handle, "purpose": consent.purpose}
        request = urllib.request.Request(  # noqa: S310 - loopback
            f"{self.document.api}/v1/eligibility",
            data=json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/json",
                "Idempotency-Key": str(uuid.uuid4()),
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=LONG_SECONDS) as answer:  # noqa: S310 - loopback
                return dict(json.load(answer))
        except urllib.error.HTTPError as refused:
            with refused:
                return dict(json.load(refused))


@pytest.fixture(scope="module")
def running_town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    data = tmp_path_factory.mktemp("people") / "demo"
    with demo(data) as document, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield Town(data, document, browser)
        browser.close()


@pytest.fixture
def town(running_town: Town) -> Iterator[Town]:
    """A script error, or anything the page's own policy refused, fails the test."""
    running_town.faults.clear()
    yield running_town
    faults = list(running_town.faults)
    running_town.close_pages()
    assert faults == []


def score_on(page: Page) -> int:
    return int(page.inner_text("#score"))


def reload(page: Page) -> None:
    page.reload()
    page.wait_for_selector("#views a[aria-current]")


def downloaded(page: Page, button: str) -> dict[str, object]:
    with page.expect_download() as expected:
        page.click(button)
    return dict(json.loads(expected.value.path().read_bytes()))


def test_whoever_joins_reads_first_and_sees_a_score_that_adds_up(town: Town) -> None:
    page = town.citizen("unenrolled")
    expect(page.locator("#notice-text h3").first).to_be_visible()
    expect(page.locator("#enrol")).to_be_disabled()
    page.check("#agreed")
    page.click("#enrol")
    expect(page.locator("#status")).to_contain_text("您已加入")
    town.lay_over()
    page.click("#look-again")
    page.wait_for_selector("#score:visible")
    points = page.locator("#counted .points").all_inner_texts()
    assert sum(int(text.replace("−", "-")) for text in points) == score_on(page)
    expect(page.locator("#history li")).to_have_count(1)
    page.click("#views >> text=账户")
    assert "proof" in downloaded(page, "#receipt")


def test_a_partner_asks_once_she_sees_it_and_revokes_and_it_hears_no_more(town: Town) -> None:
    assert town.partner_asks("over", "xinyizu")["eligible"] is True
    page = town.citizen("over", "asked")
    asked = page.locator("#accesses-list li").first
    expect(asked).to_contain_text("安居租赁")
    asked.locator("summary").click()
    expect(asked.get_by_text("请人工复核这次答复")).to_be_visible()
    asked.get_by_text("下载完整性证明").click()
    expect(page.locator("#status")).not_to_have_text("请稍候…")
    expect(page.locator("#status")).not_to_be_empty()
    expect(page.locator("#news-list")).to_contain_text("第一次使用")
    page.click("#views >> text=激励")
    consent = page.locator(".consent", has_text="安居租赁")
    consent.get_by_text("出示二维码").click()
    expect(consent.locator("svg[role=img]")).to_be_visible()
    consent.get_by_text("撤回").click()
    expect(page.locator("#status")).to_contain_text("已撤回")
    assert town.partner_asks("over", "xinyizu")["code"] == "consent_revoked"


def test_a_disputed_record_stops_counting_until_the_office_has_decided(town: Town) -> None:
    page = town.citizen("rich")
    before = score_on(page)
    rule = page.locator("tr.rule", has_text="未履行信用承诺").first
    lost = int(rule.locator(".points").inner_text().replace("−", "-"))
    rule.locator("xpath=following-sibling::tr[1]").locator("summary").first.click()
    record = rule.locator("xpath=following-sibling::tr[1]").locator("li").first
    record.locator("summary").click()
    expect(record).to_contain_text("依据")
    record.get_by_label("异议理由").fill("承诺已经履行，有回执为证。")
    record.get_by_text("提出异议", exact=True).click()
    expect(page.locator("#status")).to_have_text("异议已受理，办结之前不计分。")
    town.lay_over()
    reload(page)
    assert score_on(page) == before - lost

    officer = town.staff("officer", "disputes")
    officer.locator("#queue button").last.click()
    expect(officer.locator("#case-parts")).to_contain_text("有回执为证")
    officer.check("input[value=rejected]")
    officer.get_by_label("理由").fill(REASON)
    officer.get_by_text("提交", exact=True).click()
    expect(officer.locator("#case-title")).to_have_text("异议 · 已办结")
    assert officer.evaluate(FINDINGS) == []

    town.lay_over()
    reload(page)
    assert score_on(page) == before
    page.click("#views >> text=权利")
    expect(page.locator("#cases")).to_contain_text(f"答复：{REASON}")
    page.click("#views >> text=询问")
    expect(page.locator("#accesses-list")).to_contain_text("信用办")


def test_what_changes_a_record_needs_a_second_pair_of_eyes(town: Town) -> None:
    officer = town.staff("officer", "disputes")
    officer.locator("#queue button", has_text="待经办").first.click()
    expect(officer.locator("#case-parts")).to_contain_text("身份证件曾经遗失")
    officer.check("input[value=upheld]")
    officer.get_by_label("理由").fill("挂失记录属实，处罚对象并非本人。")
    officer.get_by_text("提交", exact=True).click()
    expect(officer.locator("#case-parts")).to_contain_text("要由另一位工作人员复核")
    reviewer = town.staff("reviewer", "disputes")
    reviewer.locator("#queue button", has_text="待复核").click()
    reviewer.get_by_text("同意", exact=True).click()
    expect(reviewer.locator("#case-parts")).to_contain_text("officer-1、reviewer-1")
    town.lay_over()
    page = town.citizen("disputed")
    expect(page.locator("#other-section")).to_be_hidden()
    page.click("#views >> text=权利")
    expect(page.locator("#cases")).to_contain_text("异议成立，记录已移除")


def test_she_takes_her_data_along_and_the_copy_is_itself_a_line(town: Town) -> None:
    page = town.citizen("expiring", "rights")
    copy = downloaded(page, "#export")
    assert {"score", "records", "consents", "accesses", "disputes", "statements"} <= set(copy)
    reload(page)
    page.click("#views >> text=询问")
    expect(page.locator("#accesses-list")).to_contain_text("导出")


def test_a_voucher_is_shown_as_a_code_and_a_refusal_is_kind(town: Town) -> None:
    page = town.citizen("rich", "benefits")
    page.select_option("#voucher-benefit", label="城市客运公司 · 信易行")
    page.click("#make-voucher")
    expect(page.locator("#voucher svg[role=img]")).to_be_visible()
    expect(page.locator("#voucher")).to_contain_text("前有效")
    page = town.citizen("under", "benefits")
    page.select_option("#voucher-benefit", label="滨海普惠银行 · 信易贷")
    page.click("#make-voucher")
    expect(page.locator("#status")).not_to_have_text("请稍候…")
    expect(page.locator("#voucher")).to_be_empty()
    expect(page.locator("#status")).not_to_be_empty()


@pytest.mark.parametrize("persona", ["rich", "withdrawn"])
def test_every_view_can_be_read_touched_and_heard_light_and_dark(town: Town, persona: str) -> None:
    for dark in (False, True):
        page = town.citizen(persona, dark=dark)
        for name in page.locator("#views a").all_inner_texts():
            page.click(f"#views >> text={name}")
            expect(page.locator("#views [aria-current]")).to_have_text(name)  # drawn by now
            for summary in page.locator("main summary:visible").all()[:6]:
                summary.click()
            assert page.evaluate(FINDINGS) == [], name


@pytest.mark.parametrize("address", ["/me/", "/staff/", "/console/"])
def test_a_page_without_log_in_can_be_read_touched_and_heard(town: Town, address: str) -> None:
    page = town.page(address)
    page.wait_for_selector("h1 >> visible=true")
    page.wait_for_load_state("networkidle")
    assert page.evaluate(FINDINGS) == []


SITE = ["/", "/rules/", "/simulator/", "/benefits/", "/voucher/", "/rights/", "/integrators/"]


def test_the_site_can_be_read_touched_and_heard_under_its_policy(town: Town) -> None:
    page = town.page(SITE[0])
    for address in SITE:
        page.goto(town.document.api + address)
        page.wait_for_load_state("networkidle")
        assert page.evaluate(FINDINGS) == [], address
    page.focus("input.md-search__input")
    ready = page.locator(".md-search-result__meta", has_text="键入以开始搜索")
    ready.wait_for(state="attached")  # keys before that are not heard
    page.keyboard.type("信用修复", delay=20)
    page.keyboard.press("End")
    page.wait_for_selector(".md-search-result__item a")
    page.goto(town.document.api + "/")
    page.click(".actions >> text=我的信用")
    page.wait_for_selector("#login:visible")


def test_by_keyboard_on_a_phone_the_site_s_menu_is_seen_and_unfolds_in_place(town: Town) -> None:
    page = town.page("/rights/")
    rules = page.locator(".md-nav--primary label", has_text="评分规则").first
    for _ in range(12):
        page.keyboard.press("Tab")
        if rules.evaluate("label => label === document.activeElement"):
            break
    expect(rules).to_be_in_viewport(ratio=1)
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    simulator = page.locator(".md-nav--primary a", has_text="模拟器")
    expect(simulator).to_be_focused()
    expect(simulator).to_be_in_viewport(ratio=1)


def test_the_simulator_works_with_the_network_gone(town: Town) -> None:
    page = town.page("/simulator/")
    page.wait_for_selector("#simulator .md-button")
    page.wait_for_load_state("networkidle")  # the page's own search comes last
    page.context.set_offline(True)
    page.click("#simulator .md-button")
    expect(page.locator("#simulator .simulator__row")).to_have_count(2)
    expect(page.locator("#simulator .simulator__total")).to_contain_text("分")


def broken_off(route: Route) -> None:
    route.abort()


def told_later(route: Route) -> None:
    problem = {"status": 503, "code": "store_unavailable", "detail": "服务暂时繁忙，请稍后再试。"}
    route.fulfill(status=503, headers={"Retry-After": "5"}, json=problem)


def ended(route: Route) -> None:
    route.fulfill(status=401, json={"status": 401, "code": "token_invalid", "detail": "x"})


@pytest.mark.parametrize(
    ("happens", "words", "place"),
    [
        (broken_off, "网络没有连通", "#failed"),
        (told_later, "服务暂时繁忙。请在 5 秒后再试。", "#failed"),
        (ended, "登录已过期，请重新登录。", "#welcome"),
    ],
    ids=["offline", "busy", "session ended"],
)
def test_what_goes_wrong_is_said_in_words_and_nothing_false_is_shown(
    town: Town, happens: Callable[[Route], None], words: str, place: str
) -> None:
    page = town.citizen("rich")
    page.route("**/v1/me/**", happens)
    page.reload()
    expect(page.locator("#status")).to_contain_text(words)
    expect(page.locator(place)).to_be_visible()
    expect(page.locator("#no-consents")).to_be_hidden()
    if place == "#failed":
        page.unroute("**/v1/me/**")
        page.click("#again")
        page.wait_for_selector("#score:visible")


def test_a_part_that_cannot_be_read_is_left_out_and_the_score_still_shown(town: Town) -> None:
    page = town.citizen("rich")
    page.route("**/v1/me/accesses**", told_later)
    page.reload()
    page.wait_for_selector("#score:visible")
    expect(page.locator("#status")).to_contain_text("有的内容暂时读不出")
    page.click("#views >> text=询问")
    expect(page.locator("#accesses")).to_be_hidden()


CHANGE = {
    "state": "required",
    "from_version": "2026-01",
    "to_version": "2027-01",
    "announced_on": "2026-11-01",
    "effective_on": "2026-12-01",
    "changes": [{"what": "kind", "how": "added", "code": "x", "text": "新增一类记录：机构荣誉。"}],
}


def test_a_material_change_is_told_line_by_line_and_she_stays_or_leaves(town: Town) -> None:
    asked: list[object] = []

    def refused(route: Route) -> None:
        problem = {"status": 409, "code": "reconsent_required", "detail": "x", "reconsent": CHANGE}
        route.fulfill(status=409, json=problem)

    def accepted(route: Route) -> None:
        if route.request.method == "POST":
            asked.append(route.request.post_data_json)
            page.unroute("**/v1/me/score")
            route.fulfill(status=201, json={})
        else:
            route.continue_()

    page = town.citizen("rich")
    page.route("**/v1/me/score", refused)
    page.route("**/v1/me/enrolment", accepted)
    page.reload()
    expect(page.locator("#changes")).to_have_text("新增一类记录：机构荣誉。")
    expect(page.locator("#inside")).to_be_hidden()
    expect(page.locator("#decline")).to_be_visible()
    assert page.evaluate(FINDINGS) == []
    page.click("#accept")
    page.wait_for_selector("#score:visible")
    assert asked == [{"notice_version": "2027-01"}]
    expect(page.locator("#changed")).to_be_hidden()


def agreed_only_to(town: Town, persona: str, notice_version: str) -> None:
    """In the ledger, as if she had answered nothing since."""
    token = next(c.token for c in town.document.citizens if c.persona == persona)
    subject = jwt.decode(token, options={"verify_signature": False})["sub"]
    notice = load_notices().document(notice_version)

    async def write() -> None:
        ledger = await open_ledger(ledger_path(town.data))
        await ledger.append(
            enrolled_draft(subject, notice, uuid.uuid4().hex, time.time_ns() // 10**6)
        )
        await ledger.close()

    with ThreadPoolExecutor(1) as apart:  # the browser's own loop runs in this thread
        apart.submit(asyncio.run, write()).result()


def until_every_worker_refuses(town: Town, persona: str) -> None:
    """Her score, forty times in a row, each on a connection of its own: any worker may get it."""
    token = next(c.token for c in town.document.citizens if c.persona == persona)
    url = f"{town.document.api}/v1/me/score"
    row, deadline = 0, time.monotonic() + LONG_SECONDS
    with httpx.Client(
        headers={"Authorization": f"Bearer {token}", "Connection": "close"}
    ) as client:
        while row < 40:
            assert time.monotonic() < deadline
            row = row + 1 if client.get(url, timeout=LONG_SECONDS).status_code == 409 else 0


def test_who_agreed_to_the_trial_edition_reads_what_changed_agrees_and_has_her_score_back(
    town: Town,
) -> None:
    page = town.citizen("rich")
    score = score_on(page)
    agreed_only_to(town, "rich", "2025-07")
    until_every_worker_refuses(town, "rich")
    reload(page)
    expect(page.locator("#changed-title")).to_have_text("告知书有重大变更，请重新选择")
    expect(page.locator("#changes")).to_contain_text("新增信息种类：合同履约")
    expect(page.locator("#score")).to_be_hidden()
    page.click("#views >> text=权利")
    expect(page.locator("#rights")).to_be_visible()
    page.click("#views >> text=分数")
    page.click("#decline")
    expect(page.locator("#confirm")).to_be_visible()
    page.click("#confirm-no")
    page.click("#accept")
    expect(page.locator("#status")).to_contain_text("您已同意新版告知书")
    town.lay_over()  # a round may have come while nothing of hers was to be processed
    reload(page)
    assert score_on(page) == score
    expect(page.locator("#changed")).to_be_hidden()


def test_a_change_to_come_is_told_while_the_score_is_still_shown(town: Town) -> None:
    def told(route: Route) -> None:
        answer = route.fetch().json() | {"reconsent": {**CHANGE, "state": "announced"}}
        route.fulfill(json=answer)

    page = town.citizen("rich")
    page.route("**/v1/me/enrolment", told)
    page.reload()
    expect(page.locator("#changed-title")).to_have_text("告知书将有重大变更")
    expect(page.locator("#score")).to_be_visible()
    expect(page.locator("#decline")).to_be_hidden()


def test_what_a_touch_did_is_told_where_she_is_and_the_keyboard_goes_on_there(town: Town) -> None:
    page = town.citizen("rich", "benefits")
    for words, told in (("暂停", "已暂停"), ("恢复", "已生效")):
        page.locator("#live-consents button", has_text=words).last.focus()
        page.keyboard.press("Enter")
        expect(page.locator("#status")).to_contain_text(told)
        expect(page.locator("#status")).to_be_in_viewport()
        expect(page.locator("#consents")).to_be_focused()


def test_on_paper_every_counted_record_stands_with_its_basis_and_no_form(town: Town) -> None:
    page = town.citizen("rich")
    summaries = page.locator("#counted summary").all_inner_texts()
    records = sum(int(words.split(" ")[0]) for words in summaries)
    assert records > 10
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(page.locator("#counted dt:visible", has_text="记录编号")).to_have_count(records)
    for hidden in ("#views", "#counted textarea >> nth=0", "#target", ".links", "#print"):
        expect(page.locator(hidden)).to_be_hidden()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(page.locator("#counted details[open]")).to_have_count(0)


def test_days_are_written_as_on_the_records(town: Town) -> None:
    page = town.citizen("rich", "account")
    expect(page.locator("#joined")).to_have_text(re.compile(r"^\d{4}-\d\d-\d\d 加入，"))


def test_by_keyboard_alone_she_reaches_her_rights(town: Town) -> None:
    page = town.citizen("rich")
    page.focus("#views a >> nth=2")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#rights")).to_be_visible()
    assert page.evaluate("document.activeElement.textContent") == "权利"
    page.go_back()
    expect(page.locator("#inside")).to_be_visible()
