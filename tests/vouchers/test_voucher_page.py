"""The verifier page in a real browser: under the site's policy, with the network off, and of one
mind with the command."""

import functools
import http.server
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from api.signing_keys import jwks_of, make_signing_key
from api.vouchers.token import HEADER, Voucher, base64url, signed
from scoring.benefits import load_benefits
from tests.support.chromium import CHROMIUM, FLAGS, NO_CHROMIUM

ROOT = Path(__file__).resolve().parents[2]
KEY, OTHER_KEY = make_signing_key(), make_signing_key()
BUS, RIDE = "city_bus", "xinyixing_ride_later"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=NO_CHROMIUM)


def fresh(number: int, **changes: object) -> Voucher:
    values = {"audience": BUS, "exp": int(time.time()) + 110, "policy": RIDE, **changes}
    return Voucher(jti=f"{number:016d}", **values)  # type: ignore[arg-type]


def token(number: int, **changes: object) -> str:
    return signed(fresh(number, **changes), KEY.private_key)


def other_payload(number: int, payload: bytes) -> str:
    """Our own signature over a payload we would never write."""
    import jwt

    algorithm = jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA256)
    content = base64url(HEADER) + b"." + base64url(payload % (int(time.time()) + 100, number))
    return (content + b"." + base64url(algorithm.sign(content, KEY.private_key))).decode()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("voucher-site")
    keys = folder / "jwks.json"
    keys.write_text(json.dumps(jwks_of(KEY)))
    command = [sys.executable, "-m", "api.commands", "site", "build", "--keys", str(keys)]
    subprocess.run(
        [*command, "--as-of", "2026-11-22", "--out", str(folder / "site")], check=True, cwd=ROOT
    )
    return folder / "site"


@contextmanager
def served(site: Path) -> Iterator[str]:
    policy = (site / "content-security-policy.txt").read_text().strip()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def end_headers(self) -> None:
            self.send_header("Content-Security-Policy", policy)
            super().end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Handler, directory=str(site))
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Gate:
    def __init__(self, page: object) -> None:
        self.page = page

    def verdict(self, text: str) -> str:
        page = self.page
        page.evaluate("delete document.getElementById('voucher-result').dataset.verdict")  # type: ignore[attr-defined]
        page.fill("#voucher-token", text)  # type: ignore[attr-defined]
        page.press("#voucher-token", "Enter")  # type: ignore[attr-defined]
        place = page.wait_for_selector("#voucher-result[data-verdict]")  # type: ignore[attr-defined]
        return str(place.get_attribute("data-verdict"))


def test_the_page_judges_offline_what_the_command_judges(site: Path) -> None:
    from playwright.sync_api import sync_playwright

    complaints: list[str] = []
    with served(site) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = browser.new_context(viewport={"width": 360, "height": 780})
        page = context.new_page()
        page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{address}/voucher/", wait_until="networkidle")
        context.set_offline(True)
        gate = Gate(page)
        assert gate.verdict(token(1)) == "no_choice"
        page.select_option("#voucher-choice", f"{BUS}/{RIDE}")

        good = token(2)
        changed = good[:70] + ("A" if good[70] != "A" else "B") + good[71:]
        assert gate.verdict(changed) == "not_ours"
        assert gate.verdict(good) == "accepted"
        assert gate.verdict(good) == "used"
        assert gate.verdict(token(3, audience="city_parking")) == "another_partner"
        assert gate.verdict(token(4, policy="xinyixing_park_later")) == "another_policy"
        assert gate.verdict(token(5, exp=int(time.time()))) == "expired"
        assert gate.verdict(token(6, exp=int(time.time()) + 200)) == "future"
        assert gate.verdict(signed(fresh(7), OTHER_KEY.private_key)) == "not_ours"
        twice = b'{"aud":"city_bus","exp":1,"exp":%d,"jti":"%016d","policy":"xinyixing_ride_later"}'
        assert gate.verdict(other_payload(8, twice)) == "malformed"
        more = (
            b'{"aud":"city_bus","exp":%d,"jti":"%016d","policy":"xinyixing_ride_later","sub":"x"}'
        )
        assert gate.verdict(other_payload(9, more)) == "malformed"
        assert gate.verdict("") == "no_token"
        for text in ("a.b", "a.b.c", good + "A", good[:-1], good.replace(".", " ", 1), "<b>"):
            assert gate.verdict(text) == "malformed"

        page.click("#voucher-form summary")
        page.fill("#voucher-key", json.dumps(jwks_of(OTHER_KEY)))
        assert gate.verdict(signed(fresh(10), OTHER_KEY.private_key)) == "accepted"
        assert gate.verdict(token(11)) == "not_ours"

        context.set_offline(False)
        page.reload(wait_until="networkidle")
        context.set_offline(True)
        page.select_option("#voucher-choice", f"{BUS}/{RIDE}")
        assert gate.verdict(good) == "used", "a page loaded again has not forgotten"
        width = page.evaluate("document.documentElement.scrollWidth")
        browser.close()
    assert complaints == []
    assert width <= 360


def test_the_page_offers_every_live_benefit(site: Path) -> None:
    html = (site / "voucher" / "index.html").read_text("utf-8")
    for policy in load_benefits().policies:
        assert f'value="{policy.partner}/{policy.id}"' in html


def test_the_page_carries_public_keys_only(site: Path, tmp_path: Path) -> None:
    html = (site / "voucher" / "index.html").read_text("utf-8")
    assert jwks_of(KEY)["keys"][0]["x"] in html
    secret = tmp_path / "private.json"
    secret.write_text(json.dumps({"keys": [{**jwks_of(KEY)["keys"][0], "d": "c2VjcmV0"}]}))
    command = [sys.executable, "-m", "api.commands", "site", "build", "--keys", str(secret)]
    done = subprocess.run(
        [*command, "--out", str(tmp_path / "site")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 5
    assert not (tmp_path / "site").exists()
