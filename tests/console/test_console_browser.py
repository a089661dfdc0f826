"""Both pages in a real browser, against the service and the provider on loopback."""

import asyncio
import datetime as dt
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from granian.constants import Interfaces
from granian.server.embed import Server
from playwright.async_api import Browser, Page, async_playwright, expect

from api.app import Parts, create_app
from api.console.app import CONSOLE_SCOPE, pages_config, pages_mounts
from api.identity.app import create_provider_app
from api.identity.config import Client, Persona, ProviderConfig
from api.ledger.notice import load_notices
from api.ledger.sqlite import open_ledger
from api.signing_keys import make_signing_key
from tests.api.city import SNAPSHOT_KEY, MemoryReader, make_city, subject
from tests.api.service import AUDIENCE, settings_for
from tests.support.chromium import CHROMIUM, FLAGS, NO_CHROMIUM
from tests.support.ports import free_port
from tests.support.waiting import LONG_SECONDS

PHONE = {"width": 360, "height": 780}

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=NO_CHROMIUM)
expect.set_options(timeout=LONG_SECONDS * 1_000)


PERSONAS = [
    Persona(persona=name, sub=subject(who), scope="citizen", birthdate=born)
    for name, who, born in (
        ("rich", "late", dt.date(1980, 5, 17)),
        ("unenrolled", "nobody", dt.date(1990, 1, 2)),
        ("minor", "minor", dt.date(2015, 3, 4)),
        ("consenting", "consenting", dt.date(1985, 6, 7)),
    )
]


@asynccontextmanager
async def served(app: object, port: int) -> AsyncIterator[None]:
    server = Server(
        app,
        address="127.0.0.1",
        port=port,
        interface=Interfaces.ASGI,
        log_enabled=False,
        websockets=False,
    )
    task = asyncio.create_task(server.serve())
    try:
        await answering(port)
        yield
    finally:
        server.stop()
        await task


async def answering(port: int) -> None:
    async with asyncio.timeout(LONG_SECONDS):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                await writer.wait_closed()
                return


@asynccontextmanager
async def demo(folder: Path) -> AsyncIterator[str]:
    """The address of the pages."""
    port, identity_port = free_port(), free_port()
    origin, issuer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{identity_port}"
    reader = MemoryReader(make_city())
    parts = Parts(
        make_reader=lambda _: reader,
        open_ledger=lambda: open_ledger(folder / "ledger.sqlite"),
        snapshot_key=SNAPSHOT_KEY,
        notices=load_notices(),
        receipt_key=make_signing_key(),
        mounts=pages_mounts(
            pages_config(issuer, console_client="console", citizen_client="citizen")
        ),
    )
    provider = ProviderConfig(
        issuer=issuer,
        audience=AUDIENCE,
        key_file=str(folder / "identity.pem"),
        personas=PERSONAS,
        clients=[
            Client(
                client_id=client_id,
                name=page,
                redirect_uris=[f"{origin}/{page}/"],
                scopes=CONSOLE_SCOPE.split(" "),
            )
            for client_id, page in (("console", "console"), ("citizen", "me"))
        ],
    )
    settings = settings_for(folder, issuer=issuer, jwks_uri=f"{issuer}/jwks.json")
    async with (
        served(create_provider_app(provider, make_signing_key()), identity_port),
        served(create_app(settings, parts), port),
    ):
        yield origin


Scene = Callable[[Page, str], Awaitable[None]]


class Stage:
    """One running demo and one browser for all scenes; a fresh session for each."""

    def __init__(self, runner: asyncio.Runner, browser: Browser, origin: str) -> None:
        self._runner = runner
        self._browser = browser
        self._origin = origin

    def play(self, scene: Scene) -> None:
        """On a phone of 360 px; a script error or a refused resource fails the scene."""
        self._runner.run(self._play(scene))

    async def _play(self, scene: Scene) -> None:
        context = await self._browser.new_context(viewport=PHONE, locale="en-US")
        page = await context.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "console",
            lambda said: faults.append(said.text) if "Security Policy" in said.text else None,
        )
        page.set_default_timeout(LONG_SECONDS * 1_000)
        await scene(page, self._origin)
        assert faults == []
        await context.close()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()

        async def open_stage() -> tuple[Browser, str]:
            origin = await stack.enter_async_context(demo(tmp_path_factory.mktemp("stage")))
            playwright = await stack.enter_async_context(async_playwright())
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            stack.push_async_callback(browser.close)
            return browser, origin

        browser, origin = runner.run(open_stage())
        yield Stage(runner, browser, origin)
        runner.run(stack.aclose())


async def log_in(page: Page, persona: str) -> None:
    await page.click("#login")
    await page.check(f"input[value={persona}]")
    await fits(page)
    await page.click("button.main")


async def turn_to(page: Page, view: str) -> None:
    await page.click(f"#views >> text={view}")


def points_in(text: str) -> int:
    return int(text.partition(" ")[0].replace("−", "-"))


async def downloaded(page: Page, button: str) -> dict[str, object]:
    async with page.expect_download() as expected:
        await page.click(button)
    path = await (await expected.value).path()
    content: dict[str, object] = json.loads(await asyncio.to_thread(path.read_bytes))
    return content


async def fits(page: Page) -> None:
    """Nothing reaches beyond the screen (WCAG 1.4.10)."""
    assert await page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


def test_the_console_logs_in_sends_a_request_and_shows_the_answer(stage: Stage) -> None:
    async def scene(page: Page, origin: str) -> None:
        await page.goto(f"{origin}/console/#getMyScore")
        await page.wait_for_selector("nav a[aria-current]")
        await log_in(page, "rich")
        await expect(page.locator("#token")).not_to_have_value("")
        assert "code=" not in page.url
        await page.click("main form button")
        await page.wait_for_selector("#answer pre")
        answer = await page.inner_text("#answer")
        assert "200 OK" in answer
        assert '"score": 572' in answer
        assert "cache-control: private, no-store" in answer
        await fits(page)

    stage.play(scene)


def test_the_console_works_by_keyboard_alone(stage: Stage) -> None:
    async def scene(page: Page, origin: str) -> None:
        await page.goto(f"{origin}/console/")
        await page.focus("a[href='#getRules']")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("main form")
        assert await page.evaluate("document.activeElement.id") == "operation"
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#answer pre")
        unlabelled = (
            "[...document.querySelectorAll('input,textarea')].filter(e => !e.labels.length)"
        )
        assert await page.evaluate(f"{unlabelled}.length") == 0

    stage.play(scene)


def test_a_citizen_sees_a_score_whose_lines_add_up(stage: Stage) -> None:
    async def scene(page: Page, origin: str) -> None:
        await page.goto(f"{origin}/me/")
        await log_in(page, "rich")
        await page.wait_for_selector("#score:visible")
        lines = await page.locator("#counted .points").all_inner_texts()
        assert [points_in(text) for text in lines] == [600, -28]
        assert await page.inner_text("#sum .points") == await page.inner_text("#score") == "572"
        await page.click("#counted summary")
        await page.wait_for_selector("#counted details .name:visible")
        records = await page.locator("#counted details .name").all_inner_texts()
        assert sorted(points_in(text) for text in records) == [-20, -8]
        assert "Counts towards" not in await page.inner_text("#counted")  # on an English phone too
        await fits(page)

    stage.play(scene)


def test_a_citizen_joins_after_reading_and_leaves_again(stage: Stage) -> None:
    async def scene(page: Page, origin: str) -> None:
        await page.goto(f"{origin}/me/")
        await log_in(page, "unenrolled")
        await page.wait_for_selector("#notice-text h3:visible")
        assert await page.is_disabled("#enrol")
        await page.check("#agreed")
        await page.click("#enrol")
        await page.wait_for_selector("#waiting:visible")
        await turn_to(page, "账户")
        assert "proof" in await downloaded(page, "#receipt")
        await page.click("#withdraw")
        await page.click("#confirm-yes")
        await page.wait_for_selector("#outside:visible")
        await expect(page.locator("#status")).to_have_text("您已退出，分数已删除。")

    stage.play(scene)


def test_a_minor_is_told_kindly_that_nothing_is_lost(stage: Stage) -> None:
    async def scene(page: Page, origin: str) -> None:
        await page.goto(f"{origin}/me/")
        await log_in(page, "minor")
        await page.wait_for_selector("#outside:visible")
        await page.check("#agreed")
        await page.click("#enrol")
        await expect(page.locator("#status")).to_contain_text("成年人")
        assert "不会被评分" in await page.inner_text("#status")

    stage.play(scene)


def test_an_answer_nobody_asked_for_logs_nobody_in(stage: Stage) -> None:
    async def scene(page: Page, origin: str) -> None:
        await page.goto(f"{origin}/me/?code=stolen&state=made-up&iss=https://evil.example")
        await expect(page.locator("#status")).to_contain_text("不是本页发起的")
        assert await page.is_visible("#login")

    stage.play(scene)


def test_a_citizen_consents_shows_the_code_pauses_and_revokes_with_one_touch_each(
    stage: Stage,
) -> None:
    async def scene(page: Page, origin: str) -> None:
        await page.goto(f"{origin}/me/")
        await log_in(page, "consenting")
        await page.wait_for_selector("#outside:visible")
        await page.check("#agreed")
        await page.click("#enrol")
        await turn_to(page, "询问")
        await expect(page.locator("#no-accesses")).to_be_visible()
        await turn_to(page, "激励")
        await expect(page.locator("#no-consents")).to_be_visible()
        await page.click("#granting summary")
        await page.select_option("#benefit", index=1)
        await page.click("#grant")
        await expect(page.locator("#live-consents .name")).to_have_text("伙伴 · 信易阅")
        await page.click("text=出示二维码")
        await page.wait_for_selector(".qr svg[role=img]")
        await fits(page)
        await page.click("#live-consents >> text=暂停")
        await expect(page.locator("#live-consents")).to_contain_text("已暂停")
        await page.click("#live-consents >> text=恢复")
        await expect(page.locator("#live-consents")).to_contain_text("有效")
        await page.click("#live-consents >> text=撤回")
        await expect(page.locator("#no-consents")).to_be_visible()
        await expect(page.locator("#ended-summary")).to_have_text("已结束的同意 1 项")
        await expect(page.locator("#status")).to_have_text("已撤回，对方不能再询问。")

    stage.play(scene)
