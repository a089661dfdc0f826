"""The pages load nothing from elsewhere, hold nothing about anybody and never leave their table."""

import asyncio
import re
from pathlib import Path

import httpx
import pytest

from api.console.app import STATIC, LoginClient, PagesApp, PagesConfig

CONFIG = PagesConfig(
    console=LoginClient(
        issuer="http://127.0.0.1:9001/identity", client_id="console", scope="openid citizen"
    ),
    me=LoginClient(issuer="http://127.0.0.1:9001/identity", client_id="me", scope="openid citizen"),
)
SOURCES = sorted(path for path in STATIC.rglob("*") if path.is_file())
PAGES = ("/console/", "/me/", "/staff/")


class Http:
    """A synchronous caller of the application."""

    def __init__(self, config: PagesConfig) -> None:
        self._transport = httpx.ASGITransport(PagesApp(config))

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        async def asked() -> httpx.Response:
            async with httpx.AsyncClient(
                transport=self._transport, base_url="http://127.0.0.1:9000"
            ) as client:
                return await client.request(method, path, headers=headers)

        return asyncio.run(asked())

    def get(self, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        return self.ask("GET", path, headers)


@pytest.fixture(scope="module")
def http() -> Http:
    return Http(CONFIG)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_and_all_it_names_are_served_from_here(http: Http, path: str) -> None:
    page = http.get(path)
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    named = re.findall(r'(?:src|href)="(/(?:console|me|staff)/[^"#]+)"', page.text)
    assert len(named) >= 3
    assert {http.get(address).status_code for address in named} == {200}


def test_the_policy_allows_own_scripts_and_the_provider_and_nothing_inline(
    http: Http,
) -> None:
    policy = http.get("/console/").headers["content-security-policy"]
    assert policy == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self' http://127.0.0.1:9001; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_source_names_another_host_or_writes_markup(path: Path) -> None:
    text = path.read_text().replace("http://www.w3.org/2000/svg", "")
    assert "//" not in re.sub(r"^\s*//.*$", "", text, flags=re.M).replace("`//", "")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text)
    assert not re.search(r'\son\w+="|\sstyle="|<style|javascript:', text)


@pytest.mark.parametrize("name", ["me", "staff"])
def test_without_scripts_a_page_says_so_first_and_waits_for_nothing(http: Http, name: str) -> None:
    text = http.get(f"/{name}/").text
    assert text.index("本页需要启用脚本") < text.index("<main")
    assert '<noscript><link rel="stylesheet" href="/console/noscript.css"></noscript>' in text
    assert "#status" in http.get("/console/noscript.css").text


def test_the_console_script_stays_small_enough_to_read() -> None:
    assert len((STATIC / "console" / "console.js").read_text().splitlines()) <= 300


def test_an_unchanged_file_is_answered_304(http: Http) -> None:
    etag = http.get("/console/console.js").headers["etag"]
    for tags in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = http.get("/console/console.js", headers={"If-None-Match": tags})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert http.get("/console/console.js", headers={"If-None-Match": '"x"'}).status_code == 200


def test_head_is_get_without_a_body(http: Http) -> None:
    get, head = http.get("/me/"), http.ask("HEAD", "/me/")
    assert head.content == b""
    assert head.headers["content-length"] == get.headers["content-length"]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_without_its_slash_is_found(http: Http, path: str) -> None:
    answer = http.get(path.rstrip("/"))
    assert (answer.status_code, answer.headers["location"]) == (308, path)


@pytest.mark.parametrize(
    "path", ["/console/../app.py", "/console/%2e%2e/app.py", "/console//etc/passwd", "/console/x"]
)
def test_nothing_outside_the_table_is_served(http: Http, path: str) -> None:
    assert http.get(path).status_code == 404


def test_other_methods_are_refused_with_the_allowed_ones(http: Http) -> None:
    refused = http.ask("POST", "/console/")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")


def test_without_a_provider_the_pages_offer_no_log_in() -> None:
    http = Http(PagesConfig())
    assert http.get("/console/config.json").json() == {"console": None, "me": None, "staff": None}
    assert "connect-src 'self';" in http.get("/me/").headers["content-security-policy"]


def test_the_pages_of_people_say_the_same_head_but_for_their_names() -> None:
    heads = set()
    for name in ("me", "staff"):
        text = (STATIC / name / "index.html").read_text()
        head = text.partition("<body>")[0].replace(f"/{name}/{name}", "/x/x")
        heads.add(re.sub(r"<title>.*?</title>|(?<=content=\")[^\"]*。", "", head))
    assert len(heads) == 1


@pytest.mark.parametrize("name", ["me", "staff", "console"])
def test_colours_and_controls_are_said_once_for_all_pages(name: str) -> None:
    own = (STATIC / name / f"{name}.css").read_text()
    assert not re.search(r"#[0-9a-f]{6}|^(?::root|body \{[^}]*font|#status) ", own, re.M)


def contrast(first: str, second: str) -> float:
    """WCAG 2.2, 1.4.3."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_every_text_colour_has_contrast_enough_in_light_and_dark() -> None:
    schemes = re.findall(r":root \{([^}]+)\}", (STATIC / "shared" / "base.css").read_text())
    assert len(schemes) == 2
    for scheme in schemes:
        colour = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", scheme))
        texts = [name for name in ("ink", "quiet", "accent", "problem", "good") if name in colour]
        grounds = [name for name in ("paper", "card", "chosen") if name in colour]
        pairs = [(text, ground) for text in texts for ground in grounds]
        pairs.append(("on-accent", "accent"))
        low = [pair for pair in pairs if contrast(colour[pair[0]], colour[pair[1]]) < 4.5]
        assert not low
        assert contrast(colour["line"], colour["card"]) >= 3
