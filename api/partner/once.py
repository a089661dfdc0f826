"""Questions with an Idempotency-Key: one decision, one line and one use, however often they come.

The answer is kept in the transaction of its line, so that it is given again after a restart and on
any worker, whatever became of the consent since. While a question is being answered its key is held
in the store, so that copies wait and count no use; where the store forgets the hold, the ledger
still lets one line in, and the other's use is taken back.

A refusal is not kept: it had no effect, and the question may be asked again.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from functools import partial

import msgspec

from api.ledger.protocol import Replayed
from api.ledger.repeated import Idempotency
from api.partner.eligibility import BUDGET_SECONDS, Decided, Eligibility
from api.partner.kept import (
    KeptAnswer,
    KeptBatch,
    KeptRefusal,
    batch_scope,
    claim_of,
    item_scope,
    one_scope,
)
from api.partner.policies import Question
from api.partner.registry import Partner
from api.problems import Problem
from api.services import Services
from api.store.protocol import StoreDown, Version
from scoring.contract.snapshot import RecordCorrupt

# Longer than any answer takes, and than a commit that outlives its answer.
HELD_MS = 2_000
# A copy looks again when an answer is likely, and gives up within the budget of one.
LOOK_AGAIN_SECONDS = (0.005, 0.01, 0.02, 0.04, 0.08)

_ONE = msgspec.json.Decoder(KeptAnswer)
_BATCH = msgspec.json.Decoder(KeptBatch)

Outcome = Decided | KeptAnswer | KeptRefusal


class Once:
    """Raises as Eligibility does, and IdempotencyConflict, Problem request_in_progress."""

    def __init__(self, eligibility: Eligibility, services: Services) -> None:
        self._eligibility = eligibility
        self._services = services

    async def answer(self, partner: Partner, question: Question, asked: Idempotency) -> bytes:
        return await self._eligibility.in_time(self._answer(partner, question, asked))

    async def batch(
        self, partner: Partner, questions: Sequence[Question], asked: Idempotency
    ) -> list[KeptRefusal | bytes]:
        """In the order of the questions."""
        try:
            async with asyncio.timeout(2 * BUDGET_SECONDS):
                kept = await self._batch(partner, questions, asked)
            return [
                kept.refusals[at] if item is None else item.text()
                for at, item in enumerate(kept.items)
            ]
        except TimeoutError:
            raise Problem("ledger_unavailable") from None
        except RecordCorrupt as error:
            raise Problem("record_corrupt") from error

    # one question

    async def _answer(self, partner: Partner, question: Question, asked: Idempotency) -> bytes:
        scope = one_scope(partner.id)
        before = await self._before_or_held(scope, asked)
        if before is not None:
            return _ONE.decode(before.body).text()
        try:
            return (await self._found(partner, question, asked)).text()
        except BaseException:
            self._let_go(scope, asked)
            raise

    async def _found(self, partner: Partner, question: Question, asked: Idempotency) -> KeptAnswer:
        """What was answered before comes before a refusal: an answer may have been cut short after
        its line was stored, and what stands in its way now is that very line's doing, or later."""
        scope = one_scope(partner.id)
        try:
            decided = await self._eligibility.decided(partner, question)
        except Problem as problem:
            before = None if problem.kind.status >= 500 else await self._before(scope, asked)
            if before is None:
                raise
            return _ONE.decode(before.body)
        return await self._recorded(decided, scope, asked)

    async def _recorded(self, decided: Decided, scope: str, asked: Idempotency) -> KeptAnswer:
        kept = decided.kept()
        log = self._services.access_log
        before = await log.record_once(
            decided.line,
            claim_of(scope, asked, kept),
            unwritten=partial(self._eligibility.unwritten, decided),
        )
        return kept if before is None else _ONE.decode(before.body)

    # a batch

    async def _batch(
        self, partner: Partner, questions: Sequence[Question], asked: Idempotency
    ) -> KeptBatch:
        scope = batch_scope(partner.id)
        before = await self._before_or_held(scope, asked)
        if before is not None:
            return _BATCH.decode(before.body)
        try:
            found = await self._all_looked_at(partner, questions, asked)
            return await self._all_recorded(partner, found, asked)
        except BaseException:
            self._let_go(scope, asked)
            raise

    async def _all_looked_at(
        self, partner: Partner, questions: Sequence[Question], asked: Idempotency
    ) -> list[Outcome]:
        """All of one version; where one fails for a reason of ours, no use was made of any."""
        version = self._eligibility.version()
        looking = [
            asyncio.ensure_future(self._looked_at(partner, at, one, asked, version))
            for at, one in enumerate(questions)
        ]
        try:
            return await asyncio.gather(*looking)
        except BaseException:
            for each in looking:
                each.add_done_callback(self._given_up)
            raise

    def _given_up(self, looked: asyncio.Future[Outcome]) -> None:
        if looked.cancelled() or looked.exception() is not None:
            return
        if isinstance(one := looked.result(), Decided):
            self._eligibility.unwritten(one)

    async def _looked_at(
        self, partner: Partner, at: int, question: Question, asked: Idempotency, version: Version
    ) -> Outcome:
        """As if alone; but what a batch that was cut short had answered is answered so again."""
        try:
            decided = self._eligibility.decided(partner, question, version)
            return await self._eligibility.in_time(decided)
        except Problem as problem:
            if problem.kind.status >= 500:
                raise
            before = await self._before(item_scope(partner.id, at), asked)
            if before is not None:
                return _ONE.decode(before.body)
            return KeptRefusal(code=problem.code, status=problem.kind.status)

    async def _all_recorded(
        self, partner: Partner, found: Sequence[Outcome], asked: Idempotency
    ) -> KeptBatch:
        """The last line carries the whole answer: it is stored when all others are."""
        refusals = {at: one for at, one in enumerate(found) if isinstance(one, KeptRefusal)}
        items = {at: one for at, one in enumerate(found) if isinstance(one, KeptAnswer)}
        new = [(at, one) for at, one in enumerate(found) if isinstance(one, Decided)]
        others, last = new[:-1], new[-1:]
        try:
            stored = await asyncio.gather(
                *(self._recorded(one, item_scope(partner.id, at), asked) for at, one in others)
            )
        except BaseException:
            for _, one in last:
                self._eligibility.unwritten(one)
            raise
        items |= {at: kept for (at, _), kept in zip(others, stored, strict=True)}
        items |= {at: one.kept() for at, one in last}
        batch = KeptBatch(items=[items.get(at) for at in range(len(found))], refusals=refusals)
        for _, one in last:
            claim = claim_of(batch_scope(partner.id), asked, batch)
            before = await self._services.access_log.record_once(
                one.line, claim, unwritten=partial(self._eligibility.unwritten, one)
            )
            if before is not None:
                return _BATCH.decode(before.body)
        return batch

    # keys

    async def _before_or_held(self, scope: str, asked: Idempotency) -> Replayed | None:
        """The answer given before; None where the key is now held for this request alone."""
        for pause in (*LOOK_AGAIN_SECONDS, None):
            before = await self._before(scope, asked)
            if before is not None:
                return before
            if await self._services.reader.hold(_held_key(scope, asked), milliseconds=HELD_MS):
                return None
            if pause is not None:
                await asyncio.sleep(pause)
        raise Problem("request_in_progress")

    async def _before(self, scope: str, asked: Idempotency) -> Replayed | None:
        return await self._services.ledger.replay(
            scope=scope, key=asked.key, fingerprint=asked.fingerprint
        )

    def _let_go(self, scope: str, asked: Idempotency) -> None:
        """Nobody waits for it: where it fails, the hold ends by itself."""
        try:
            answer = asyncio.ensure_future(self._services.reader.let_go(_held_key(scope, asked)))
        except StoreDown:
            return
        answer.add_done_callback(_heard)


def _held_key(scope: str, asked: Idempotency) -> str:
    """Neither the partner nor what it chose as a key stands in the store."""
    return f"i:{hashlib.sha256(f'{scope} {asked.key}'.encode()).hexdigest()[:32]}"


def _heard(answer: asyncio.Future[object]) -> None:
    if not answer.cancelled():
        answer.exception()
