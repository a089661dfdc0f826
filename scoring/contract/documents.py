"""Published documents: built with the snapshot, served byte for byte, shown on the site.

`GET /v1/rules` alone is enough to recompute any score; the members are a contract with others:
more may be added, never fewer.
"""

import datetime as dt
from typing import Literal

import msgspec


class Band(msgspec.Struct, frozen=True, kw_only=True):
    """Scores from `from_` to `to`, both inclusive."""

    code: str
    name: str
    name_en: str
    from_: int = msgspec.field(name="from")
    to: int


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Points of a record whose measure is `at_least` this and below the next step's."""

    at_least: int
    points: int


class PublishedRule(msgspec.Struct, frozen=True, kw_only=True):
    """One additive rule, as in force on the document's day.

    A record counts under the rule when its `kind` and `outcome` match and
    happened_on <= as_of < happened_on + validity_days. `cap`: the sum of all points under the rule
    is cut to it (upper bound where points are positive, lower bound where they are negative).
    """

    id: str
    version: str
    name: str
    name_en: str
    kind: str
    outcome: str
    measure: str | None
    unit: str
    points: int | list[Step]
    cap: int
    validity_days: int
    legal_basis: str
    reason: str
    effective_on: dt.date
    review_on: dt.date
    author: str
    second_checker: str


class UpcomingChange(msgspec.Struct, frozen=True, kw_only=True):
    """Announced and not yet in force. `rule_id`: None where base, range or bands change. `points`,
    `cap`, `validity_days`: as from that day; None where a rule ends or the change is none of a rule."""

    rule_id: str | None
    change: Literal["begins", "changes", "ends"]
    from_: dt.date = msgspec.field(name="from")
    announced_on: dt.date
    text: str
    text_en: str
    points: int | list[Step] | None = None
    cap: int | None = None
    validity_days: int | None = None
    legal_basis: str


class RulesDocument(msgspec.Struct, frozen=True, kw_only=True):
    version: str
    effective_on: dt.date
    base: int
    minimum: int
    maximum: int
    bands: list[Band]
    rules: list[PublishedRule]
    upcoming: list[UpcomingChange] = []


class Benefit(msgspec.Struct, frozen=True, kw_only=True):
    """What a partner opens to citizens at or above `threshold` points; never what it closes."""

    id: str
    scene: str
    partner: str
    partner_name: str
    purpose: str
    benefit_type: Literal[
        "fee_cut", "deposit_waiver", "fast_lane", "pay_later", "longer_loan", "simpler_papers"
    ]
    service_class: Literal["convenience", "commercial", "cultural"]
    threshold: int
    what: str
    valid_from: dt.date
    valid_until: dt.date
    answer_valid_days: int
    legal_basis: str
    status: Literal["planned", "live", "paused", "ended"]


class BenefitsDocument(msgspec.Struct, frozen=True, kw_only=True):
    items: list[Benefit]
    next_cursor: str | None = None


class CatalogueField(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    code: str
    type: Literal["text", "date", "integer", "decimal", "code", "id_number", "uscc"]
    is_required: bool
    max_chars: int | None
    values: list[str] | None
    publication_range: Literal["public", "government", "authorised", "never"]


class Department(msgspec.Struct, frozen=True, kw_only=True):
    """`code`: short ASCII word used in file names, the lake and explanations."""

    code: str
    name: str
    name_en: str


class CatalogueEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One source kind. What is not in the catalogue is refused at the door."""

    id: str
    name: str
    name_en: str
    legal_basis: str
    departments: list[Department]
    level: Literal["national", "province", "city"]
    subject_class: Literal["person", "organisation"]
    fields: list[CatalogueField]
    retention_days: int
    publication_range: Literal["public", "government", "authorised", "never"]
    needs_connection_by_citizen: bool = False


class CatalogueDocument(msgspec.Struct, frozen=True, kw_only=True):
    version: str
    items: list[CatalogueEntry]
    next_cursor: str | None = None


class FactRow(msgspec.Struct, frozen=True, kw_only=True):
    """A kind and outcome of record in words; `what_to_do` tells the citizen what she can do.
    `without_rule`: status of such a record where no rule counts it."""

    kind: str
    outcome: str
    name: str
    name_en: str
    what_to_do: str
    what_to_do_en: str
    without_rule: Literal["minor", "fulfilled", "no_rule"] = "no_rule"


class RuleRow(msgspec.Struct, frozen=True, kw_only=True):
    rule_id: str
    rule_version: str
    name: str
    name_en: str
    legal_basis: str


class SourceRow(msgspec.Struct, frozen=True, kw_only=True):
    department_code: str
    name: str


class TablesDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What the indices of explanation items point into."""

    as_of: dt.date
    base: int
    facts: list[FactRow]
    rules: list[RuleRow]
    sources: list[SourceRow]


class HistorySnapshot(msgspec.Struct, frozen=True, kw_only=True):
    snapshot: str
    as_of: dt.date
    rules_version: str


class HistoryDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What the indices of history rows point into. Both lists only grow: the snapshots since
    histories are kept, oldest first, the last one this; every rule there was since."""

    snapshots: list[HistorySnapshot]
    rules: list[str]


class BandFigure(msgspec.Struct, frozen=True, kw_only=True):
    """`citizens` is None where fewer than k = 10 stand behind it."""

    code: str
    name: str
    citizens: int | None


class FiguresDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The city's figures for the home page; nothing below k = 10 people."""

    as_of: dt.date
    snapshot: str
    rules_version: str
    enrolled: int
    records: int
    bands: list[BandFigure]
