"""A town whose overlay is tried: real ledger, real lake, real store."""

import asyncio
import datetime as dt
from pathlib import Path

from api.commands.overlay import overlay_of
from api.ledger.enrolment import enrolled_draft, withdrawn_draft
from api.ledger.fold import body_bytes
from api.ledger.notice import load_notices
from api.ledger.protocol import EventDraft
from api.ledger.sqlite import ledger_path, open_ledger
from api.rights.case import DecidedBody, OpenedBody, case_stream
from scoring.city.personas import personas
from scoring.contract.pseudonyms import snapshot_subject_of, subject_of
from scoring.contract.snapshot import (
    ExplanationItem,
    HistoryRow,
    bucket_of,
    decode_explanation,
    decode_history,
    decode_hot,
    explanation_key,
    field_of,
    history_key,
    hot_key,
    tag_of,
)
from scoring.keys import read_symmetric_key
from scoring.overlay.overlay import Laid
from scoring.publish.pointers import manifest_in, served_id
from scoring.store.connection import StoreConnection
from scoring.store.embedded import EmbeddedStore
from tests.road.road import Road

PEOPLE, SEED, AS_OF = 200, 7, dt.date(2026, 11, 20)
AT_MS = int(dt.datetime(2026, 11, 21, 2, tzinfo=dt.UTC).timestamp()) * 1000
NEXT_DAY = dt.date(2026, 11, 21)
Records = tuple[int, list[ExplanationItem], list[HistoryRow]]


class Town:
    """`rich` and `new` are not enrolled when the first snapshot is built; `disputed` and `over` are."""

    def __init__(self, road: Road, store: EmbeddedStore) -> None:
        self.road = road
        self.store = store
        self.key = read_symmetric_key(road.keys.snapshot)
        self.cast = {
            code: subject_of(road.lake_key, who.id_number)
            for code, who in personas(people=PEOPLE, seed=SEED, as_of=AS_OF).items()
        }
        self.overlay = overlay_of(road.data)

    def append(self, *drafts: EventDraft) -> int:
        async def store() -> int:
            ledger = await open_ledger(ledger_path(self.road.data))
            try:
                return await ledger.append_many(list(drafts))
            finally:
                await ledger.close()

        return asyncio.run(store())

    def join(self, code: str) -> int:
        notice = load_notices().current(AS_OF)
        return self.append(enrolled_draft(self.cast[code], notice, "town", AT_MS))

    def leave(self, code: str) -> int:
        return self.append(withdrawn_draft(self.cast[code], AT_MS))

    def dispute(self, code: str, record: str) -> int:
        body = OpenedBody(
            due_on=dt.date(2026, 12, 20),
            is_due_provisional=False,
            policy_version="test",
            record_id=record,
        )
        return self.case(self.cast[code], "dispute_opened", body)

    def decide(self, code: str, outcome: str) -> int:
        body = DecidedBody(outcome=outcome, reason_digest="0" * 64, by="clerk", confirmed_by="two")
        return self.case(self.cast[code], "dispute_decided", body)

    def case(
        self, subject: str, kind: str, body: OpenedBody | DecidedBody, case_id: str = "a-case"
    ) -> int:
        return self.append(self.case_draft(subject, kind, body, case_id))

    def case_draft(
        self, subject: str, kind: str, body: OpenedBody | DecidedBody, case_id: str
    ) -> EventDraft:
        return EventDraft(
            kind=kind,
            stream=case_stream("dispute", case_id),
            subject=subject,
            at_ms=AT_MS,
            body=body_bytes(body),
        )

    def round(self) -> Laid:
        with StoreConnection.open(self.store.url) as connection:
            laid = self.overlay.round(connection)
        assert laid is not None
        return laid

    def records(self, code: str) -> Records | None:
        """Score, items and history as any reader of the store finds them."""
        name = snapshot_subject_of(self.key, self.cast[code])
        with StoreConnection.open(self.store.url) as connection:
            snapshot = served_id(connection)
            assert snapshot is not None
            manifest = manifest_in(connection, snapshot)
            assert manifest is not None
            bucket = bucket_of(name, manifest.bucket_count)
            values = [
                connection.call("HGET", key_of(snapshot, bucket), field_of(name))
                for key_of in (hot_key, explanation_key, history_key)
            ]
        if None in values:
            assert values == [None] * 3
            return None
        hot, explanation, history = values
        score = decode_hot(hot, tag_of(name)).score_points
        items = decode_explanation(explanation, tag_of(name))
        rows = decode_history(history, tag_of(name))
        assert 600 + sum(item.points for item in items) == score
        assert 600 + sum(row.change_points for row in rows) == score
        return score, items, rows

    def raw(self) -> dict[str, dict[bytes, bytes]]:
        with StoreConnection.open(self.store.url) as connection:
            found = {}
            for key in connection.call("KEYS", "[hxyo]:*"):
                reply = connection.call("HGETALL", key)
                found[key.decode()] = dict(zip(reply[::2], reply[1::2], strict=True))
            return found

    def publish_next(self, as_of: dt.date = AS_OF) -> Path:
        snapshot = self.road.build(as_of)
        self.road.publish(snapshot, self.store.url)
        return snapshot
