"""The Content-Security-Policy the site runs under: nothing from elsewhere, and of scripts in pages
only those it was built with, by their hash (CSP Level 3)."""

import base64
import hashlib
from html.parser import HTMLParser
from pathlib import Path

POLICY_FILE = "content-security-policy.txt"


class _InlineScripts(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.found: list[str] = []
        self._is_inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        members = dict(attrs)
        runs = members.get("type") in (None, "", "text/javascript", "module")
        self._is_inside = tag == "script" and "src" not in members and runs
        if self._is_inside:
            self.found.append("")

    def handle_endtag(self, tag: str) -> None:
        self._is_inside = False

    def handle_data(self, data: str) -> None:
        if self._is_inside:
            self.found[-1] += data


def policy_of(site_dir: Path) -> str:
    """One header value for all pages under `site_dir`."""
    hashes = sorted(
        {_hash(script) for page in site_dir.rglob("*.html") for script in _scripts(page)}
    )
    sources = " ".join(["'self'", *(f"'sha256-{value}'" for value in hashes)])
    return (
        f"default-src 'none'; script-src {sources}; style-src 'self'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; worker-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )


def _scripts(page: Path) -> list[str]:
    parser = _InlineScripts()
    parser.feed(page.read_text("utf-8"))
    return parser.found


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
