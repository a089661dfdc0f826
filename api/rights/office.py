"""The staff's side: the queue, and decisions that need a reason and, where a record changes, a
second person."""

import datetime as dt
from collections.abc import Callable, Iterable

from api.ledger.commit_group import numbered
from api.ledger.enrolment import city_day
from api.ledger.fold import body_bytes
from api.ledger.protocol import (
    EventDraft,
    Ledger,
    LedgerUnavailable,
    Replayed,
    StreamChanged,
)
from api.ledger.repeated import Idempotency, Repeatable, body_of
from api.ledger.texts import text_of
from api.rights.answers import Words
from api.rights.book import CaseBook
from api.rights.case import CASE_TYPES, Case, case_stream, folded_cases, stepped
from api.rights.deciding import Staff, Step, confirmation_step, decision_step, return_step
from api.rights.reading import words_of
from api.rights.refusal import CaseRefused
from api.rights.retention import is_over
from api.rights.statistics import RepairStatistics, figures_of
from api.rights.views import digests_of, staff_case
from scoring.policy.cases import CasePolicy, CaseType, load_case_policy
from scoring.policy.retention import load_retention

DECISION_STATUS = 200
TRIES = 4


class Office:
    """Every method may raise LedgerUnavailable, CaseRefused."""

    def __init__(self, ledger: Ledger, book: CaseBook, now_ms: Callable[[], int]) -> None:
        self._ledger = ledger
        self._book = book
        self.now_ms = now_ms
        self.policy: CasePolicy = load_case_policy()
        self._counted: tuple[int, dt.date] | None = None
        self._figures: RepairStatistics
        self._sealed_days = load_retention().of("cases").days

    @property
    def today(self) -> dt.date:
        return city_day(self.now_ms())

    async def queue(
        self, case_type: CaseType, statuses: Iterable[str], after: tuple[dt.date, int], limit: int
    ) -> list[Case]:
        """What is due first comes first. `after`: due day and number of the last one seen."""
        wanted = set(statuses)
        of_all = self._book.cases if "decided" in wanted else self._book.waiting
        found = [
            case
            for case in await of_all(case_type)
            if case.status in wanted and place_of(case) > after and not self._is_sealed(case)
        ]
        return sorted(found, key=place_of)[:limit]

    async def case(self, case_type: CaseType, case_id: str) -> Case:
        """From the ledger itself. Raises CaseRefused case_not_found."""
        events = await self._ledger.stream_events(case_stream(case_type, case_id))
        found = next(iter(folded_cases(events).values()), None)
        if found is None or self._is_sealed(found):
            raise CaseRefused("case_not_found")
        return found

    def _is_sealed(self, case: Case) -> bool:
        """The office has no more business with it (retention table)."""
        return is_over(case, self.today, self._sealed_days)

    async def statistics(self) -> RepairStatistics:
        """Counted from all cases up to now; anew when there is something new, or a new day."""
        await self._book.catch_up()
        counted = (self._book.changes, self.today)
        if self._counted != counted:
            self._figures, self._counted = await self._count(), counted
        return self._figures

    async def _count(self) -> RepairStatistics:
        least = self.policy.statistics.least_citizens
        figures = {
            kind: figures_of(await self._book.cases(kind), kind, self.today, least)
            for kind in CASE_TYPES
        }
        return RepairStatistics(
            as_of=self.today,
            least_citizens=least,
            disputes=figures["dispute"],
            reviews=figures["review"],
            repairs=figures["repair"],
        )

    async def words(self, case: Case) -> Words:
        return await words_of(self._ledger, digests_of(case))

    async def decide(
        self,
        case_type: CaseType,
        case_id: str,
        *,
        outcome: str,
        reason: str,
        staff: Staff,
        idempotency: Idempotency | None,
    ) -> bytes:
        """Bytes of the StaffCase after it; durable when it returns."""

        def step(case: Case, digest: str) -> Step:
            return decision_step(case, outcome, digest, staff)

        self._require_reason(reason)
        return await self._act(
            case_type, case_id, step, reason=reason, staff=staff, idempotency=idempotency
        )

    async def confirm(
        self,
        case_type: CaseType,
        case_id: str,
        staff: Staff,
        idempotency: Idempotency | None,
        *,
        read: str | None = None,
    ) -> bytes:
        """`read`: id of the proposal she has read, where she names it."""

        def step(case: Case, _: str) -> Step:
            return confirmation_step(case, staff, read)

        return await self._act(
            case_type, case_id, step, reason="", staff=staff, idempotency=idempotency
        )

    async def send_back(
        self,
        case_type: CaseType,
        case_id: str,
        reason: str,
        staff: Staff,
        idempotency: Idempotency | None,
        *,
        read: str | None = None,
    ) -> bytes:
        def step(case: Case, digest: str) -> Step:
            return return_step(case, digest, staff, read)

        self._require_reason(reason)
        return await self._act(
            case_type, case_id, step, reason=reason, staff=staff, idempotency=idempotency
        )

    def _require_reason(self, reason: str) -> None:
        """《个人信息保护法》第五十条: who is refused is told why."""
        if len(reason.strip()) < self.policy.texts.least_reason_chars:
            raise CaseRefused("reason_needed")
        if len(reason) > self.policy.texts.reason_chars:
            raise CaseRefused("text_too_long")

    async def _act(
        self,
        case_type: CaseType,
        case_id: str,
        decide: Callable[[Case, str], Step],
        *,
        reason: str,
        staff: Staff,
        idempotency: Idempotency | None,
    ) -> bytes:
        request = Repeatable(self._ledger, f"staff {case_type} {case_id} {staff.id}", idempotency)

        async def acted() -> bytes:
            return await self._store(case_type, case_id, decide, reason, request)

        return await request.answer(acted, body_of)

    async def _store(
        self,
        case_type: CaseType,
        case_id: str,
        decide: Callable[[Case, str], Step],
        reason: str,
        request: Repeatable,
    ) -> bytes:
        for _ in range(TRIES):
            case = await self.case(case_type, case_id)
            text = text_of(reason) if reason else None
            kind, body = decide(case, text.digest if text else "")
            draft = EventDraft(
                kind=kind,
                stream=case_stream(case_type, case_id),
                subject=case.subject,
                at_ms=self.now_ms(),
                body=body_bytes(body),
            )
            answer = body_bytes(staff_case(_after(case, draft), self.today))
            try:
                stored = await self._ledger.append(
                    draft,
                    stream_unchanged_since=case.seq,
                    claim=request.claim(DECISION_STATUS, answer),
                    text=text,
                )
            except StreamChanged:
                continue
            return stored.body if isinstance(stored, Replayed) else answer
        raise LedgerUnavailable("overloaded")


def place_of(case: Case) -> tuple[dt.date, int]:
    return case.opened.due_on, case.opened_seq


def _after(case: Case, draft: EventDraft) -> Case:
    """The case as it will be; the number of the event does not show."""
    return stepped(case, numbered(draft, case.seq + 1)) or case
