"""The question on the page 我的信用, in a real browser on a phone."""

import asyncio
import json
import time
from pathlib import Path

import pytest
from playwright.async_api import async_playwright, expect

from api.app import Parts, create_app
from api.console.app import pages_config, pages_mounts
from api.ledger.notice import load_notices
from api.ledger.sqlite import open_ledger
from api.signing_keys import make_signing_key
from tests.api.city import SNAPSHOT_KEY, MemoryReader
from tests.api.service import ISSUER, Signer, settings_for
from tests.console.test_console_browser import PHONE, served
from tests.support.chromium import CHROMIUM, FLAGS, NO_CHROMIUM
from tests.support.ports import free_port
from tests.support.waiting import LONG_SECONDS
from tests.what_if.test_what_if_route import city

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=NO_CHROMIUM)
expect.set_options(timeout=LONG_SECONDS * 1_000)


def _app(folder: Path, signer: Signer) -> object:
    reader = MemoryReader(city())
    parts = Parts(
        make_reader=lambda _: reader,
        open_ledger=lambda: open_ledger(folder / "ledger.sqlite"),
        snapshot_key=SNAPSHOT_KEY,
        notices=load_notices(),
        receipt_key=make_signing_key(),
        fetch_keys=lambda _: json.dumps({"keys": [signer.jwk()]}).encode(),
        mounts=pages_mounts(pages_config(ISSUER, console_client="", citizen_client="citizen")),
    )
    return create_app(settings_for(folder), parts)


def test_she_asks_for_a_score_and_reads_what_it_takes(tmp_path: Path) -> None:
    signer = Signer()

    async def scene() -> None:
        port = free_port()
        session = {"token": signer.token("owing"), "expiresAt": (time.time() + 600) * 1000}
        async with served(_app(tmp_path, signer), port), async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            page = await browser.new_page(viewport=PHONE, locale="zh-CN")
            await page.goto(f"http://127.0.0.1:{port}/me/")
            await page.evaluate(
                "s => sessionStorage.setItem('chengxin.session', JSON.stringify(s))", session
            )
            await page.reload()
            await expect(page.locator("#score")).to_have_text("540")
            await page.fill("#target", "600")
            await page.click("#ask-what-if")
            await expect(page.locator("#what-if-text")).to_contain_text("就能达到 600 分")
            changes = page.locator("#what-if-changes li")
            await expect(changes).to_have_count(1)
            await expect(changes).to_contain_text("未履行法院确认的义务")
            await expect(changes).to_contain_text("现在就可以办理")
            assert await page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
            await page.fill("#target", "5000")
            await page.click("#ask-what-if")
            await expect(page.locator("#status")).not_to_have_text("请稍候…")
            await expect(page.locator("#status")).not_to_be_empty()
            await browser.close()

    asyncio.run(scene())
