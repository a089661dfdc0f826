"""What a snapshot version's documents say, decoded once a version and shared by its requests."""

from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from api.store.protocol import StoreDown, Version
from scoring.contract.documents import BenefitsDocument, RulesDocument, TablesDocument
from scoring.contract.snapshot import BENEFITS_DOCUMENT, RULES_DOCUMENT, TABLES_DOCUMENT

T = TypeVar("T")


class PerVersion(Generic[T]):
    def __init__(self, make: Callable[[Version], T]) -> None:
        self._make = make
        self._made: tuple[Version, T] | None = None

    def of(self, version: Version) -> T:
        made = self._made
        if made is None or made[0] is not version:
            made = self._made = (version, self._make(version))
        return made[1]


def document_of(version: Version, name: str) -> bytes:
    """Raises StoreDown: a version without one of its documents is not complete."""
    try:
        return version.documents[name]
    except KeyError as error:
        raise StoreDown(f"document {name} is missing") from error


def decoded_document(version: Version, name: str, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(document_of(version, name), type=kind)
    except msgspec.MsgspecError as error:
        raise StoreDown(f"document {name} does not parse") from error


def rules_of(version: Version) -> RulesDocument:
    return decoded_document(version, RULES_DOCUMENT, RulesDocument)


def tables_of(version: Version) -> TablesDocument:
    return decoded_document(version, TABLES_DOCUMENT, TablesDocument)


def benefits_of(version: Version) -> BenefitsDocument:
    return decoded_document(version, BENEFITS_DOCUMENT, BenefitsDocument)
