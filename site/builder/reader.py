"""What a built page consists of, as far as the checks need it (html.parser)."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

# Attributes that make a browser fetch something, by element.
LOADING = {
    ("script", "src"),
    ("img", "src"),
    ("img", "srcset"),
    ("source", "src"),
    ("source", "srcset"),
    ("iframe", "src"),
    ("video", "src"),
    ("audio", "src"),
    ("embed", "src"),
    ("object", "data"),
    ("form", "action"),
    ("use", "href"),
    ("image", "href"),
}
# Relations of <link> that only name another page.
NAMING_RELATIONS = {"canonical", "alternate", "prev", "next", "license"}


@dataclass
class Page:
    """`path` relative to the site. `words`: text of the article, without provenance."""

    path: str
    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    provenance: dict[str, str] = field(default_factory=dict)
    fresh_days: list[str] = field(default_factory=list)
    words: str = ""
    heading_count: int = 0
    inline_styles: int = 0
    unfilled: int = 0


def read_page(path: Path, site_dir: Path) -> Page:
    parser = _PageParser(path.relative_to(site_dir).as_posix())
    parser.feed(path.read_text("utf-8"))
    return parser.page


class _PageParser(HTMLParser):
    def __init__(self, path: str) -> None:
        super().__init__()
        self.page = Page(path)
        self._article_depth = 0
        self._skip_depth = 0  # inside the provenance list
        self._member: str | None = None
        self._is_fresh = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        members = {name: value or "" for name, value in attrs}
        self._note_references(tag, members)
        self._note_place(tag, members)

    def _note_references(self, tag: str, members: dict[str, str]) -> None:
        page = self.page
        if "id" in members:
            page.ids.add(members["id"])
        if "style" in members or tag == "style":
            page.inline_styles += 1
        if tag == "a" and "href" in members:
            page.links.append(members["href"])
        if tag == "link" and members.get("rel") not in NAMING_RELATIONS:
            page.loads.append(members.get("href", ""))
        page.loads += [value for name, value in members.items() if (tag, name) in LOADING]
        page.heading_count += tag == "h1"
        page.unfilled += "unfilled" in members.get("class", "").split()

    def _note_place(self, tag: str, members: dict[str, str]) -> None:
        if tag == "article":
            self._article_depth += 1
        if tag == "dl" and members.get("class") == "provenance":
            self._skip_depth = 1
        if "data-provenance" in members:
            self._member = members["data-provenance"]
            self.page.provenance[self._member] = ""
        self._is_fresh = self._is_fresh or "data-freshness" in members
        if self._is_fresh and tag == "time":
            self.page.fresh_days.append(members.get("datetime", ""))
            self._is_fresh = False

    def handle_endtag(self, tag: str) -> None:
        if tag == "article":
            self._article_depth -= 1
        if tag == "dl":
            self._skip_depth = 0
        if tag == "dd":
            self._member = None

    def handle_data(self, data: str) -> None:
        if self._member is not None:
            self.page.provenance[self._member] += data.strip()
        elif self._article_depth and not self._skip_depth:
            self.page.words += data
