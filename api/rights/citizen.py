"""A citizen's side: open, list, state. Reads the ledger, decides with pure functions, stores the
event on the unmoved stream."""

from collections.abc import Awaitable, Callable

import msgspec

from api.consents.reading import all_events
from api.ledger.enrolment import city_day, instant
from api.ledger.fold import body_bytes
from api.ledger.protocol import (
    ConditionNotMet,
    EventDraft,
    Ledger,
    LedgerUnavailable,
    Replayed,
    StreamChanged,
)
from api.ledger.repeated import Idempotency, Repeatable, body_of
from api.ledger.texts import text_of
from api.problems import Language
from api.rights.answers import StatementAnswer, Words
from api.rights.case import (
    CASE_KINDS,
    Case,
    OpenedBody,
    ReviewSubject,
    case_stream,
    folded_cases,
)
from api.rights.notes import noted
from api.rights.opening import (
    Desk,
    RecordFacts,
    case_id,
    dispute_opened,
    repair_opened,
    review_opened,
)
from api.rights.reading import cases_of, statements_of, words_of
from api.rights.refusal import CaseRefused
from api.rights.statements import (
    STATEMENT_KINDS,
    STATEMENT_REMOVED,
    STATEMENT_SET,
    StatementRemovedBody,
    StatementSetBody,
    folded_statements,
    statement_stream,
)
from api.rights.views import digests_of, receipt_of
from api.schemas import ItemAnswer
from scoring.calendar import load_calendar
from scoring.policy.cases import CasePolicy, CaseType, load_case_policy
from scoring.policy.repair import load_repair_table

RECEIPT_STATUS = 201
TRIES = 8  # each that fails means that the same citizen stored something about it in between


class CitizenRights:
    """`now_ms`: UTC milliseconds. Every method may raise LedgerUnavailable, CaseRefused."""

    def __init__(self, ledger: Ledger, now_ms: Callable[[], int]) -> None:
        self._ledger = ledger
        self.now_ms = now_ms
        self.policy: CasePolicy = load_case_policy()

    async def cases(
        self, subject: str, case_type: CaseType | None = None
    ) -> tuple[list[Case], Words]:
        """Of one type or of all: newest first, with the words that belong to them."""
        known = reversed(await cases_of(self._ledger, subject))
        cases = [case for case in known if case_type in (None, case.type)]
        digests = [digest for case in cases for digest in digests_of(case)]
        return cases, await words_of(self._ledger, digests)

    async def once(
        self,
        subject: str,
        case_type: CaseType,
        idempotency: Idempotency | None,
        opened: Callable[[], Awaitable[bytes]],
    ) -> bytes:
        """Around the opening of a case and all that is looked up for it."""
        return await self._request(subject, case_type, idempotency).answer(opened, body_of)

    async def dispute(
        self, subject: str, record: RecordFacts, reason: str, idempotency: Idempotency | None
    ) -> bytes:
        """Bytes of the CaseReceipt; durable when it returns."""

        def opened(earlier: list[Case], desk: Desk) -> OpenedBody:
            return dispute_opened(record, earlier, desk)

        return await self._open(
            "dispute", subject, record.record_id, opened, reason=reason, idempotency=idempotency
        )

    async def repair(
        self, subject: str, record: RecordFacts, reason: str, idempotency: Idempotency | None
    ) -> bytes:
        def opened(earlier: list[Case], desk: Desk) -> OpenedBody:
            return repair_opened(record, earlier, desk)

        return await self._open(
            "repair", subject, record.record_id, opened, reason=reason, idempotency=idempotency
        )

    async def review(
        self,
        subject: str,
        about: ReviewSubject,
        reference: str,
        reason: str,
        idempotency: Idempotency | None,
    ) -> bytes:
        def opened(earlier: list[Case], desk: Desk) -> OpenedBody:
            return review_opened(about, reference, earlier, desk)

        return await self._open(
            "review", subject, reference, opened, reason=reason, idempotency=idempotency
        )

    async def state(self, subject: str, record_id: str, text: str) -> StatementAnswer:
        """`text` empty: the statement is taken away, and its words are erased."""
        if len(text) > self.policy.texts.statement_chars:
            raise CaseRefused("statement_too_long")
        for _ in range(TRIES):
            said = await self._ledger.stream_events(statement_stream(record_id))
            try:
                return await self._state(subject, record_id, text, said[-1].seq if said else 0)
            except StreamChanged:
                continue
            except ConditionNotMet:
                raise CaseRefused("not_enrolled") from None
        raise LedgerUnavailable("overloaded")

    async def statements(self, subject: str) -> list[StatementAnswer]:
        found = [s for s in (await statements_of(self._ledger, subject)).values() if s.text_digest]
        words = await words_of(self._ledger, [s.text_digest for s in found])
        return [
            StatementAnswer(
                record_id=s.record_id,
                text=words.get(s.text_digest or ""),
                stated_at=instant(s.at_ms),
            )
            for s in found
        ]

    async def noted(
        self, subject: str, items: list[ItemAnswer], language: Language
    ) -> list[ItemAnswer]:
        """The items with what is pending and stated about them. Without the ledger they stand as
        the snapshot has them: an explanation does not wait for it."""
        try:
            events = await all_events(self._ledger, subject, (*CASE_KINDS, *STATEMENT_KINDS))
            if not events:
                return items
            statements = folded_statements(events)
            words = await words_of(self._ledger, [s.text_digest for s in statements.values()])
        except LedgerUnavailable:
            return items
        of_record: dict[str, list[Case]] = {}
        for case in folded_cases(events).values():
            of_record.setdefault(case.record_id or "", []).append(case)
        return [
            noted(
                item,
                of_record.get(item.record_id, []),
                statements.get(item.record_id),
                words,
                language,
            )
            for item in items
        ]

    async def _open(
        self,
        case_type: CaseType,
        subject: str,
        about: str,
        decide: Callable[[list[Case], Desk], OpenedBody],
        *,
        reason: str,
        idempotency: Idempotency | None,
    ) -> bytes:
        if len(reason) > self.policy.texts.citizen_chars:
            raise CaseRefused("text_too_long")
        request = self._request(subject, case_type, idempotency)
        for _ in range(TRIES):
            at_ms = self.now_ms()
            known = await cases_of(self._ledger, subject)
            earlier = [
                c
                for c in known
                if c.type == case_type and about in (c.record_id, c.opened.reference)
            ]
            opened = decide(earlier, self._desk(at_ms))
            name = case_id(case_type, subject, about, len(earlier))
            text = text_of(reason) if reason else None
            opened = msgspec.structs.replace(opened, text_digest=text.digest if text else None)
            draft = EventDraft(
                kind=f"{case_type}_opened",
                stream=case_stream(case_type, name),
                subject=subject,
                at_ms=at_ms,
                body=body_bytes(opened),
            )
            answer = body_bytes(receipt_of(name, opened, at_ms))
            try:
                stored = await self._ledger.append(
                    draft,
                    require="active",
                    stream_unchanged_since=0,
                    claim=request.claim(RECEIPT_STATUS, answer),
                    text=text,
                )
            except StreamChanged:
                continue
            except ConditionNotMet:
                raise CaseRefused("not_enrolled") from None
            return stored.body if isinstance(stored, Replayed) else answer
        raise LedgerUnavailable("overloaded")

    async def _state(
        self, subject: str, record_id: str, text: str, unchanged_since: int
    ) -> StatementAnswer:
        """`unchanged_since`: of the record's stream, whoever wrote there last: a record that a
        department had put down to another person may have that person's statement beside it."""
        at_ms = self.now_ms()
        written = text_of(text) if text else None
        body = StatementSetBody(text_digest=written.digest) if written else StatementRemovedBody()
        draft = EventDraft(
            kind=STATEMENT_SET if written else STATEMENT_REMOVED,
            stream=statement_stream(record_id),
            subject=subject,
            at_ms=at_ms,
            body=body_bytes(body),
        )
        await self._ledger.append(
            draft,
            require="active",
            stream_unchanged_since=unchanged_since,
            text=written,
        )
        return StatementAnswer(record_id=record_id, text=text or None, stated_at=instant(at_ms))

    def _request(
        self, subject: str, case_type: CaseType, idempotency: Idempotency | None
    ) -> Repeatable:
        return Repeatable(self._ledger, f"{case_type} {subject}", idempotency)

    def _desk(self, at_ms: int) -> Desk:
        return Desk(
            policy=self.policy,
            repairs=load_repair_table(),
            calendar=load_calendar(),
            today=city_day(at_ms),
        )
