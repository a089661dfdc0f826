"""All cases of the city in one worker's memory, followed from the ledger: the staff's queue and the
public figures. About 1 KiB a case: ten thousand a year are 10 MiB."""

import asyncio

from api.ledger.protocol import Ledger
from api.rights.case import CASE_KINDS, CASE_TYPES, Case, case_stream, stepped
from scoring.policy.cases import CaseType

EVENTS_A_PAGE = 1_000


class CaseBook:
    """Every method may raise LedgerUnavailable."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._cases: dict[CaseType, dict[str, Case]] = {each: {} for each in CASE_TYPES}
        self._waiting: dict[CaseType, dict[str, Case]] = {each: {} for each in CASE_TYPES}
        self._seq = 0
        self._one_at_a_time = asyncio.Lock()
        self.changes = 0  # grows with every case event: what was counted before it is out of date

    async def cases(self, case_type: CaseType) -> list[Case]:
        """In the order they were opened, up to the last event committed before the call."""
        await self.catch_up()
        return list(self._cases[case_type].values())

    async def waiting(self, case_type: CaseType) -> list[Case]:
        """As `cases`, those without a decision alone: a few of many, and what is asked for most."""
        await self.catch_up()
        return list(self._waiting[case_type].values())

    async def case(self, case_type: CaseType, case_id: str) -> Case | None:
        await self.catch_up()
        return self._cases[case_type].get(case_stream(case_type, case_id))

    async def catch_up(self) -> None:
        async with self._one_at_a_time:
            end = await self._ledger.position()
            while self._seq < end:
                page = await self._ledger.events_after(
                    self._seq, limit=EVENTS_A_PAGE, kinds=CASE_KINDS
                )
                for event in page:
                    case_type: CaseType = event.kind.partition("_")[0]  # type: ignore[assignment]
                    case = stepped(self._cases[case_type].get(event.stream), event)
                    if case is not None:
                        self._put(case_type, event.stream, case)
                is_last = len(page) < EVENTS_A_PAGE
                self._seq = max(end, page[-1].seq if page else 0) if is_last else page[-1].seq

    def _put(self, case_type: CaseType, stream: str, case: Case) -> None:
        self.changes += 1
        self._cases[case_type][stream] = case
        if case.decision is None:
            self._waiting[case_type][stream] = case
        else:
            self._waiting[case_type].pop(stream, None)
