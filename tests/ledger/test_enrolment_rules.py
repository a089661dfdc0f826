"""Who may join, what she reads, what she gets, and how she leaves."""

import asyncio
import datetime as dt
import hashlib
import itertools
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from api.ledger.enrolment import (
    EnrolmentRefused,
    EnrolmentService,
    Receipt,
    city_day,
    is_adult,
    view_of,
)
from api.ledger.fold import ENROLMENT_KINDS
from api.ledger.notice import NOTICE_FOLDER, Notices, load_notices
from api.ledger.protocol import Enrolment, IdempotencyConflict, Ledger, MarkPending
from api.ledger.repeated import Idempotency
from tests.ledger.conftest import Implementation
from tests.ledger.drafts import pseudonym

ADULT = dt.date(1990, 5, 17)
PERSON = pseudonym(1)


def at(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).timestamp() * 1000)


class Marks:
    """Remembers what it was told; `is_down`: nobody hears it."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, int]] = []
        self.is_down = False

    async def announce(self, subject: str, enrolment: Enrolment) -> None:
        if self.is_down:
            raise MarkPending
        self.told.append((subject, enrolment.status, enrolment.seq))


class Town:
    """A service whose clock the test sets."""

    def __init__(self, ledger: Ledger, notices: Notices) -> None:
        self.ledger = ledger
        self.marks = Marks()
        self.now = at("2026-11-20T09:30:00+08:00")
        ids = (f"r{n}" for n in itertools.count(1))
        self.service = EnrolmentService(
            ledger, self.marks, lambda: self.now, notices, lambda: next(ids)
        )

    async def join(self, key: str | None = None, asked: bytes = b"asked", version: str = "2026-01"):  # type: ignore[no-untyped-def]
        idempotency = Idempotency(key, asked) if key else None
        return await self.service.enrol(
            PERSON, birthdate=ADULT, notice_version=version, idempotency=idempotency
        )


@pytest.fixture
def in_town(implementation: Implementation, tmp_path: Path) -> Callable[..., None]:
    def tell(story: Callable[[Town], Awaitable[None]], notices: Notices | None = None) -> None:
        async def told(ledger: Ledger) -> None:
            await story(Town(ledger, notices or load_notices()))

        implementation.run(tmp_path, told)

    return tell


@pytest.fixture
def two_notices(tmp_path: Path) -> Notices:
    """The real notice, and one from 2027 on."""
    folder = tmp_path / "notices"
    folder.mkdir()
    text = (NOTICE_FOLDER / "2026-01.toml").read_text("utf-8")
    (folder / "2026-01.toml").write_text(text, "utf-8")
    later = text.replace('version = "2026-01"', 'version = "2027-01"')
    later = later.replace("effective_on = 2026-01-01", "effective_on = 2027-01-01")
    (folder / "2027-01.toml").write_text(later.replace("只有一个目的", "目的只有一个"), "utf-8")
    return load_notices(folder)


@pytest.mark.parametrize(
    ("birthdate", "day", "expected"),
    [
        ("2008-11-20", "2026-11-19", False),
        ("2008-11-20", "2026-11-20", True),
        ("2008-11-20", "2026-11-21", True),
        ("2008-02-29", "2026-02-28", False),
        ("2008-02-29", "2026-03-01", True),
        ("2010-02-28", "2028-02-28", True),
        ("2010-03-01", "2028-02-29", False),
        ("2008-12-31", "2026-12-30", False),
        ("2009-01-01", "2026-12-31", False),
        ("2030-01-01", "2026-11-20", False),
        ("1926-11-20", "2026-11-20", True),
    ],
)
def test_coming_of_age_is_exact_to_the_day(birthdate: str, day: str, expected: bool) -> None:
    assert is_adult(dt.date.fromisoformat(birthdate), dt.date.fromisoformat(day)) is expected


def test_a_day_begins_at_midnight_in_the_city() -> None:
    assert city_day(at("2026-11-19T15:59:59Z")) == dt.date(2026, 11, 19)
    assert city_day(at("2026-11-19T16:00:00Z")) == dt.date(2026, 11, 20)


def test_who_joins_gets_a_receipt_naming_the_very_text_she_read(
    in_town: Callable[..., None],
) -> None:
    async def story(town: Town) -> None:
        joined = await town.join("k")
        receipt = msgspec.json.decode(joined.body, type=Receipt)
        notice = town.service.notice()
        assert (joined.status, joined.is_replayed) == (201, False)
        assert receipt.notice.sha256 == hashlib.sha256(notice.text.encode()).hexdigest()
        assert (receipt.notice_version, receipt.receipt_id) == ("2026-01", "r1")
        assert receipt.subject == PERSON
        assert receipt.enrolled_at == dt.datetime(2026, 11, 20, 1, 30, tzinfo=dt.UTC)
        assert receipt.withdrawal_method == "DELETE /v1/me/enrolment"
        assert joined.body == msgspec.json.encode(msgspec.json.decode(joined.body), order="sorted")
        view = view_of(await town.service.status(PERSON))
        assert (view.status, view.notice_version) == ("active", "2026-01")
        assert view.enrolled_at == receipt.enrolled_at
        assert town.marks.told == [(PERSON, "active", 1)]

    in_town(story)


def test_the_stored_event_holds_no_birth_date_and_nothing_beyond_its_members(
    in_town: Callable[..., None],
) -> None:
    async def story(town: Town) -> None:
        await town.join()
        (event,) = await town.ledger.events_after(0, kinds=ENROLMENT_KINDS, limit=2)
        assert set(msgspec.json.decode(event.body)) == {
            "notice_version",
            "notice_language",
            "notice_sha256",
            "receipt_id",
        }

    in_town(story)


@pytest.mark.parametrize(
    ("birthdate", "version", "code"),
    [
        (ADULT, "2025-12", "notice_outdated"),
        (ADULT, "", "notice_outdated"),
        (dt.date(2008, 11, 21), "2026-01", "under_age"),
        (None, "2026-01", "age_unknown"),
        (dt.date(2008, 11, 21), "2025-12", "notice_outdated"),
    ],
)
def test_who_may_not_join_is_told_why_and_nothing_is_stored(
    in_town: Callable[..., None], birthdate: dt.date | None, version: str, code: str
) -> None:
    async def story(town: Town) -> None:
        with pytest.raises(EnrolmentRefused) as refused:
            await town.service.enrol(PERSON, birthdate=birthdate, notice_version=version)
        assert refused.value.code == code
        assert await town.ledger.position() == 0

    in_town(story)


def test_she_may_join_on_her_birthday_by_the_citys_clock(in_town: Callable[..., None]) -> None:
    async def story(town: Town) -> None:
        async def join() -> object:
            born = dt.date(2008, 11, 20)
            return await town.service.enrol(PERSON, birthdate=born, notice_version="2026-01")

        town.now = at("2026-11-20T00:00:00+08:00") - 1
        with pytest.raises(EnrolmentRefused):
            await join()
        town.now += 1
        await join()

    in_town(story)


def test_joining_twice_is_refused_unless_it_is_the_same_request(
    in_town: Callable[..., None],
) -> None:
    async def story(town: Town) -> None:
        first = await town.join("k")
        again = await town.join("k")
        assert again.is_replayed
        assert (again.status, again.body) == (first.status, first.body)
        with pytest.raises(IdempotencyConflict):
            await town.join("k", asked=b"something else")
        for key in ("k2", None):
            with pytest.raises(EnrolmentRefused) as refused:
                await town.join(key)
            assert refused.value.code == "already_enrolled"

    in_town(story)


def test_many_taps_at_once_join_once(in_town: Callable[..., None]) -> None:
    async def story(town: Town) -> None:
        answers = await asyncio.gather(
            *(town.join(f"k{n}") for n in range(20)), return_exceptions=True
        )
        refused = [a.code for a in answers if isinstance(a, EnrolmentRefused)]
        assert refused == ["already_enrolled"] * 19
        assert await town.ledger.position() == 1

    in_town(story)


def test_a_new_notice_is_accepted_by_joining_again_and_the_old_one_no_longer(
    in_town: Callable[..., None], two_notices: Notices
) -> None:
    async def story(town: Town) -> None:
        await town.join("k")
        town.now = at("2027-01-01T00:00:00+08:00")
        with pytest.raises(EnrolmentRefused) as refused:
            await town.join("k2", version="2026-01")
        assert refused.value.code == "notice_outdated"
        await town.join("k3", version="2027-01")
        assert (await town.service.status(PERSON)).notice_version == "2027-01"
        with pytest.raises(EnrolmentRefused) as refused:
            await town.join("k4", version="2027-01")
        assert refused.value.code == "already_enrolled"

    in_town(story, two_notices)


def test_a_repeated_request_gets_its_answer_also_when_the_notice_has_changed_since(
    in_town: Callable[..., None], two_notices: Notices
) -> None:
    async def story(town: Town) -> None:
        first = await town.join("k")
        town.now = at("2027-01-01T00:00:00+08:00")
        assert (await town.join("k")).body == first.body

    in_town(story, two_notices)


def test_leaving_is_seen_at_once_confirmed_twice_and_open_to_a_return(
    in_town: Callable[..., None],
) -> None:
    async def story(town: Town) -> None:
        await town.join()
        for _ in range(2):
            assert (await town.service.withdraw(PERSON)).status == "withdrawn"
        assert town.marks.told[1:] == [(PERSON, "withdrawn", 2)] * 2
        assert await town.ledger.position() == 2
        assert view_of(await town.service.status(PERSON)).enrolled_at is None
        await town.join()
        assert (await town.service.status(PERSON)).status == "active"

    in_town(story)


def test_who_never_joined_cannot_leave(in_town: Callable[..., None]) -> None:
    async def story(town: Town) -> None:
        with pytest.raises(EnrolmentRefused) as refused:
            await town.service.withdraw(PERSON)
        assert refused.value.code == "not_enrolled"
        assert await town.ledger.position() == 0

    in_town(story)


def test_with_the_store_down_leaving_is_stored_and_honestly_pending_and_joining_is_done(
    in_town: Callable[..., None],
) -> None:
    async def story(town: Town) -> None:
        town.marks.is_down = True
        assert (await town.join()).status == 201
        with pytest.raises(MarkPending):
            await town.service.withdraw(PERSON)
        assert (await town.service.status(PERSON)).status == "withdrawn"
        town.marks.is_down = False
        await town.service.withdraw(PERSON)
        assert town.marks.told == [(PERSON, "withdrawn", 2)]

    in_town(story)
