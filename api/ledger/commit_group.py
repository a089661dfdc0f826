"""What becomes of each request of a commit group: one place for every database's writer.

Requests are decided in order, each against the stored state and the requests before it, so a group
behaves as if each had been alone. A refused request leaves the others untouched.
"""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from api.ledger.fold import ENROLMENT_KINDS, NEVER_ENROLLED, folded, meets
from api.ledger.kinds import is_known
from api.ledger.protocol import (
    Appended,
    ConditionNotMet,
    Enrolment,
    Event,
    EventDraft,
    EventRefused,
    IdempotencyClaim,
    IdempotencyConflict,
    LedgerError,
    Replayed,
    Require,
    Room,
    RoomTaken,
    StreamChanged,
    Text,
)

ClaimKey = tuple[str, str]
NewerKey = tuple[str, str, int]  # subject, kind, seq above which is counted
Outcome = Appended | Replayed | LedgerError


class AppendRequest(msgspec.Struct, frozen=True):
    draft: EventDraft
    require: Require = "any"
    unchanged_since: int | None = None
    stream_unchanged_since: int | None = None
    room: Room | None = None
    claim: IdempotencyClaim | None = None
    text: Text | None = None

    @property
    def is_conditional(self) -> bool:
        return self.require != "any" or self.unchanged_since is not None


class StoredClaim(msgspec.Struct, frozen=True):
    fingerprint: bytes
    status: int
    body: bytes


class StateBefore(msgspec.Struct, frozen=True):
    """Read in the group's own transaction: last sequence number, and of claims, enrolments, streams
    (their last seq) and `newer` (how many events there are) those asked for; what is missing in a
    mapping does not exist."""

    position: int
    claims: Mapping[ClaimKey, StoredClaim]
    enrolments: Mapping[str, Enrolment]
    streams: Mapping[str, int]
    newer: Mapping[NewerKey, int]


class Decision(msgspec.Struct, frozen=True):
    """`outcomes` in the order of the requests; `events`, and with their numbers `claims` and
    `texts`, are to be stored."""

    outcomes: list[Outcome]
    events: list[Event]
    claims: list[tuple[IdempotencyClaim, int]]
    texts: list[tuple[Text, int]]

    def runs(self) -> Iterator[tuple[list[Event], tuple[Text, int] | None]]:
        """Events up to one with a text, and that text: what a later event of the group erases is
        there by then."""
        done = 0
        for text, seq in self.texts:
            end = seq - self.events[0].seq + 1
            yield self.events[done:end], (text, seq)
            done = end
        if done < len(self.events):
            yield self.events[done:], None


def claims_asked(requests: Iterable[AppendRequest]) -> list[ClaimKey]:
    return [(r.claim.scope, r.claim.key) for r in requests if r.claim is not None]


def subjects_asked(requests: Iterable[AppendRequest]) -> list[str]:
    return [r.draft.subject for r in requests if r.is_conditional]


def streams_asked(requests: Iterable[AppendRequest]) -> list[str]:
    return [r.draft.stream for r in requests if r.stream_unchanged_since is not None]


def newer_asked(requests: Iterable[AppendRequest]) -> list[NewerKey]:
    return [key for r in requests if r.room is not None for key in _keys(r.room, r.draft)]


def _keys(room: Room, draft: EventDraft) -> list[NewerKey]:
    return [(draft.subject, kind, room.since) for kind in room.kinds]


def answered_before(stored: StoredClaim, fingerprint: bytes) -> Replayed | IdempotencyConflict:
    if stored.fingerprint != fingerprint:
        return IdempotencyConflict()
    return Replayed(status=stored.status, body=stored.body)


def decide(requests: Iterable[AppendRequest], before: StateBefore) -> Decision:
    group = _Group(before)
    return Decision(
        outcomes=[group.admit(request) for request in requests],
        events=group.events,
        claims=group.new_claims,
        texts=group.new_texts,
    )


def numbered(draft: EventDraft, seq: int) -> Event:
    """Raises EventRefused for a kind that is unknown or stands in the wrong stream."""
    if not is_known(draft.kind, draft.stream, draft.subject):
        raise EventRefused(f"kind {draft.kind} is not one of this stream's")
    return Event(
        seq=seq,
        kind=draft.kind,
        stream=draft.stream,
        subject=draft.subject,
        at_ms=draft.at_ms,
        body=draft.body,
    )


class _Group:
    def __init__(self, before: StateBefore) -> None:
        self.position = before.position
        self.claims = dict(before.claims)
        self.enrolments = dict(before.enrolments)
        self.streams = dict(before.streams)
        self.newer = before.newer
        self.events: list[Event] = []
        self.new_claims: list[tuple[IdempotencyClaim, int]] = []
        self.new_texts: list[tuple[Text, int]] = []

    def admit(self, request: AppendRequest) -> Outcome:
        claim, draft = request.claim, request.draft
        if claim is not None and (stored := self.claims.get((claim.scope, claim.key))):
            return answered_before(stored, claim.fingerprint)
        if (unmet := self._unmet(request)) is not None:
            return unmet
        try:
            event = self._store(draft, claim)
        except EventRefused as refused:
            return refused
        except msgspec.DecodeError as error:
            return EventRefused(f"body is not that of an event of kind {draft.kind}: {error}")
        if request.text is not None:
            self.new_texts.append((request.text, event.seq))
        return Appended(event=event)

    def _unmet(self, request: AppendRequest) -> ConditionNotMet | StreamChanged | RoomTaken | None:
        draft, since = request.draft, request.stream_unchanged_since
        if request.is_conditional:
            enrolment = self.enrolments.get(draft.subject, NEVER_ENROLLED)
            if not meets(enrolment, request.require, request.unchanged_since):
                return ConditionNotMet(enrolment)
        if since is not None and (last := self.streams.get(draft.stream, 0)) != since:
            return StreamChanged(last)
        if request.room is not None and self._taken(request.room, draft) >= request.room.places:
            return RoomTaken()
        return None

    def _taken(self, room: Room, draft: EventDraft) -> int:
        """Places taken before the group and in it."""
        return sum(self.newer.get(key, 0) for key in _keys(room, draft)) + sum(
            event.subject == draft.subject and event.kind in room.kinds for event in self.events
        )

    def _store(self, draft: EventDraft, claim: IdempotencyClaim | None) -> Event:
        event = numbered(draft, self.position + 1)
        if draft.kind in ENROLMENT_KINDS:
            self.enrolments[draft.subject] = folded(event.seq, event.kind, event.at_ms, event.body)
        self.position = self.streams[event.stream] = event.seq
        self.events.append(event)
        if claim is not None:
            stored = StoredClaim(claim.fingerprint, claim.status, claim.body)
            self.claims[claim.scope, claim.key] = stored
            self.new_claims.append((claim, event.seq))
        return event
