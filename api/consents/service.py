"""Granting, changing, listing: reads the ledger, decides with pure functions, stores the event."""

import contextlib
import datetime as dt
import uuid
from collections.abc import Callable

import msgspec

from api.consents.attesting import Attestations
from api.consents.handles import HandleKeys
from api.consents.machine import (
    BEGINNINGS,
    GRANTED,
    REQUESTED,
    Actor,
    Consent,
    ConsentBody,
    Target,
    consent_draft,
    decided,
    folded_consents,
    status_at,
)
from api.consents.projection import LiveConsents
from api.consents.protocol import ENDED
from api.consents.reading import consents_of
from api.consents.terms import AskedTerms, Terms, agreed
from api.ledger.enrolment import city_day
from api.ledger.protocol import (
    Appended,
    ConditionNotMet,
    Ledger,
    LedgerUnavailable,
    MarkPending,
    Replayed,
    Room,
    RoomTaken,
    StreamChanged,
)
from api.ledger.repeated import Idempotency, Repeatable, body_of
from scoring.contract.documents import Benefit

GRANTED_STATUS = 201
MOST_OPEN = 200  # several times all benefits of a city
# Each try that fails means that another request about the same citizen was stored in between.
TRIES = 60


class ConsentNotFound(Exception):
    """No consent of this citizen has this id, whoever else's may."""


class ConsentsRefused(Exception):
    """`code`: not_enrolled, too_many_consents, attestation_overdue."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class ConsentService:
    """`register`: the benefits being served; may raise StoreDown. `answer_of`: bytes answered to a
    grant, kept for its repetition. Every method may raise LedgerUnavailable."""

    def __init__(
        self,
        ledger: Ledger,
        live: LiveConsents,
        keys: HandleKeys,
        attestations: Attestations,
        *,
        register: Callable[[], list[Benefit]],
        answer_of: Callable[[Consent, int], bytes],
        now_ms: Callable[[], int],
        new_id: Callable[[], str] = lambda: f"c{uuid.uuid4().hex}",
    ) -> None:
        self._ledger = ledger
        self._live = live
        self._attestations = attestations
        self._keys = keys
        self._register = register
        self._answer_of = answer_of
        self.now_ms = now_ms
        self._new_id = new_id

    async def grant(
        self,
        subject: str,
        asked: AskedTerms,
        *,
        is_confirmed: bool = True,
        idempotency: Idempotency | None = None,
    ) -> bytes:
        """The answer's bytes; durable when it returns. Not `is_confirmed`: it waits for her second
        word. Raises TermsRefused, ConsentsRefused, IdempotencyConflict, StoreDown."""
        request = Repeatable(self._ledger, f"consents {subject}", idempotency)

        async def granted() -> bytes:
            now_ms = self.now_ms()
            terms = agreed(asked, self._register(), now_ms=now_ms, today=city_day(now_ms))
            await self._require_attested(terms.partner, now_ms)
            for _ in range(TRIES):
                room = await self._room(subject, now_ms)
                with contextlib.suppress(RoomTaken):
                    return await self._store(
                        subject, terms, is_confirmed, request, now_ms, room=room
                    )
            raise LedgerUnavailable("overloaded")

        return await request.answer(granted, body_of)

    async def change(
        self, subject: str, consent_id: str, target: Target, *, by: Actor = "citizen"
    ) -> Consent:
        """Durable and in effect for every reader when it returns. Raises ConsentNotFound,
        IllegalStep; MarkPending where it is durable and not yet in effect."""
        for _ in range(TRIES):
            enrolment = await self._ledger.enrolment_of(subject)
            consent = await self.consent(subject, consent_id)
            draft = decided(consent, target, by=by, now_ms=self.now_ms())
            if draft is None:
                await self._live.announce([consent])
                return consent
            try:
                stored = await self._ledger.append(
                    draft,
                    unchanged_since=enrolment.seq,
                    stream_unchanged_since=consent.stream_seq,
                )
            except (StreamChanged, ConditionNotMet):
                continue
            changed = _after(stored, consent)
            await self._live.announce([changed])
            return changed
        raise LedgerUnavailable("overloaded")

    async def consent(self, subject: str, consent_id: str) -> Consent:
        """Raises ConsentNotFound."""
        consents = await consents_of(self._ledger, subject)
        if consent_id not in consents:
            raise ConsentNotFound
        return consents[consent_id]

    async def announce_all(self, subject: str) -> None:
        """After a withdrawal: all her consents have ended, and every reader sees it. Raises
        MarkPending."""
        await self._live.announce((await consents_of(self._ledger, subject)).values())

    async def _room(self, subject: str, now_ms: int) -> Room:
        """How many more she may grant. Raises ConsentsRefused for none."""
        consents = await consents_of(self._ledger, subject)
        open_now = sum(status_at(c, now_ms) not in ENDED for c in consents.values())
        if open_now >= MOST_OPEN:
            raise ConsentsRefused("too_many_consents")
        seen = max((c.stream_seq for c in consents.values()), default=0)
        return Room(kinds=BEGINNINGS, since=seen, places=MOST_OPEN - open_now)

    async def _require_attested(self, partner: str, now_ms: int) -> None:
        if (await self._attestations.standing(partner, now_ms)).overdue_since is not None:
            raise ConsentsRefused("attestation_overdue")

    async def _store(
        self,
        subject: str,
        terms: Terms,
        is_confirmed: bool,
        request: Repeatable,
        now_ms: int,
        *,
        room: Room,
    ) -> bytes:
        consent_id = self._new_id()
        handle = self._keys.handle_of(terms.partner, consent_id)
        body = ConsentBody(id=consent_id, handle=handle, terms=terms)
        draft = consent_draft(GRANTED if is_confirmed else REQUESTED, subject, body, now_ms)
        foreseen = Consent(
            id=consent_id,
            handle=handle,
            subject=subject,
            terms=terms,
            status="active" if is_confirmed else "awaiting",
            granted_at_ms=now_ms,
            changed_at_ms=now_ms,
            changed_by="citizen",
            seq=0,
            stream_seq=0,
        )
        answer = self._answer_of(foreseen, now_ms)
        try:
            stored = await self._ledger.append(
                draft, require="active", room=room, claim=request.claim(GRANTED_STATUS, answer)
            )
        except ConditionNotMet:
            raise ConsentsRefused("not_enrolled") from None
        if isinstance(stored, Replayed):
            return stored.body
        with contextlib.suppress(MarkPending):  # stored is enough; the follower announces it
            await self._live.announce(folded_consents([stored.event]).values())
        return answer


def _after(stored: Appended | Replayed, before: Consent) -> Consent:
    if isinstance(stored, Replayed):
        raise TypeError("a change has no claim")
    changed = folded_consents([stored.event])[before.id]
    return msgspec.structs.replace(changed, granted_at_ms=before.granted_at_ms)


def instant_ms(at: dt.datetime) -> int:
    """`at` knows its offset."""
    return round((at - dt.datetime.fromtimestamp(0, dt.UTC)) / dt.timedelta(milliseconds=1))
