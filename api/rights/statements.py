"""A citizen's own words beside a record (征信业管理条例 Art. 16): the last ones stand."""

from collections.abc import Iterable

import msgspec

from api.ledger.kinds import stream_name
from api.ledger.protocol import Event

STATEMENT_SET = "statement_set"
STATEMENT_REMOVED = "statement_removed"
STATEMENT_KINDS = (STATEMENT_SET, STATEMENT_REMOVED)


class StatementSetBody(msgspec.Struct, frozen=True, kw_only=True):
    text_digest: str


class StatementRemovedBody(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing but that it happened."""


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """`seq`: of the record's last statement event."""

    record_id: str
    text_digest: str | None
    at_ms: int
    seq: int


_SET = msgspec.json.Decoder(StatementSetBody)


def statement_stream(record_id: str) -> str:
    return stream_name("record", record_id)


def folded_statements(events: Iterable[Event]) -> dict[str, Statement]:
    """By record id. `events`: of STATEMENT_KINDS, in order; others are passed over."""
    found: dict[str, Statement] = {}
    for event in events:
        if event.kind in STATEMENT_KINDS:
            record_id = event.stream.partition(":")[2]
            is_set = event.kind == STATEMENT_SET
            found[record_id] = Statement(
                record_id=record_id,
                text_digest=_SET.decode(event.body).text_digest if is_set else None,
                at_ms=event.at_ms,
                seq=event.seq,
            )
    return found
