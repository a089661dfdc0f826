"""What a public site of a government must not do, looked for in the built files.

Sources: 国办发〔2017〕47号 (source and date on every article, no empty columns, no dead links);
our own promises (nothing loaded from elsewhere, nothing stale shown as new).
"""

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from builder.reader import Page, read_page

# Outgoing links a reader may follow; nothing is ever loaded from them.
OFFICIAL_HOSTS = frozenset(
    {
        "www.gov.cn",
        "www.ndrc.gov.cn",
        "flk.npc.gov.cn",
        "www.jiangsu.gov.cn",
        "www.creditchina.gov.cn",
        "www.pbc.gov.cn",
        "www.cac.gov.cn",
    }
)
# Addresses of the service, which answers beside the site; a page may lead there.
SERVED_BESIDE = frozenset({"v1/log/heads"})
PROVENANCE = ("source", "date", "status")
FRONT_PAGE = "index.html"
WITHOUT_PROVENANCE = {FRONT_PAGE, "404.html"}
# Pages of the service on the same address, which the built files do not hold.
SERVICE_PAGES = frozenset({"/me/"})
# A column with less text than two lines of a phone says nothing.
MINIMUM_WORDS = 60
# 检查指标 of government sites: a front page not renewed for two weeks is a veto.
FRESH_DAYS = 14

_FOREIGN_IN_CSS = re.compile(r"""(?:url\(|@import)\s*['"]?((?:https?:)?//[^'")\s]+)""")
_WHITESPACE = re.compile(r"\s+")


@dataclass(frozen=True)
class Finding:
    code: str
    page: str
    what: str


def check_site(site_dir: Path, as_of: dt.date, own_host: str) -> list[Finding]:
    """Every finding, by page. `own_host`: host of the site's own address, which it may name."""
    paths = sorted(site_dir.rglob("*.html"))
    if not paths:
        return [Finding("no_pages", ".", f"no page in {site_dir}")]
    pages = {page.path: page for page in (read_page(path, site_dir) for path in paths)}
    findings = [
        finding
        for page in pages.values()
        for finding in _of_page(page, pages, site_dir, as_of, own_host)
    ]
    return findings + list(_foreign_in_styles(site_dir))


def unfilled_count(site_dir: Path) -> int:
    """Places the city still has to fill in, counted on the front page."""
    return read_page(site_dir / FRONT_PAGE, site_dir).unfilled


def _of_page(
    page: Page, pages: dict[str, Page], site_dir: Path, as_of: dt.date, own_host: str
) -> Iterator[Finding]:
    yield from _links(page, pages, site_dir, own_host)
    yield from _loads(page, own_host)
    yield from _provenance(page, as_of)
    yield from _freshness(page, as_of)
    if len(_WHITESPACE.sub("", page.words)) < MINIMUM_WORDS and page.path != "404.html":
        yield Finding("empty_column", page.path, f"fewer than {MINIMUM_WORDS} characters of text")
    if page.heading_count != 1:
        yield Finding("headings", page.path, f"{page.heading_count} top headings instead of one")
    if page.inline_styles:
        yield Finding("inline_style", page.path, "styles in the page; the policy forbids them")


def _links(page: Page, pages: dict[str, Page], site_dir: Path, own_host: str) -> Iterator[Finding]:
    for link in page.links:
        parts = urlsplit(link)
        if parts.scheme in ("mailto", "tel"):
            continue
        if parts.scheme == "javascript":
            yield Finding("script_link", page.path, link)
        elif parts.netloc:
            if parts.netloc not in OFFICIAL_HOSTS | {own_host}:
                yield Finding("unknown_host", page.path, parts.netloc)
        elif link not in SERVICE_PAGES and not _leads_somewhere(page, link, pages, site_dir):
            yield Finding("dead_link", page.path, link)


def _leads_somewhere(page: Page, link: str, pages: dict[str, Page], site_dir: Path) -> bool:
    target = urlsplit(urljoin(f"/{page.path}", link))
    path = unquote(target.path).lstrip("/")
    if path == "" or path.endswith("/"):
        path += FRONT_PAGE
    anchor = unquote(target.fragment)
    if path in SERVED_BESIDE:
        return True
    if path in pages:
        return not anchor or anchor in pages[path].ids or anchor.startswith("__")
    return (site_dir / path).is_file()


def _loads(page: Page, own_host: str) -> Iterator[Finding]:
    for source in page.loads:
        parts = urlsplit(source)
        is_foreign = bool(parts.netloc) and parts.netloc != own_host
        if is_foreign or parts.scheme not in ("", "https", "data"):
            yield Finding("foreign_load", page.path, source)


def _foreign_in_styles(site_dir: Path) -> Iterator[Finding]:
    for sheet in sorted(site_dir.rglob("*.css")):
        for source in _FOREIGN_IN_CSS.findall(sheet.read_text("utf-8")):
            yield Finding("foreign_load", sheet.relative_to(site_dir).as_posix(), source)


def _provenance(page: Page, as_of: dt.date) -> Iterator[Finding]:
    if page.path in WITHOUT_PROVENANCE:
        return
    missing = [name for name in PROVENANCE if not page.provenance.get(name)]
    if missing:
        yield Finding("no_provenance", page.path, f"without {', '.join(missing)}")
    review = _day(page.provenance.get("review", ""))
    if review is not None and review < as_of:
        yield Finding("review_overdue", page.path, f"was to be reviewed on {review}")
    written = _day(page.provenance.get("date", ""))
    if written is not None and written > as_of:
        yield Finding("future_date", page.path, f"dated {written}")


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def _freshness(page: Page, as_of: dt.date) -> Iterator[Finding]:
    for text in page.fresh_days:
        day = _day(text)
        if day is None or (as_of - day).days > FRESH_DAYS:
            yield Finding("stale", page.path, f"figures of {text}, more than {FRESH_DAYS} days old")


def in_words(findings: Sequence[Finding]) -> str:
    return "\n".join(f"{finding.page}: {finding.code}: {finding.what}" for finding in findings)
