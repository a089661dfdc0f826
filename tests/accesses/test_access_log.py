"""One line for each access, stored before the answer, shown to whom it is about and to nobody else."""

import asyncio
import datetime as dt
from pathlib import Path
from typing import Any

import msgspec
import pytest

from api.accesses.log import LedgerAccessLog
from api.accesses.protocol import AccessEvent
from api.accesses.purposes import PURPOSES, purpose_text
from api.ledger.enrolment import city_day
from api.ledger.protocol import LedgerUnavailable
from api.ledger.sqlite import open_ledger
from api.me.news import REMINDER_DAYS
from scoring.benefits.load import load_benefits
from tests.accesses.test_consent_routes import ADDRESS, enrol, grant
from tests.api.city import make_city, subject
from tests.api.service import Service, service_of

WHO = "new"
DAY_MS = 86_400_000


def now_ms() -> int:
    return int(dt.datetime.now(dt.UTC).timestamp() * 1_000)


def line(consent_id: str | None = None, **changes: Any) -> AccessEvent:
    values: dict[str, Any] = {
        "subject": subject(WHO),
        "at_ms": now_ms(),
        "initiator_kind": "partner",
        "initiator": "bus_partner",
        "purpose": "xinyixing_pay_later",
        "legal_basis": "个人信息保护法第十三条",
        "policy": "bus",
        "consent_id": consent_id,
        "decision_id": "d-1",
        "response_digest": "ab" * 32,
        "snapshot": "s1",
    }
    return AccessEvent(**{**values, **changes})


def record(service: Service, access: AccessEvent) -> int:
    return int(service.run(LedgerAccessLog(service.ledger).record(access)))


def accesses(
    service: Service, query: str = "", who: str = WHO, at: float | None = None, **headers: str
) -> Any:
    issued = {} if at is None else {"iat": int(at), "exp": int(at) + 600}
    token = service.signer.token(who, **issued)
    return service.get(f"/v1/me/accesses{query}", token, **headers).json()


def test_a_line_says_who_why_and_on_what_basis_in_a_citizens_words(fresh: Service) -> None:
    seq = record(fresh, line("c1", on_behalf_of="city_hall"))
    (item,) = accesses(fresh)["items"]
    assert seq > 0
    assert item["purpose"].startswith("伙伴询问您能否先乘车后付费")
    assert "分数" in item["purpose"]
    assert item["purpose_code"] == "xinyixing_pay_later"
    assert (item["initiator"], item["initiator_name"]) == ("bus_partner", "伙伴")
    assert (item["on_behalf_of"], item["policy"]) == ("city_hall", "bus")
    assert (item["consent_id"], item["decision_id"]) == ("c1", "d-1")
    assert item["response_digest"] == "ab" * 32
    english = accesses(fresh, accept_language="en")["items"][0]["purpose"]
    assert "ride first" in english


def test_nobody_sees_another_citizens_lines(fresh: Service) -> None:
    record(fresh, line())
    assert accesses(fresh, who="other") == {"items": [], "next_cursor": None}


def test_pages_are_newest_first_and_lose_nothing(fresh: Service) -> None:
    seqs = [record(fresh, line(decision_id=f"d-{n}")) for n in range(7)]
    assert seqs == sorted(seqs)
    found, query = [], "?limit=3"
    while query:
        page = accesses(fresh, query)
        found += [item["decision_id"] for item in page["items"]]
        query = f"?limit=3&cursor={page['next_cursor']}" if page["next_cursor"] else ""
    assert found == [f"d-{n}" for n in reversed(range(7))]


def test_a_period_takes_both_its_days_whole_by_the_citys_clock(fresh: Service) -> None:
    midnight = dt.datetime(2026, 3, 10, tzinfo=dt.timezone(dt.timedelta(hours=8)))
    at = int(midnight.timestamp() * 1_000)
    for name, at_ms in (("before", at - 1), ("first", at), ("last", at + DAY_MS - 1)):
        record(fresh, line(decision_id=name, at_ms=at_ms))
    record(fresh, line(decision_id="after", at_ms=at + DAY_MS))

    def names(query: str) -> list[str]:
        return [item["decision_id"] for item in accesses(fresh, query)["items"]]

    assert names("?since=2026-03-10&until=2026-03-10") == ["last", "first"]
    assert names("?since=2026-03-11") == ["after"]
    assert names("?until=2026-03-09") == ["before"]


@pytest.mark.parametrize(
    "query",
    ["since=today", "since=2026-3-1", "until=20260301", "since=2026-03-02&until=2026-03-01",
     "until=9999-12-31"],
)  # fmt: skip
def test_a_period_that_is_none_is_400(service: Service, query: str) -> None:
    reply = service.get(f"/v1/me/accesses?{query}", service.signer.token("new"))
    assert (reply.status, reply.code) == (400, "invalid_parameter")


def test_a_hidden_line_is_absent_before_its_day_and_there_with_its_reason_on_it(
    tmp_path: Path,
) -> None:
    clock = Clock()
    day = city_day(int(clock.now * 1_000)) + dt.timedelta(days=10)
    with service_of(make_city(), tmp_path, clock=clock) as service:
        record(service, line(decision_id="open"))
        record(service, line(decision_id="secret", hidden_until=day, hidden_reason="刑事诉讼法"))

        def shown() -> list[str]:
            return [item["decision_id"] for item in accesses(service, at=clock.now)["items"]]

        assert shown() == ["open"]
        clock.now += 9 * 86_400
        assert shown() == ["open"]
        clock.now += 86_400
        assert shown() == ["secret", "open"]
        (item, _) = accesses(service, at=clock.now)["items"]
        assert (item["hidden_until"], item["hidden_reason"]) == (day.isoformat(), "刑事诉讼法")


class Clock:
    """Tokens go by the service's clock too, so it moves for them as well."""

    def __init__(self) -> None:
        self.now = dt.datetime.now(dt.UTC).timestamp()

    def __call__(self) -> float:
        return self.now


def test_no_line_holds_a_score_a_name_or_an_answer() -> None:
    members = {field.name for field in msgspec.structs.fields(AccessEvent)}
    assert members == {
        "subject", "at_ms", "initiator_kind", "initiator", "on_behalf_of", "purpose", "legal_basis",
        "policy", "consent_id", "decision_id", "response_digest", "snapshot", "hidden_until",
        "hidden_reason",
    }  # fmt: skip


def test_a_line_that_cannot_be_stored_is_an_error_for_whoever_wants_to_answer(
    tmp_path: Path,
) -> None:
    async def story() -> None:
        ledger = await open_ledger(tmp_path / "ledger.sqlite")
        log = LedgerAccessLog(ledger)
        await ledger.close()
        for access in (line(), line("c1")):
            with pytest.raises(LedgerUnavailable):
                await log.record(access)

    asyncio.run(story())


def test_a_thousand_lines_at_once_are_all_there(tmp_path: Path) -> None:
    async def story() -> None:
        ledger = await open_ledger(tmp_path / "ledger.sqlite")
        log = LedgerAccessLog(ledger)
        seqs = await asyncio.gather(*(log.record(line(f"c{n % 10}")) for n in range(1_000)))
        events = await ledger.events_after(0, kinds=("accessed",), limit=5_000)
        assert sorted(seqs) == [event.seq for event in events]
        told = await ledger.events_after(0, kinds=("consent_first_used",), limit=5_000)
        assert len(told) == 10
        await ledger.close()

    asyncio.run(story())


def test_the_first_use_is_told_once_whatever_the_number_of_workers(tmp_path: Path) -> None:
    async def story() -> None:
        ledgers = [await open_ledger(tmp_path / "ledger.sqlite") for _ in range(2)]
        logs = [LedgerAccessLog(ledger) for ledger in ledgers]
        await asyncio.gather(*(logs[n % 2].record(line("c1")) for n in range(20)))
        await LedgerAccessLog(ledgers[0]).record(line("c1"))  # a worker started later
        told = await ledgers[0].events_after(0, kinds=("consent_first_used",), limit=100)
        assert len(told) == 1
        for ledger in ledgers:
            await ledger.close()

    asyncio.run(story())


# what a citizen is told without asking, and the uses beside her consents


@pytest.fixture
def used(fresh: Service) -> tuple[Service, str, dict[str, Any]]:
    token = enrol(fresh, WHO)
    consent = grant(fresh, token).json()
    for _ in range(3):
        record(fresh, line(consent["id"]))
    return fresh, token, consent


def test_the_first_use_of_a_consent_is_news_and_further_ones_are_not(
    used: tuple[Service, str, dict[str, Any]],
) -> None:
    service, token, consent = used
    (item,) = service.get("/v1/me/events", token).json()["items"]
    assert item["code"] == "consent_first_used"
    assert "伙伴第一次使用了您的同意" in item["text"]
    assert item["link"] == f"{ADDRESS}/{consent['id']}"
    assert service.get("/v1/me/events", service.signer.token("other")).json()["items"] == []


def test_a_consent_shows_how_often_and_when_it_was_last_used(
    used: tuple[Service, str, dict[str, Any]],
) -> None:
    service, token, consent = used
    shown = service.get(f"{ADDRESS}/{consent['id']}", token).json()
    newest = accesses(service)["items"][0]["time"]
    assert (shown["uses"], shown["last_used_at"]) == (3, newest)
    assert service.get(ADDRESS, token).json()["items"][0]["uses"] == 3


def test_a_consent_is_recalled_every_ninety_days_until_it_ends(tmp_path: Path) -> None:
    clock = Clock()
    with service_of(make_city(), tmp_path, clock=clock) as service:
        token = enrol(service, WHO)
        until = dt.datetime.fromtimestamp(clock.now, dt.UTC) + dt.timedelta(days=200)
        consent = grant(service, token, expires_at=until.isoformat()).json()

        def codes() -> list[str]:
            fresh_token = service.signer.token(WHO, iat=int(clock.now), exp=int(clock.now) + 600)
            reply = service.get("/v1/me/events", fresh_token)
            return [item["code"] for item in reply.json()["items"]]

        counts = []
        for days in (REMINDER_DAYS - 1, 1, REMINDER_DAYS, 200):
            clock.now += days * 86_400
            counts.append(codes().count("consent_reminder"))
        assert counts == [0, 1, 2, 2]
        assert consent["status"] == "active"


def test_what_still_waits_for_her_word_is_not_called_in_force(tmp_path: Path) -> None:
    clock = Clock()
    with service_of(make_city(), tmp_path, clock=clock) as service:
        token = enrol(service, WHO)
        until = dt.datetime.fromtimestamp(clock.now, dt.UTC) + dt.timedelta(days=200)
        assert grant(service, token, expires_at=until.isoformat(), status="awaiting").status == 201
        clock.now += (REMINDER_DAYS + 1) * 86_400
        later = service.signer.token(WHO, iat=int(clock.now), exp=int(clock.now) + 600)
        assert service.get("/v1/me/events", later).json()["items"] == []


# words


def test_every_registered_purpose_has_words_of_its_own() -> None:
    assert {purpose.code for purpose in load_benefits().purposes} <= set(PURPOSES)


@pytest.mark.parametrize("code", [*PURPOSES, "never_heard_of"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_words_are_filled_in_and_calm(code: str, language: Any) -> None:
    text = purpose_text(code, who="市图书馆", language=language)
    assert "{" not in text
    assert text.endswith(("。", "."))
    assert not {"失信", "警告", "处罚", "！", "!"} & set(text)
