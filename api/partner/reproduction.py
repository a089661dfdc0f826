"""A decision repeated from what is kept of it: its line in the log, its consent, its snapshot.

The line holds no content, only the digest of the answer. An answer has two possible texts, so the
digest tells which one was given; the snapshot's record tells which one was due.
"""

import hashlib
from typing import Protocol

import msgspec

from api.accesses.events import ACCESSED, AccessBody, access_body
from api.consents.machine import GRANTED, REQUESTED, ConsentBody, consent_stream
from api.ledger.enrolment import city_day
from api.ledger.fold import ENROLMENT_KINDS, NEVER_ENROLLED, folded
from api.ledger.notice import Notices
from api.ledger.projection import mark_of
from api.ledger.protocol import Enrolment, Event, Ledger
from api.partner.decision import (
    ID_TIME_MARGIN_MS,
    answer_bytes,
    decided_at_ms,
    instant_text,
    is_eligible,
    valid_until_ms,
)
from scoring.contract.documents import Benefit

PAGE_EVENTS = 1_000


class DecisionUnknown(Exception):
    """No line of the log has this id."""


class KeptSnapshot(Protocol):
    """A snapshot's files."""

    @property
    def ledger_position(self) -> int: ...

    def benefit(self, policy: str) -> Benefit: ...

    def score_points(self, subject: str) -> int | None:
        """By the ledger's pseudonym; None where the snapshot has no record."""
        ...


class Reproduced(msgspec.Struct, frozen=True, kw_only=True):
    """`given`: what the digest says was answered, None where it fits neither text. `due`: what
    snapshot and log say should have been."""

    decision_id: str
    seq: int
    at_ms: int
    partner: str
    policy: str
    snapshot: str
    given: bool | None
    due: bool

    @property
    def agrees(self) -> bool:
        return self.given is self.due


async def line_of(ledger: Ledger, decision_id: str) -> Event:
    """Found by the time in the id; the whole log is read only where it is not there, for a clock
    that was set back leaves times out of order. Raises DecisionUnknown, ValueError for what is no
    decision id."""
    at_ms = decided_at_ms(decision_id)
    near = await seq_before(ledger, at_ms - ID_TIME_MARGIN_MS)
    found = await _line_in(ledger, decision_id, near, until_ms=at_ms + ID_TIME_MARGIN_MS)
    found = found or await _line_in(ledger, decision_id, 0)
    if found is None:
        raise DecisionUnknown(decision_id)
    return found


async def _line_in(
    ledger: Ledger, decision_id: str, after: int, until_ms: int | None = None
) -> Event | None:
    while page := await ledger.events_after(after, limit=PAGE_EVENTS, kinds=[ACCESSED]):
        for event in page:
            if access_body(event.body).decision_id == decision_id:
                return event
        if until_ms is not None and page[-1].at_ms > until_ms:
            break
        after = page[-1].seq
    return None


async def seq_before(ledger: Ledger, at_ms: int) -> int:
    """A seq all events up to which are older; events stand nearly in the order of their times."""
    low, high = 0, await ledger.position()
    while low < high:
        middle = (low + high + 1) // 2
        events = await ledger.events_after(middle - 1, limit=1)
        if events and events[0].at_ms < at_ms:
            low = middle
        else:
            high = middle - 1
    return low


async def reproduced(
    ledger: Ledger, event: Event, kept: KeptSnapshot, notices: Notices
) -> Reproduced:
    line = access_body(event.body)
    if line.policy is None or line.snapshot is None or line.decision_id is None:
        raise DecisionUnknown("an access that was no decision")
    benefit = kept.benefit(line.policy)
    expires_at_ms = await _consent_expiry(ledger, line)
    texts = {
        word: answer_bytes(
            eligible=word,
            policy=line.policy,
            valid_until=instant_text(valid_until_ms(benefit, event.at_ms, expires_at_ms)),
            decision_id=line.decision_id,
            snapshot=line.snapshot,
        )
        for word in (True, False)
    }
    digests = {hashlib.sha256(text).hexdigest(): word for word, text in texts.items()}
    last = await _enrolment_at(ledger, event)
    mark = mark_of(last) if last.seq > kept.ledger_position else None
    return Reproduced(
        decision_id=line.decision_id,
        seq=event.seq,
        at_ms=event.at_ms,
        partner=line.initiator,
        policy=line.policy,
        snapshot=line.snapshot,
        given=digests.get(line.response_digest),
        due=is_eligible(
            kept.score_points(event.subject),
            mark,
            benefit.threshold,
            notice=last.notice_version or "",
            too_old=notices.too_old_on(city_day(event.at_ms)),
        ),
    )


async def _consent_expiry(ledger: Ledger, line: AccessBody) -> int:
    for event in await ledger.stream_events(consent_stream(line.consent_id or "")):
        if event.kind in (GRANTED, REQUESTED):
            return msgspec.json.decode(event.body, type=ConsentBody).terms.expires_at_ms
    raise DecisionUnknown("its consent is not in the ledger")


async def _enrolment_at(ledger: Ledger, event: Event) -> Enrolment:
    """Hers as it stood when the decision was made."""
    last = await ledger.subject_events(
        event.subject, kinds=ENROLMENT_KINDS, limit=1, before_seq=event.seq
    )
    if not last:
        return NEVER_ENROLLED
    return folded(last[0].seq, last[0].kind, last[0].at_ms, last[0].body)
