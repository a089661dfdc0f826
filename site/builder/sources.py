"""Where the published documents come from: a snapshot's folder, or the repository's own data."""

import datetime as dt
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import msgspec

from builder.integrity_page import SignedHeads, signed_heads
from scoring.benefits.document import benefits_document
from scoring.benefits.load import load_benefits
from scoring.catalogue import publishing as catalogue_publishing
from scoring.catalogue.loading import load_catalogue
from scoring.contract.documents import (
    BenefitsDocument,
    CatalogueDocument,
    FiguresDocument,
    RulesDocument,
)
from scoring.contract.snapshot import (
    BENEFITS_DOCUMENT,
    CATALOGUE_DOCUMENT,
    FIGURES_DOCUMENT,
    RULES_DOCUMENT,
)
from scoring.errors import VerificationFailed
from scoring.rulebook import document as rulebook_document
from scoring.rulebook.load import load_rulebook

Document = TypeVar("Document")
COPIED = (RULES_DOCUMENT, BENEFITS_DOCUMENT, CATALOGUE_DOCUMENT)


@dataclass(frozen=True)
class Published:
    """`figures` is None until a snapshot exists; `copies` are the documents' bytes by path, the
    same the API serves, for browsers and mirrors. `keys`: the service's public key set, where known;
    `signed_heads`: of the log, once there is one."""

    rules: RulesDocument
    benefits: BenefitsDocument
    catalogue: CatalogueDocument
    figures: FiguresDocument | None
    as_of: dt.date
    copies: dict[str, bytes]
    keys: bytes | None = None
    signed_heads: SignedHeads | None = None


def with_heads(published: Published, data: Path) -> Published:
    """With the log's signed heads, which are published as files too. Raises VerificationFailed for
    a head that is not as signed."""
    heads = signed_heads(data)
    copies = {**published.copies, **(heads.files if heads else {})}
    return replace(published, signed_heads=heads, copies=copies)


def with_keys(published: Published, path: Path) -> Published:
    """With the key set of a file. Raises VerificationFailed where that is none; a private key in it
    would be published, so that it is refused too."""
    key_set = _decode(path, _KeySet)
    if not key_set.keys or any("d" in key for key in key_set.keys):
        raise VerificationFailed(
            "site_keys_unusable", "no keys, or a private one", where=str(path), do="name a JWK set"
        )
    return replace(published, keys=msgspec.json.encode(key_set))


class _KeySet(msgspec.Struct):
    keys: list[dict[str, str]]


def from_snapshot(folder: Path) -> Published:
    """Raises VerificationFailed where a document is missing or not what the contract says."""

    def path(name: str) -> Path:
        return folder / "documents" / f"{name}.json"

    figures = _decode(path(FIGURES_DOCUMENT), FiguresDocument)
    return Published(
        rules=_decode(path(RULES_DOCUMENT), RulesDocument),
        benefits=_decode(path(BENEFITS_DOCUMENT), BenefitsDocument),
        catalogue=_decode(path(CATALOGUE_DOCUMENT), CatalogueDocument),
        figures=figures,
        as_of=figures.as_of,
        copies={f"{name}.json": path(name).read_bytes() for name in COPIED},
    )


def from_repository(as_of: dt.date) -> Published:
    """The rules, benefits and catalogue in force on `as_of`, without figures."""
    rules = rulebook_document.published_document(load_rulebook(), as_of)
    benefits = benefits_document(load_benefits(), as_of)
    catalogue = catalogue_publishing.published_document(load_catalogue())
    documents = zip(COPIED, (rules, benefits, catalogue), strict=True)
    return Published(
        rules=rules,
        benefits=benefits,
        catalogue=catalogue,
        figures=None,
        as_of=as_of,
        copies={f"{name}.json": msgspec.json.encode(document) for name, document in documents},
    )


def _decode(path: Path, kind: type[Document]) -> Document:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError) as error:
        raise VerificationFailed(
            "site_document_unreadable", str(error), where=str(path), do="build the snapshot again"
        ) from error
