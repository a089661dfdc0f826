"""Everything the service holds about one citizen, in one document with a published schema
(《个人信息保护法》第四十五条: access, copy, portability)."""

import datetime as dt
from typing import Annotated, Any, Literal

import msgspec

from api.accesses.answers import AccessAnswer
from api.consents.answers import ConsentAnswer
from api.openapi.limits import LINE
from api.rights.answers import DisputeAnswer, RepairAnswer, ReviewAnswer, StatementAnswer
from api.schemas import ItemAnswer, ScoreAnswer

SCHEMA_ADDRESS = "/schema/export.json"
JSON_SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"

Days = Annotated[int, msgspec.Meta(ge=0, le=36_500)]
Words = Annotated[str, msgspec.Meta(max_length=512, pattern=LINE)]
MOST_LINES = 10_000_000  # lists are not paged; the accesses of a life are far fewer


class EnrolmentStep(msgspec.Struct, frozen=True, kw_only=True):
    """She joined, or left; `notice_version`: of the text she accepted when joining. `seq`: number
    in the ledger, to ask a proof with."""

    seq: int
    at: dt.datetime
    step: Literal["enrolled", "withdrawn"]
    notice_version: str | None


class RetentionLine(msgspec.Struct, frozen=True, kw_only=True):
    """How long a part of this document is kept, what leaving does to it, and its end: erased, or
    sealed in the append-only log, where it serves proof and her own reading alone."""

    id: str
    name: str
    days: Days
    after: Literal["withdrawal", "happened_on", "end", "access", "decision", "as_of"]
    on_withdrawal: Literal["erased", "kept", "unchanged"]
    at_end: Literal["erased", "sealed"]
    how: Words
    legal_basis: str


class ExportDocument(msgspec.Struct, frozen=True, kw_only=True):
    """`score` and `records` are empty where she is not enrolled or not scored yet: then the service
    holds none. Lists are whole, newest first; `enrolments` oldest first."""

    schema: Literal["chengxin-export-1"] = "chengxin-export-1"
    schema_address: Literal["/schema/export.json"] = "/schema/export.json"
    exported_at: dt.datetime
    subject: str
    enrolments: Annotated[list[EnrolmentStep], msgspec.Meta(max_length=MOST_LINES)]
    score: ScoreAnswer | None
    records: Annotated[list[ItemAnswer], msgspec.Meta(max_length=MOST_LINES)]
    consents: Annotated[list[ConsentAnswer], msgspec.Meta(max_length=MOST_LINES)]
    accesses: Annotated[list[AccessAnswer], msgspec.Meta(max_length=MOST_LINES)]
    disputes: Annotated[list[DisputeAnswer], msgspec.Meta(max_length=MOST_LINES)]
    reviews: Annotated[list[ReviewAnswer], msgspec.Meta(max_length=MOST_LINES)]
    repairs: Annotated[list[RepairAnswer], msgspec.Meta(max_length=MOST_LINES)]
    statements: Annotated[list[StatementAnswer], msgspec.Meta(max_length=MOST_LINES)]
    retention_version: Annotated[str, msgspec.Meta(max_length=64, pattern="^[0-9A-Za-z._-]+$")]
    retention: Annotated[list[RetentionLine], msgspec.Meta(max_length=MOST_LINES)]


def export_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of ExportDocument, from the types that make it."""
    (root,), parts = msgspec.json.schema_components([ExportDocument], ref_template="#/$defs/{name}")
    return {
        "$schema": JSON_SCHEMA_DIALECT,
        "$id": f"https://chengxin.example{SCHEMA_ADDRESS}",
        "title": "个人信息导出",
        **root,
        "$defs": parts,
    }
