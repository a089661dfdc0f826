"""Documents of a snapshot: JSON bytes the API and the site serve as they are."""

import datetime as dt

import msgspec

from scoring.contract.documents import (
    BandFigure,
    CatalogueDocument,
    FactRow,
    FiguresDocument,
    RuleRow,
    RulesDocument,
    SourceRow,
    TablesDocument,
)
from scoring.contract.snapshot import documents_key
from scoring.rulebook import Rulebook

SMALLEST_GROUP = 10  # k of contract FiguresDocument: fewer people than this are never counted out


def tables_document(
    rulebook: Rulebook, rules: RulesDocument, catalogue: CatalogueDocument, as_of: dt.date
) -> TablesDocument:
    """Rows in the order of the indices in a Plan of the same rulebook, catalogue and day."""
    names = {source.code: source.name for entry in catalogue.items for source in entry.departments}
    return TablesDocument(
        as_of=as_of,
        base=rules.base,
        facts=[
            FactRow(
                kind=fact.kind,
                outcome=fact.outcome,
                name=fact.name,
                name_en=fact.name_en,
                what_to_do=fact.what_to_do,
                what_to_do_en=fact.what_to_do_en,
                without_rule=fact.without_rule,
            )
            for fact in rulebook.facts
        ],
        rules=[
            RuleRow(
                rule_id=rule.id,
                rule_version=rule.version,
                name=rule.name,
                name_en=rule.name_en,
                legal_basis=rule.legal_basis,
            )
            for rule in rules.rules
        ],
        sources=[SourceRow(department_code=code, name=names[code]) for code in sorted(names)],
    )


def figures_document(
    snapshot: str, rules: RulesDocument, as_of: dt.date, band_citizens: list[int], records: int
) -> FiguresDocument:
    """City totals are 0 while fewer than SMALLEST_GROUP people are enrolled."""
    enrolled = sum(band_citizens)
    is_publishable = enrolled >= SMALLEST_GROUP
    shown = suppressed(band_citizens)
    return FiguresDocument(
        as_of=as_of,
        snapshot=snapshot,
        rules_version=rules.version,
        enrolled=enrolled if is_publishable else 0,
        records=records if is_publishable else 0,
        bands=[
            BandFigure(code=band.code, name=band.name, citizens=count)
            for band, count in zip(rules.bands, shown, strict=True)
        ],
    )


def suppressed(counts: list[int]) -> list[int | None]:
    """Counts below SMALLEST_GROUP become None, and the next larger ones too until what is missing
    from the published total is at least SMALLEST_GROUP people or nobody: no cell can be found by
    subtraction."""
    hidden = {index for index, count in enumerate(counts) if count < SMALLEST_GROUP}
    for index in sorted(range(len(counts)), key=counts.__getitem__):
        missing = sum(counts[known] for known in hidden)
        if missing == 0 or missing >= SMALLEST_GROUP:
            break
        hidden.add(index)
    return [None if index in hidden else count for index, count in enumerate(counts)]


def documents_command(snapshot: str, documents: dict[str, bytes]) -> bytes:
    """One HSET of all documents, raw RESP."""
    words = [b"HSET", documents_key(snapshot).encode()]
    for name, content in documents.items():
        words += [name.encode(), content]
    bulks = [b"$%d\r\n%b\r\n" % (len(word), word) for word in words]
    return b"*%d\r\n%b" % (len(words), b"".join(bulks))


def encoded(document: msgspec.Struct) -> bytes:
    return msgspec.json.encode(document)
