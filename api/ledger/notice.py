"""The versioned notice a citizen reads before enrolling; its text is data in `notices/`.

Law: Personal Information Protection Law, Art. 17 (what must be told), 14 (consent anew on change).
"""

import datetime as dt
import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, cast, get_args

import msgspec

NOTICE_FOLDER = Path(__file__).parent / "notices"

Language = Literal["zh-CN", "en"]
LANGUAGES = cast(tuple[Language, ...], get_args(Language))
DEFAULT_LANGUAGE: Language = "zh-CN"

# Without one of these a notice does not inform: Art. 17 (1), and what the design promises.
REQUIRED_ITEMS = frozenset(
    {
        "controller",
        "purpose",
        "method",
        "kinds",
        "never_used",
        "retention",
        "rights",
        "voluntary",
        "benefits_only",
        "adults_only",
        "sharing",
        "automated_decision",
        "withdrawal",
        "changes",
    }
)


class NoticeBroken(Exception):
    """A notice file cannot be served: text, language or item missing, or two claim one version."""


class NoticeItem(msgspec.Struct, frozen=True, kw_only=True):
    """`basis`: article of law, in Chinese as published."""

    code: str
    title: str
    text: str
    basis: str


class NoticeDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One version in one language. `text`: the whole notice in Markdown; `sha256`: hex digest of its
    UTF-8 bytes, which receipts and events name."""

    version: str
    effective_on: dt.date
    language: Language
    title: str
    text: str
    sha256: str
    items: list[NoticeItem]


class _ItemSource(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    code: str
    basis: str
    title: dict[Language, str]
    text: dict[Language, str]


class _NoticeSource(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    version: str
    effective_on: dt.date
    title: dict[Language, str]
    introduction: dict[Language, str]
    items: list[_ItemSource]


class Notices:
    """Every version ever served."""

    def __init__(self, sources: Sequence[_NoticeSource]) -> None:
        self._by_day = sorted(sources, key=lambda source: source.effective_on)
        self._documents: Mapping[tuple[str, Language], NoticeDocument] = {
            (source.version, language): _document(source, language)
            for source in sources
            for language in LANGUAGES
        }
        if len(self._documents) != len(sources) * len(LANGUAGES):
            raise NoticeBroken("two files claim the same version")
        if len({source.effective_on for source in sources}) != len(sources):
            raise NoticeBroken("two versions become effective on the same day")

    def version_on(self, day: dt.date) -> str:
        """The version in force. Raises NoticeBroken before the first."""
        in_force = [source.version for source in self._by_day if source.effective_on <= day]
        if not in_force:
            raise NoticeBroken(f"no notice is in force on {day}")
        return in_force[-1]

    def document(self, version: str, language: Language = DEFAULT_LANGUAGE) -> NoticeDocument:
        """Raises KeyError for a version that never was."""
        return self._documents[version, language]

    def current(self, day: dt.date, language: Language = DEFAULT_LANGUAGE) -> NoticeDocument:
        """What `GET /v1/notice` answers."""
        return self.document(self.version_on(day), language)


def load_notices(folder: Path = NOTICE_FOLDER) -> Notices:
    """Raises NoticeBroken, naming the file."""
    return Notices([_read(path) for path in sorted(folder.glob("*.toml"))])


def _read(path: Path) -> _NoticeSource:
    try:
        source = msgspec.convert(tomllib.loads(path.read_text("utf-8")), _NoticeSource)
    except (msgspec.ValidationError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise NoticeBroken(f"{path.name}: {error}") from error
    if problems := list(_problems(source)):
        raise NoticeBroken(f"{path.name}: {'; '.join(problems)}")
    return source


def _problems(source: _NoticeSource) -> list[str]:
    codes = [item.code for item in source.items]
    problems = [f"item {code} is missing" for code in sorted(REQUIRED_ITEMS - set(codes))]
    problems += [
        f"item {code} comes twice" for code in sorted({c for c in codes if codes.count(c) > 1})
    ]
    texts = {"title": source.title, "introduction": source.introduction}
    for item in source.items:
        texts |= {f"{item.code}.title": item.title, f"{item.code}.text": item.text}
    for place, words in texts.items():
        problems += [
            f"{place} has no {code}" for code in LANGUAGES if not words.get(code, "").strip()
        ]
    return problems


def _document(source: _NoticeSource, language: Language) -> NoticeDocument:
    items = [
        NoticeItem(
            code=item.code, title=item.title[language], text=item.text[language], basis=item.basis
        )
        for item in source.items
    ]
    text = _markdown(source.title[language], source.introduction[language], items)
    return NoticeDocument(
        version=source.version,
        effective_on=source.effective_on,
        language=language,
        title=source.title[language],
        text=text,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        items=items,
    )


def _markdown(title: str, introduction: str, items: Sequence[NoticeItem]) -> str:
    sections = [f"## {n}. {item.title}\n\n{item.text}" for n, item in enumerate(items, 1)]
    return "\n\n".join([f"# {title}", introduction, *sections]) + "\n"
