"""Reads the catalogue from its folder and refuses it whole when one entry is not acceptable."""

from pathlib import Path
from typing import TypeVar

import msgspec

from scoring.catalogue.kinds import Catalogue, SourceKind
from scoring.catalogue.lint import lint_catalogue
from scoring.contract.documents import Department
from scoring.errors import InputRefused

CATALOGUE_FOLDER = Path(__file__).parent

_T = TypeVar("_T")


class _Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: str
    departments: list[Department]


def load_catalogue(folder: Path = CATALOGUE_FOLDER) -> Catalogue:
    """The linted catalogue, kinds in alphabetical order. Raises InputRefused naming every problem."""
    catalogue = read_catalogue(folder)
    problems = lint_catalogue(catalogue)
    if problems:
        listed = "; ".join(f"{p.where}: {p.message} ({p.rule})" for p in problems)
        raise InputRefused(
            "catalogue_refused", listed, where=str(folder), do="correct the entry, then lint again"
        )
    return catalogue


def read_catalogue(folder: Path = CATALOGUE_FOLDER) -> Catalogue:
    """The catalogue as written, not linted. Raises InputRefused where a file has the wrong form."""
    head = _decoded(folder / "catalogue.toml", _Head)
    kinds = [_decoded(path, SourceKind) for path in sorted((folder / "entries").glob("*.toml"))]
    return Catalogue(version=head.version, departments=head.departments, kinds=kinds)


def _decoded(path: Path, of: type[_T]) -> _T:
    try:
        return msgspec.toml.decode(path.read_bytes(), type=of)
    except (OSError, msgspec.DecodeError) as error:
        raise InputRefused(
            "catalogue_unreadable", str(error), where=path.name, do="see scoring/catalogue/kinds.py"
        ) from error
