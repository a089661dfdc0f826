"""All cases of the city in one worker's memory, followed from the ledger: the staff's queue and the
public figures. About 1 KiB a case: ten thousand a year are 10 MiB."""

import asyncio

from api.ledger.protocol import Ledger
from api.rights.case import CASE_KINDS, Case, case_stream, fold_into
from scoring.policy.cases import CaseType

EVENTS_A_PAGE = 1_000


class CaseBook:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._cases: dict[str, Case] = {}
        self._seq = 0
        self._one_at_a_time = asyncio.Lock()

    async def cases(self, case_type: CaseType) -> list[Case]:
        """In the order they were opened, up to the last event committed before the call. Raises
        LedgerUnavailable."""
        await self._catch_up()
        return [case for case in self._cases.values() if case.type == case_type]

    async def case(self, case_type: CaseType, case_id: str) -> Case | None:
        await self._catch_up()
        return self._cases.get(case_stream(case_type, case_id))

    async def _catch_up(self) -> None:
        async with self._one_at_a_time:
            end = await self._ledger.position()
            while self._seq < end:
                page = await self._ledger.events_after(
                    self._seq, limit=EVENTS_A_PAGE, kinds=CASE_KINDS
                )
                fold_into(self._cases, page)
                is_last = len(page) < EVENTS_A_PAGE
                self._seq = max(end, page[-1].seq if page else 0) if is_last else page[-1].seq
