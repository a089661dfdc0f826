"""Joining and leaving: who may, what is stored about it, what the citizen gets in her hand.

Rules as pure functions first, then the service that stores their result. Law: Personal Information
Protection Law Art. 14 (informed consent), 15 (leaving as easy), 31 (no minors).
"""

import contextlib
import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from api.ledger.fold import (
    NEVER_ENROLLED,
    EnrolledBody,
    WithdrawnBody,
    body_bytes,
    enrolled_body,
    enrolment_stream,
    fold_of,
)
from api.ledger.notice import DEFAULT_LANGUAGE, Language, NoticeDocument, Notices, load_notices
from api.ledger.protocol import (
    ConditionNotMet,
    Enrolment,
    Event,
    EventDraft,
    Ledger,
    LedgerUnavailable,
    MarkPending,
    MarkWriter,
    Replayed,
)
from api.ledger.repeated import Idempotency, Repeatable

ADULT_YEARS = 18
# All of China keeps one clock, without summer time: the day a notice or an age changes here.
CITY_CLOCK = dt.timezone(dt.timedelta(hours=8))
RECEIPT_STATUS = 201
# Each try that fails means that another request of the same citizen was stored in between.
TRIES = 4

RefusalCode = Literal[
    "notice_outdated", "age_unknown", "under_age", "already_enrolled", "not_enrolled"
]


class EnrolmentRefused(Exception):
    def __init__(self, code: RefusalCode) -> None:
        super().__init__(code)
        self.code = code


class ReceiptNotice(msgspec.Struct, frozen=True, kw_only=True):
    version: str
    language: Language
    sha256: str


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to an enrolment, as canonical JSON. `subject`: the citizen's own pseudonym. `notice`:
    the very text she accepted. `replaces`: id of her earlier receipt, where she accepted a newer
    notice. More members may come, none will go."""

    schema: str = "chengxin-enrolment-receipt-1"
    receipt_id: str
    replaces: str | msgspec.UnsetType = msgspec.UNSET
    subject: str
    status: Literal["active"] = "active"
    enrolled_at: dt.datetime
    notice_version: str
    notice: ReceiptNotice
    purpose: str
    controller: str
    withdrawal_method: str = "DELETE /v1/me/enrolment"
    withdrawal: str


class Enrolled(msgspec.Struct, frozen=True, kw_only=True):
    """`body`: the receipt's bytes, the same again when the request is repeated."""

    status: int
    body: bytes
    is_replayed: bool


class EnrolmentView(msgspec.Struct, frozen=True, kw_only=True):
    """What `GET /v1/me/enrolment` answers."""

    status: Literal["none", "active", "withdrawn"]
    notice_version: str | None
    enrolled_at: dt.datetime | None


def instant(at_ms: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(milliseconds=at_ms)


def city_day(at_ms: int) -> dt.date:
    return instant(at_ms).astimezone(CITY_CLOCK).date()


def is_adult(birthdate: dt.date, on: dt.date) -> bool:
    """From the 18th birthday on. Who was born on 29 February comes of age on 1 March: on the
    28th the birthday has not come, and in doubt a minor is not scored."""
    birthday_has_come = (on.month, on.day) >= (birthdate.month, birthdate.day)
    return on.year - birthdate.year - (not birthday_has_come) >= ADULT_YEARS


def require_may_enrol(
    birthdate: dt.date | None,
    notice_version: str,
    *,
    acceptable_versions: Sequence[str],
    on: dt.date,
) -> None:
    """`acceptable_versions`: the one in force and those announced."""
    if notice_version not in acceptable_versions:
        raise EnrolmentRefused("notice_outdated")
    if birthdate is None:
        raise EnrolmentRefused("age_unknown")
    if not is_adult(birthdate, on):
        raise EnrolmentRefused("under_age")


def enrolled_draft(
    subject: str,
    notice: NoticeDocument,
    receipt_id: str,
    at_ms: int,
    replaces: str | msgspec.UnsetType = msgspec.UNSET,
) -> EventDraft:
    body = EnrolledBody(
        notice_version=notice.version,
        notice_language=notice.language,
        notice_sha256=notice.sha256,
        receipt_id=receipt_id,
        replaces=replaces,
    )
    return _draft("enrolled", subject, at_ms, body)


def withdrawn_draft(subject: str, at_ms: int) -> EventDraft:
    return _draft("withdrawn", subject, at_ms, WithdrawnBody())


def _draft(kind: str, subject: str, at_ms: int, body: EnrolledBody | WithdrawnBody) -> EventDraft:
    return EventDraft(
        kind=kind,
        stream=enrolment_stream(subject),
        subject=subject,
        at_ms=at_ms,
        body=body_bytes(body),
    )


def receipt_for(draft: EventDraft, notice: NoticeDocument) -> Receipt:
    """The receipt of an `enrolled` event; purpose, controller and way out in the notice's words."""
    words = {item.code: item.text for item in notice.items}
    body = enrolled_body(draft.body)
    return Receipt(
        receipt_id=body.receipt_id,
        replaces=body.replaces,
        subject=draft.subject,
        enrolled_at=instant(draft.at_ms),
        notice_version=notice.version,
        notice=ReceiptNotice(
            version=notice.version, language=notice.language, sha256=notice.sha256
        ),
        purpose=words["purpose"],
        controller=words["controller"],
        withdrawal=words["withdrawal"],
    )


def plain_receipt(draft: EventDraft, notice: NoticeDocument) -> bytes:
    """Unsigned: for a ledger without a service around it."""
    return body_bytes(receipt_for(draft, notice))


def view_of(enrolment: Enrolment) -> EnrolmentView:
    at_ms = enrolment.enrolled_at_ms
    return EnrolmentView(
        status=enrolment.status,
        notice_version=enrolment.notice_version,
        enrolled_at=None if at_ms is None else instant(at_ms),
    )


def _random_receipt_id() -> str:
    return uuid.uuid4().hex


class EnrolmentService:
    """`now_ms`: UTC milliseconds. Every method may raise LedgerUnavailable."""

    def __init__(
        self,
        ledger: Ledger,
        marks: MarkWriter,
        now_ms: Callable[[], int],
        notices: Notices | None = None,
        new_receipt_id: Callable[[], str] = _random_receipt_id,
        *,
        make_receipt: Callable[[EventDraft, NoticeDocument], bytes] = plain_receipt,
    ) -> None:
        self._ledger = ledger
        self._marks = marks
        self._now_ms = now_ms
        self._notices = notices or load_notices()
        self._new_receipt_id = new_receipt_id
        self._make_receipt = make_receipt

    def notice(self, language: Language = DEFAULT_LANGUAGE) -> NoticeDocument:
        return self._notices.current(city_day(self._now_ms()), language)

    async def enrol(
        self,
        subject: str,
        *,
        birthdate: dt.date | None,
        notice_version: str,
        idempotency: Idempotency | None = None,
        language: Language = DEFAULT_LANGUAGE,
    ) -> Enrolled:
        """Durable when it returns. An active citizen who accepts a newer notice, in force or
        announced, is enrolled anew. Raises EnrolmentRefused, IdempotencyConflict."""
        request = Repeatable(self._ledger, f"enrolment {subject}", idempotency)

        async def enrolled() -> Enrolled:
            at_ms = self._now_ms()
            today = city_day(at_ms)
            require_may_enrol(
                birthdate,
                notice_version,
                acceptable_versions=self._notices.acceptable_on(today),
                on=today,
            )
            notice = self._notices.document(notice_version, language)
            return await self._store_enrolled(subject, notice, at_ms, request)

        return await request.answer(enrolled, _replayed)

    async def withdraw(self, subject: str) -> Enrolment:
        """Durable and visible to every reader when it returns; asked again, it is confirmed again.
        Raises EnrolmentRefused not_enrolled; MarkPending where it is durable and not yet visible."""
        draft = withdrawn_draft(subject, self._now_ms())
        try:
            enrolment = fold_of(await self._ledger.append(draft, require="active"))
        except ConditionNotMet as refused:
            enrolment = refused.enrolment
            if enrolment.status != "withdrawn":
                raise EnrolmentRefused("not_enrolled") from None
        await self._marks.announce(subject, enrolment)
        return enrolment

    async def status(self, subject: str) -> Enrolment:
        return await self._ledger.enrolment_of(subject)

    async def receipt(self, subject: str) -> bytes | None:
        """Of her last enrolment, the same bytes she was given then; None where there never was
        one."""
        events = await self._ledger.subject_events(subject, kinds=("enrolled",), limit=1)
        if not events:
            return None
        enrolled = enrolled_body(events[0].body)
        language: Language = "en" if enrolled.notice_language == "en" else DEFAULT_LANGUAGE
        notice = self._notices.document(enrolled.notice_version, language)
        return self._make_receipt(_draft_of(events[0]), notice)

    async def _store_enrolled(
        self, subject: str, notice: NoticeDocument, at_ms: int, request: Repeatable
    ) -> Enrolled:
        """The earlier answer where the request is a repetition."""
        seen = NEVER_ENROLLED
        receipt_id = self._new_receipt_id()
        for _ in range(TRIES):
            replaces = await self._receipt_replaced(subject, seen)
            draft = enrolled_draft(subject, notice, receipt_id, at_ms, replaces)
            body = self._make_receipt(draft, notice)
            claim = request.claim(RECEIPT_STATUS, body)
            try:
                if seen.status == "active":
                    stored = await self._ledger.append(draft, unchanged_since=seen.seq, claim=claim)
                else:
                    stored = await self._ledger.append(draft, require="not_active", claim=claim)
            except ConditionNotMet as refused:
                seen = refused.enrolment
                self._require_newer(notice.version, seen)
                continue
            if isinstance(stored, Replayed):
                return _replayed(stored)
            with contextlib.suppress(MarkPending):  # stored is enough; the follower marks it
                await self._marks.announce(subject, fold_of(stored))
            return Enrolled(status=RECEIPT_STATUS, body=body, is_replayed=False)
        raise LedgerUnavailable("overloaded")

    def _require_newer(self, version: str, seen: Enrolment) -> None:
        """Raises EnrolmentRefused already_enrolled: by this version or a later one."""
        accepted = seen.notice_version
        if seen.status == "active" and accepted is not None:
            is_newer = self._notices.knows(accepted) and self._notices.is_earlier(accepted, version)
            if not is_newer:
                raise EnrolmentRefused("already_enrolled")

    async def _receipt_replaced(self, subject: str, seen: Enrolment) -> str | msgspec.UnsetType:
        """Id of the receipt of the enrolment `seen`, where that is active."""
        if seen.status != "active":
            return msgspec.UNSET
        events = await self._ledger.subject_events(
            subject, kinds=("enrolled",), limit=1, before_seq=seen.seq + 1
        )
        return enrolled_body(events[0].body).receipt_id


def _draft_of(event: Event) -> EventDraft:
    return EventDraft(
        kind=event.kind,
        stream=event.stream,
        subject=event.subject,
        at_ms=event.at_ms,
        body=event.body,
    )


def _replayed(answer: Replayed) -> Enrolled:
    return Enrolled(status=answer.status, body=answer.body, is_replayed=True)
