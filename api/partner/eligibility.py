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
from collections.abc import Callable

from api.accesses.protocol import AccessEvent
from api.consents.codec import entry_key
from api.consents.protocol import ConsentRefusal, LiveConsent
from api.deadlines import Running, work_deadlines
from api.partner.decision import (
    DAY_MS,
    ID_RANDOM_BYTES,
    answer_bytes,
    decision_id_of,
    is_eligible,
)
from api.partner.pace import paced
from api.partner.policies import CITY_OFFSET_MS, PolicyBook, Question, city_day_number
from api.partner.registry import Partner
from api.problems import Problem
from api.services import Services
from api.store.protocol import CountedRead, Stored, Version
from api.versions import PerVersion
from scoring.contract.documents import Benefit
from scoring.contract.snapshot import (
    MARKS_KEY,
    RecordCorrupt,
    decode_hot,
    tag_of,
    uses_key,
)

# Of the promised 300 ms; the rest is the way there and back.
BUDGET_SECONDS = 0.27
HANDLE_CHARS = 22
LEGAL_BASIS = "《个人信息保护法》第十三条第一款第一项：本人同意"


class Eligibility:
    """`clock`: Unix seconds. `random`: that many random bytes."""

    def __init__(
        self,
        services: Services,
        clock: Callable[[], float],
        random: Callable[[int], bytes] | None = None,
    ) -> None:
        self._services = services
        self._reader = services.reader
        self._clock = clock
        self._random = random or RandomBytes()
        self._deadlines = work_deadlines(BUDGET_SECONDS)
        self._books = PerVersion(PolicyBook)

    async def answer(self, partner: Partner, question: Question) -> bytes:
        """The answer's bytes; its line is durable. Raises Problem, StoreDown, LedgerUnavailable,
        all within the budget."""
        running = Running()
        self._deadlines.watch(running)
        try:
            return await self._answer(partner, question)
        except asyncio.CancelledError:
            if running.is_late:
                raise Problem("store_unavailable") from None
            raise
        except RecordCorrupt as error:
            raise Problem("record_corrupt") from error
        finally:
            running.end()

    async def _answer(self, partner: Partner, question: Question) -> bytes:
        now_ms = int(self._clock() * 1_000)
        version = self._reader.version()
        book = self._books.of(version)
        benefit = book.asked(partner, question, now_ms)
        consent, stored = await paced(self._consent_and_record(version, partner, question, now_ms))
        decision_id = decision_id_of(now_ms, self._random(ID_RANDOM_BYTES))
        body = answer_bytes(
            eligible=_is_eligible(stored, consent.owner.snapshot_subject, benefit),
            policy=benefit.id,
            valid_until=book.valid_until(benefit, now_ms, consent.expires_at_ms),
            decision_id=decision_id,
            snapshot=version.manifest.snapshot,
        )
        await self._services.access_log.record(
            AccessEvent(
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
        )
        return body

    async def _consent_and_record(
        self, version: Version, partner: Partner, question: Question, now_ms: int
    ) -> tuple[LiveConsent, Stored]:
        """The live consent that covers the question, and the record of who gave it, in one round
        trip where this worker knows whose it is. Raises Problem."""
        handle, consents = question.consent, self._services.live_consents
        consent = consents.remembered(handle)
        if consent is None or _refusal(consent, partner, question, now_ms) is not None:
            consent = await self._allowed(partner, question, now_ms)
        read = await self._read(version, handle, consent, now_ms)
        if not consents.is_still(handle, read.beside):
            consent = await self._allowed(partner, question, now_ms)
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

    async def _read(
        self, version: Version, handle: str, consent: LiveConsent, now_ms: int
    ) -> CountedRead:
        """Count the use, read the record and the consent once more. Raises Problem."""
        day = city_day_number(now_ms)
        day_ends_at = ((day + 1) * DAY_MS - CITY_OFFSET_MS) // 1_000
        read = await self._reader.counted(
            version,
            consent.owner.snapshot_subject,
            beside=entry_key(handle),
            counter=uses_key(handle, day),
            expires_at=day_ends_at + 60,
        )
        if read.uses > consent.max_uses_per_day:
            raise _too_often(consent.max_uses_per_day, day_ends_at - now_ms // 1_000)
        return read


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


def _is_eligible(stored: Stored, snapshot_subject: str, benefit: Benefit) -> bool:
    """Raises RecordCorrupt."""
    score = None
    if stored.value is not None:
        score = decode_hot(stored.value, tag_of(snapshot_subject)).score_points
    return is_eligible(score, stored.mark, benefit.threshold)


def _refusal(
    consent: LiveConsent, partner: Partner, question: Question, now_ms: int
) -> ConsentRefusal | None:
    return consent.refusal(
        partner=partner.id, policy=question.policy, purpose=question.purpose, now_ms=now_ms
    )


def _too_often(most: int, left_seconds: int) -> Problem:
    wait = max(1, left_seconds)
    return Problem(
        "frequency_exceeded",
        retry_after_seconds=wait,
        headers=[
            (b"ratelimit", b'"consent";r=0;t=%d' % wait),
            (b"ratelimit-policy", b'"consent";q=%d;w=86400' % most),
        ],
    )
