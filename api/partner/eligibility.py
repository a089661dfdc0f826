"""POST /v1/eligibility: may this person have this benefit? Yes or no, and nothing more.

What a partner may not know, and how it is kept from it (promise 3):

- A question names a consent, never a person: a handle of 128 bits that one citizen gave to this
  one partner. There is no way to ask about somebody who has given none.
- Behind a live consent three cases are one: nobody the city knows a score of, somebody who is not
  (or no longer) enrolled, somebody below the threshold. All three are `eligible: false` with the
  same members, the same bytes but for the decision's own id, the same length, after the same steps:
  consent, use, record, mark and presence of the snapshot are read in the same commands whether
  there is a record or not, and the same line is stored durably. `valid_until` depends on policy,
  hour and consent alone. A yes differs from a no in one word of the same length.
- Somebody who has not accepted a material change of the notice that is in force is the first case:
  of her nothing is processed, and the same commands are asked and the same line is stored.
- Without a live consent there is one answer as well, 403 `consent_revoked`: for a handle nobody
  ever had, one of another partner, one that was revoked, paused, rejected or has expired. It is
  given before any record is looked at, so it tells nothing of a person. It is not a no: a no would
  be a statement about somebody who was never asked, written into nobody's log, and a partner's
  mistyped handle would cost a citizen her benefit.
- What differs beyond that is public (which policies and purposes there are) or the partner's own
  doing (limits).

Order: policy and purpose, consent, use counted, record, decision, durable line, answer.
"""

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from typing import TypeVar

import msgspec

from api.accesses.protocol import AccessEvent
from api.consents.protocol import ConsentRefusal, LiveConsent
from api.deadlines import Running, work_deadlines
from api.partner.decision import (
    ID_RANDOM_BYTES,
    answer_bytes,
    decision_id_of,
    is_eligible,
)
from api.partner.kept import KeptAnswer
from api.partner.pace import paced
from api.partner.policies import PolicyBook, Question
from api.partner.probing import Probing
from api.partner.registry import Partner
from api.partner.uses import Uses, require_within_cap
from api.problems import Problem
from api.services import Services
from api.store.protocol import Stored, Version
from api.versions import PerVersion
from scoring.contract.documents import Benefit
from scoring.contract.snapshot import (
    MARKS_KEY,
    RecordCorrupt,
    decode_hot,
    tag_of,
)

# Of the promised 300 ms; the rest is the way there and back, and the deadlines' own step.
BUDGET_SECONDS = 0.24
HANDLE_CHARS = 22
LEGAL_BASIS = "《个人信息保护法》第十三条第一款第一项：本人同意"


Done = TypeVar("Done")


class Decided(msgspec.Struct, frozen=True):
    """An answer that may leave once `line` is stored. `handle`: whose use was counted."""

    body: bytes
    line: AccessEvent
    valid_until: str
    handle: str

    def kept(self) -> KeptAnswer:
        line = self.line
        return KeptAnswer(
            policy=line.policy or "",
            valid_until=self.valid_until,
            decision_id=line.decision_id or "",
            snapshot=line.snapshot or "",
            digest=line.response_digest,
        )


class Eligibility:
    """`clock`: Unix seconds. `random`: that many random bytes."""

    def __init__(
        self,
        services: Services,
        clock: Callable[[], float],
        probing: Probing,
        random: Callable[[int], bytes] | None = None,
    ) -> None:
        self._services = services
        self._reader = services.reader
        self._clock = clock
        self._probing = probing
        self._random = random or RandomBytes()
        self._deadlines = work_deadlines(BUDGET_SECONDS)
        self._books = PerVersion(PolicyBook)
        self.uses = Uses(services.reader)

    async def answer(
        self, partner: Partner, question: Question, version: Version | None = None
    ) -> bytes:
        """The answer's bytes; its line is durable. `version`: of a batch, which reads one. Raises
        Problem, StoreDown, LedgerUnavailable, all within the budget."""
        running, decided = Running(), None
        self._deadlines.watch(running)
        try:  # as `in_time`, without a coroutine more on the hot way
            decided = await self.decided(partner, question, version)
            unwritten = partial(self.unwritten, decided)
            await self._services.access_log.record(decided.line, unwritten=unwritten)
            return decided.body
        except asyncio.CancelledError:
            if running.is_late:
                is_decided = decided is not None
                code = "ledger_unavailable" if is_decided else "store_unavailable"
                raise Problem(code) from None
            raise
        except RecordCorrupt as error:
            raise Problem("record_corrupt") from error
        finally:
            running.end()

    async def in_time(self, work: Awaitable[Done]) -> Done:
        """Raises what `work` does, and Problem store_unavailable where the budget is used up."""
        running = Running()
        self._deadlines.watch(running)
        try:
            return await work
        except asyncio.CancelledError:
            if running.is_late:
                raise Problem("store_unavailable") from None
            raise
        except RecordCorrupt as error:
            raise Problem("record_corrupt") from error
        finally:
            running.end()

    def version(self) -> Version:
        """What a batch reads. Raises StoreDown."""
        return self._reader.version()

    def unwritten(self, decided: Decided) -> None:
        """No line is stored of it: no use was made."""
        self.uses.give_back(decided.handle, decided.line.at_ms)

    async def decided(
        self, partner: Partner, question: Question, version: Version | None = None
    ) -> Decided:
        """A use is counted; nothing is written yet: it is recorded, or told to be `unwritten`. Raises
        Problem, StoreDown, LedgerUnavailable."""
        now_ms = int(self._clock() * 1_000)
        version = version or self._reader.version()
        book = self._books.of(version)
        try:
            benefit = book.asked(partner, question, now_ms)
            consent, stored = await paced(
                self._consent_and_record(version, partner, question, now_ms)
            )
        except Problem as problem:
            await self._probing.refused(partner, problem)
            raise
        decision_id = decision_id_of(now_ms, self._random(ID_RANDOM_BYTES))
        valid_until = book.valid_until(benefit, now_ms, consent.expires_at_ms)
        try:
            eligible = _is_eligible(
                version,
                stored,
                consent.owner.snapshot_subject,
                benefit,
                too_old=self._services.standing.too_old(),
            )
        except RecordCorrupt:
            self.uses.give_back(question.consent, now_ms)
            raise
        body = answer_bytes(
            eligible=eligible,
            policy=benefit.id,
            valid_until=valid_until,
            decision_id=decision_id,
            snapshot=version.manifest.snapshot,
        )
        line = AccessEvent(
            subject=consent.owner.subject,
            at_ms=now_ms,
            initiator_kind="partner",
            initiator=partner.id,
            purpose=benefit.purpose,
            legal_basis=LEGAL_BASIS,
            policy=benefit.id,
            consent_id=consent.id,
            decision_id=decision_id,
            response_digest=hashlib.sha256(body).hexdigest(),
            snapshot=version.manifest.snapshot,
        )
        return Decided(body, line, valid_until, question.consent)

    async def _consent_and_record(
        self, version: Version, partner: Partner, question: Question, now_ms: int
    ) -> tuple[LiveConsent, Stored]:
        """The live consent that covers the question, and the record of who gave it, in one round
        trip where this worker knows whose it is. Raises Problem."""
        handle, consents = question.consent, self._services.live_consents
        consent = consents.remembered(handle)
        if consent is None or _refusal(consent, partner, question, now_ms) is not None:
            consent = await self._allowed(partner, question, now_ms)
        read = await self.uses.read(self._services.ledger, version, handle, consent, now_ms)
        try:
            if not consents.is_still(handle, consent, read.beside):
                consent = await self._allowed(partner, question, now_ms)
            # Only after that: a consent that is over is refused as such, whatever is left of its day.
            require_within_cap(read, consent, now_ms)
        except BaseException:  # also a store gone meanwhile, or a budget used up
            self.uses.give_back(handle, now_ms)
            raise
        return consent, read.stored

    async def _allowed(self, partner: Partner, question: Question, now_ms: int) -> LiveConsent:
        """The live consent that covers the question. Raises Problem."""
        handle = question.consent
        if len(handle) != HANDLE_CHARS or not handle.isascii():
            raise Problem("consent_revoked")
        consent = await self._services.live_consents.live(handle)
        if consent is None:
            raise Problem("consent_revoked")
        refusal = _refusal(consent, partner, question, now_ms)
        if refusal is None:
            return consent
        # For a handle there is not, the store was asked once more before that was believed.
        await self._reader.get(MARKS_KEY)
        raise Problem("consent_mismatch" if refusal == "consent_mismatch" else "consent_revoked")


class RandomBytes:
    """The system's, drawn a page at a time: a call into the kernel costs more than a decision."""

    def __init__(self, draw: Callable[[int], bytes] = os.urandom) -> None:
        self._draw = draw
        self._page = b""
        self._used = 0

    def __call__(self, count: int) -> bytes:
        start, self._used = self._used, self._used + count
        if self._used > len(self._page):
            self._page = self._draw(4_096)
            start, self._used = 0, count
        return self._page[start : self._used]


def _is_eligible(
    version: Version,
    stored: Stored,
    snapshot_subject: str,
    benefit: Benefit,
    *,
    too_old: Collection[str],
) -> bool:
    """Raises RecordCorrupt."""
    if stored.value is None:
        return False
    record = decode_hot(stored.value, tag_of(snapshot_subject))
    return is_eligible(
        record.score_points,
        stored.mark,
        benefit.threshold,
        notice=record.notice or version.manifest.notice,
        too_old=too_old,
    )


def _refusal(
    consent: LiveConsent, partner: Partner, question: Question, now_ms: int
) -> ConsentRefusal | None:
    return consent.refusal(
        partner=partner.id, policy=question.policy, purpose=question.purpose, now_ms=now_ms
    )
