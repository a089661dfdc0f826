"""A source kind as the catalogue's TOML writes it."""

import datetime as dt
from typing import Literal

import msgspec

from scoring.contract.documents import Department

FieldType = Literal["text", "date", "integer", "decimal", "code", "id_number", "uscc"]
PublicationRange = Literal["public", "government", "authorised", "never"]


class Field(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One column of a sender's file; `code` is its header, the order of fields its order.

    `separator`: a cell may hold several `values`, joined by it. `pattern`: regular expression of
    the whole cell. `minimum`, `maximum`: of integers and decimals, inclusive.
    `is_past`: a day that cannot lie after the day the file was sent.
    `is_screened`: a cell that names a forbidden input is refused.
    `unlisted_rule`: name of the rule a value outside `values` breaks.
    """

    code: str
    name: str
    type: FieldType
    publication_range: PublicationRange
    is_required: bool = False
    max_chars: int | None = None
    values: list[str] | None = None
    separator: str | None = None
    pattern: str | None = None
    minimum: int | None = None
    maximum: int | None = None
    is_past: bool = False
    is_screened: bool = False
    unlisted_rule: str = "value_not_listed"


class Condition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule across fields: where every `when` column holds one of its values, the rest must hold.

    `not_before`, `not_after`, `after`: column = other column; both dates; null compares to nothing.
    """

    rule: str
    message: str
    when: dict[str, list[str]] = {}
    present: list[str] = []
    absent: list[str] = []
    at_least: dict[str, int] = {}
    at_most: dict[str, int] = {}
    not_before: dict[str, str] = {}
    not_after: dict[str, str] = {}
    after: dict[str, str] = {}


class OutcomeClass(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`outcome` where the cell names one of `categories` or the amount is above `amount_above`."""

    outcome: str
    categories: list[str] = []
    amount_above: float | None = None


class ClassPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Classes in force for records that happened on or after `effective_on`; first match decides."""

    effective_on: dt.date
    legal_basis: str
    classes: list[OutcomeClass]


class Outcome(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a row's outcome follows from `column`: by `values`, or by dated `policies`."""

    column: str
    values: dict[str, str] = {}
    amount_column: str | None = None
    policies: list[ClassPolicy] = []


class Measure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`measure` of rows with `outcome`: the integer in `column`, or what `values` maps it to."""

    outcome: str
    column: str
    values: dict[str, int] = {}


class Edition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another header under which the same fields arrive.

    `columns`: sent name = field code, in sent order; an empty code drops the column at the door.
    """

    name: str
    columns: dict[str, str]


class SourceKind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`departments`: codes of `catalogue.toml`. `record_key`: columns that name a document, unique
    within its department. `subject`: column of the ID number or unified code. `happened_on`: first
    of these that is not empty. `columns`: what an organisation's row keeps, lake name = field code.
    """

    id: str
    name: str
    name_en: str
    legal_basis: str
    departments: list[str]
    level: Literal["national", "province", "city"]
    subject_class: Literal["person", "organisation"]
    subject: str
    retention_days: int
    publication_range: PublicationRange
    record_key: list[str]
    happened_on: list[str]
    ended_on: str | None = None
    needs_connection_by_citizen: bool = False
    outcome: Outcome | None = None
    measures: list[Measure] = []
    columns: dict[str, str] = {}
    fields: list[Field]
    conditions: list[Condition] = []
    editions: list[Edition] = []

    def header(self) -> list[str]:
        return [field.code for field in self.fields]

    def field(self, code: str) -> Field:
        return next(field for field in self.fields if field.code == code)


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    version: str
    departments: list[Department]
    kinds: list[SourceKind]

    def kind(self, kind_id: str) -> SourceKind | None:
        return next((kind for kind in self.kinds if kind.id == kind_id), None)
