"""Fourth stage: the header names exactly the fields of one edition of the kind, in its order."""

import difflib
from pathlib import Path

from scoring.catalogue.kinds import Edition, SourceKind
from scoring.errors import InputRefused


def columns_of(header: str, kind: SourceKind, file: Path) -> list[str]:
    """Field code of each column as sent, "" for a column to drop. A field that the edition does not
    have is empty in every row.

    Raises InputRefused naming the first column that differs.
    """
    sent = _cells(header)
    for edition in (canonical_edition(kind), *kind.editions):
        if sent == list(edition.columns):
            return list(edition.columns.values())
    raise InputRefused(
        "header_differs",
        _difference(sent, kind.header()),
        where=f"{file.name}:1",
        do=f"the header of {kind.id} is: {','.join(kind.header())}",
    )


def canonical_edition(kind: SourceKind) -> Edition:
    return Edition(name="catalogue", columns={code: code for code in kind.header()})


def _cells(header: str) -> list[str]:
    """Cells of a header line; quotes around a whole cell are taken off."""
    return [
        cell[1:-1] if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell
        for cell in header.split(",")
    ]


def _difference(sent: list[str], wanted: list[str]) -> str:
    if len(sent) == 1:
        return _one_cell(sent[0], wanted)
    doubled = sorted({cell for cell in sent if sent.count(cell) > 1})
    missing = [cell for cell in wanted if cell not in sent]
    extra = [cell for cell in sent if cell not in wanted]
    if doubled:
        return f"column {_shown(doubled[0])} stands twice"
    if missing and extra:
        return f"column {missing[0]} is missing; {_shown(extra[0])} stands there{_hint(extra[0], wanted)}"
    if missing:
        return f"column {missing[0]} is missing"
    if extra:
        return f"column {_shown(extra[0])} is not in the catalogue"
    place = next(i for i, pair in enumerate(zip(sent, wanted, strict=True)) if pair[0] != pair[1])
    return f"column {place + 1} is {sent[place]} where {wanted[place]} belongs: other order"


def _one_cell(cell: str, wanted: list[str]) -> str:
    for separator, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if cell.count(separator) >= len(wanted) - 1:
            return f"columns are separated by {name}, not commas"
    return f"one column {_shown(cell)} instead of {len(wanted)}"


def _hint(cell: str, wanted: list[str]) -> str:
    if cell.strip().upper() in wanted:
        return " (spaces or letter case)"
    close = difflib.get_close_matches(cell, wanted, n=1)
    return f" (for {close[0]}?)" if close else ""


def _shown(cell: str) -> str:
    """Shortened; digits hidden, because a file without a header has somebody's number here."""
    return repr("".join("#" if c.isdigit() else c for c in cell[:24]))
