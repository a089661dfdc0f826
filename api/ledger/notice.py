"""The versioned notice a citizen reads before enrolling; its text is data in `notices/`.

Law: Personal Information Protection Law, Art. 17 (what must be told), 14 (consent anew on change).
"""

import datetime as dt
import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, cast, get_args

import msgspec

from scoring.policy.coverage import NoticeCoverage
from scoring.policy.terms import (
    MovesFound,
    NoticeEdition,
    Terms,
    TermsChange,
    changes_between,
)

NOTICE_FOLDER = Path(__file__).parent / "notices"

# A version stands in marks and records of the store between `:` and `,`.
VERSION_PATTERN = r"^[0-9A-Za-z.-]{1,32}$"

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


class NoticeChange(msgspec.Struct, frozen=True, kw_only=True):
    """From one version to a later one. `changes`: of what they stand for; the wording may differ
    beyond that."""

    from_version: str
    to_version: str
    announced_on: dt.date
    effective_on: dt.date
    is_material: bool
    changes: list[TermsChange]


class _NoticeSource(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`announced_on`: from when it can be read and accepted. `is_material`: from `effective_on` the
    acceptance of an earlier version no longer stands."""

    version: Annotated[str, msgspec.Meta(pattern=VERSION_PATTERN)]
    announced_on: dt.date
    effective_on: dt.date
    is_material: bool
    terms: Terms
    moves: MovesFound | None = None
    title: dict[Language, str]
    introduction: dict[Language, str]
    items: list[_ItemSource]


class Notices:
    """Every version ever served. Versions are named in the order of their effective days."""

    def __init__(self, sources: Sequence[_NoticeSource]) -> None:
        if not sources:
            raise NoticeBroken("there is no notice at all")
        self._by_day = sorted(sources, key=lambda source: source.effective_on)
        self._places = {source.version: place for place, source in enumerate(self._by_day)}
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

    def acceptable_on(self, day: dt.date) -> list[str]:
        """The version in force, and those announced to follow it."""
        announced = [
            source.version
            for source in self._by_day
            if source.announced_on <= day < source.effective_on
        ]
        return [self.version_on(day), *announced]

    def needed_on(self, day: dt.date) -> str:
        """The version that must have been accepted at least: the last material one in force."""
        self.version_on(day)
        return next(
            source.version
            for source in reversed(self._by_day)
            if source.effective_on <= day and (source.is_material or source is self._by_day[0])
        )

    def too_old_on(self, day: dt.date) -> frozenset[str]:
        """Versions whose acceptance does not cover what is done on that day; none before the first
        notice."""
        if day < self._by_day[0].effective_on:
            return frozenset()
        needed = self._place(self.needed_on(day))
        return frozenset(source.version for source in self._by_day[:needed])

    def newer_terms(self, version: str) -> list[str]:
        """Versions from the first material one after `version` on."""
        later = self._by_day[self._place(version) + 1 :]
        first = next((n for n, source in enumerate(later) if source.is_material), len(later))
        return [source.version for source in later[first:]]

    def coverage_on(self, day: dt.date) -> NoticeCoverage:
        """For a build as of that day. Raises NoticeBroken before the first notice."""
        needed = self.needed_on(day)
        newer = self.newer_terms(needed)
        from_needed = [source.version for source in self._by_day[self._place(needed) :]]
        return NoticeCoverage(
            needed=needed,
            same_terms=[version for version in from_needed if version not in newer],
            newer_terms=newer,
        )

    def knows(self, version: str) -> bool:
        return version in self._places

    def is_earlier(self, version: str, other: str) -> bool:
        """Raises KeyError for a version that never was."""
        return self._place(version) < self._place(other)

    def change(self, old: str, new: str) -> NoticeChange:
        """`is_material`: whether any version after `old`, up to `new`, is. Raises KeyError."""
        places = self._place(old), self._place(new)
        before, after = (self._by_day[place] for place in places)
        between = self._by_day[places[0] + 1 : places[1] + 1]
        return NoticeChange(
            from_version=old,
            to_version=new,
            announced_on=after.announced_on,
            effective_on=after.effective_on,
            is_material=any(source.is_material for source in between),
            changes=changes_between(before.terms, after.terms),
        )

    def change_for(self, version: str, day: dt.date) -> NoticeChange | None:
        """From what a citizen accepted to the next material version she has to know of: the last
        one in force, else the first announced; None where hers covers all there is."""
        if version not in self._places:
            return None
        if version in self.too_old_on(day):
            return self.change(version, self.needed_on(day))
        coming = [
            source.version
            for source in self._by_day[self._place(version) + 1 :]
            if source.is_material and source.announced_on <= day < source.effective_on
        ]
        return self.change(version, coming[0]) if coming else None

    def editions(self) -> list[NoticeEdition]:
        """In the order of their effective days."""
        return [
            NoticeEdition(
                version=source.version,
                announced_on=source.announced_on,
                effective_on=source.effective_on,
                is_material=source.is_material,
                terms=source.terms,
                moves=source.moves,
            )
            for source in self._by_day
        ]

    def _place(self, version: str) -> int:
        return self._places[version]

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
    if source.announced_on > source.effective_on:
        problems.append("it is announced after it becomes effective")
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
