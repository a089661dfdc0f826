"""The catalogue as citizens and the public read it: `GET /v1/catalogue`."""

from scoring.catalogue.kinds import Catalogue, Field, SourceKind
from scoring.contract.documents import (
    CatalogueDocument,
    CatalogueEntry,
    CatalogueField,
    Department,
)


def published_document(catalogue: Catalogue) -> CatalogueDocument:
    departments = {department.code: department for department in catalogue.departments}
    return CatalogueDocument(
        version=catalogue.version, items=[_entry(kind, departments) for kind in catalogue.kinds]
    )


def _entry(kind: SourceKind, departments: dict[str, Department]) -> CatalogueEntry:
    return CatalogueEntry(
        id=kind.id,
        name=kind.name,
        name_en=kind.name_en,
        legal_basis=kind.legal_basis,
        departments=[departments[code] for code in kind.departments],
        level=kind.level,
        subject_class=kind.subject_class,
        fields=[_field(field) for field in kind.fields],
        retention_days=kind.retention_days,
        publication_range=kind.publication_range,
        needs_connection_by_citizen=kind.needs_connection_by_citizen,
    )


def _field(field: Field) -> CatalogueField:
    return CatalogueField(
        name=field.name,
        code=field.code,
        type=field.type,
        is_required=field.is_required,
        max_chars=field.max_chars,
        values=field.values,
        publication_range=field.publication_range,
    )
