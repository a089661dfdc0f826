"""A partner says that data of ended consents is deleted, or may hold no new consent."""

import asyncio
import datetime as dt
import secrets
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.consents.attesting import GRACE_DAYS
from api.consents.machine import GRANTED, REVOKED, ConsentBody, consent_draft
from api.ledger.enrolment import city_day, withdrawn_draft
from api.ledger.protocol import EventDraft
from scoring.contract.snapshot import CONSENTS_KEY, MARKS_KEY, ends_key
from scoring.store.embedded import EmbeddedStore
from tests.api.service import Reply
from tests.partner.town import BUS, LIBRARY, POLICY_OF, Town, subject_of, terms_of, town_in
from tests.support.waiting import LONG_SECONDS

DAY_MS = 86_400_000
WHO = subject_of("over")


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with EmbeddedStore(tmp_path / "store") as store, town_in(tmp_path, store, people=2) as running:
        running.enrol(WHO)
        yield running


def days_ago(days: int) -> int:
    """UTC milliseconds: noon of a day of the city."""
    day = city_day(int(time.time() * 1_000)) - dt.timedelta(days=days)
    return int(dt.datetime.combine(day, dt.time(4), dt.UTC).timestamp() * 1_000)


def day_of(days: int) -> str:
    return city_day(days_ago(days)).isoformat()


def consent_of(
    expires_ago: int, *, partner: str = LIBRARY, revoked_ago: int | None = None, who: str = WHO
) -> list[EventDraft]:
    """Its events: granted long ago, and over in one way or the other."""
    start = days_ago(200)
    terms = terms_of(
        POLICY_OF[partner], start, not_before_ms=start, expires_at_ms=days_ago(expires_ago)
    )
    body = ConsentBody(id=uuid.uuid4().hex, handle=secrets.token_urlsafe(16), terms=terms)
    drafts = [consent_draft(GRANTED, who, body, start)]
    if revoked_ago is not None:
        drafts.append(consent_draft(REVOKED, who, body, days_ago(revoked_ago)))
    return drafts


def store(town: Town, *drafts: EventDraft) -> None:
    """Until the worker's projection has seen them."""
    service = town.service
    service.run(service.ledger.append_many(drafts))
    (later,) = town.consents([subject_of("under")], BUS)
    assert later


def grant(town: Town, partner: str = LIBRARY) -> Reply:
    benefit = POLICY_OF[partner]
    body = {
        "partner": partner,
        "policy": benefit.id,
        "purpose": benefit.purpose,
        "expires_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 9e5)),
    }
    return town.service.post("/v1/me/consents", body, town.service.signer.token(sub=WHO))


def attest(town: Town, ended_until: str, **headers: str) -> Reply:
    body = {"ended_until": ended_until}
    return town.service.post("/v1/partner/attestations", body, town.token(), **headers)


def standing(town: Town, partner: str = LIBRARY) -> dict[str, Any]:
    staff = town.service.signer.token(sub="officer", scope="staff:officer", birthdate=...)
    reply = town.service.get("/v1/admin/partners", staff)
    assert reply.status == 200, reply.body
    return next(item for item in reply.json()["items"] if item["id"] == partner)


def test_on_the_day_before_nothing_is_late(town: Town) -> None:
    store(town, *consent_of(GRACE_DAYS - 1))
    found = standing(town)
    assert (found["is_flagged"], found["overdue_since"]) == (False, None)
    assert grant(town).status == 201


def test_on_the_day_the_partner_is_flagged_and_gets_no_new_consent(town: Town) -> None:
    store(town, *consent_of(GRACE_DAYS))
    found = standing(town)
    assert (found["is_flagged"], found["overdue_since"]) == (True, day_of(GRACE_DAYS))
    refused = grant(town)
    assert (refused.status, refused.code) == (409, "attestation_overdue")
    assert standing(town, BUS)["is_flagged"] is False
    assert grant(town, BUS).status == 201


def test_an_attestation_of_that_day_opens_the_way_again(town: Town) -> None:
    store(town, *consent_of(GRACE_DAYS))
    told = attest(town, day_of(GRACE_DAYS))
    assert told.status == 201
    assert told.json()["partner"] == LIBRARY
    found = standing(town)
    assert (found["is_flagged"], found["attested_until"]) == (False, day_of(GRACE_DAYS))
    assert found["attested_at"] == told.json()["attested_at"]
    assert grant(town).status == 201


def test_an_attestation_of_the_day_before_does_not(town: Town) -> None:
    store(town, *consent_of(GRACE_DAYS))
    assert attest(town, day_of(GRACE_DAYS + 1)).status == 201
    assert standing(town)["is_flagged"] is True
    assert grant(town).status == 409


def test_an_earlier_attestation_later_takes_nothing_back(town: Town) -> None:
    store(town, *consent_of(GRACE_DAYS))
    attest(town, day_of(GRACE_DAYS))
    attest(town, day_of(GRACE_DAYS + 50))
    assert standing(town)["is_flagged"] is False


@pytest.mark.parametrize("is_left", [False, True], ids=["revoked", "left"])
def test_what_ended_early_counts_from_its_end_and_not_from_its_expiry(
    town: Town, is_left: bool
) -> None:
    """Ended 40 days ago, granted until 35 days ago: one attestation of the end is enough."""
    who = subject_of("over", 1)
    if is_left:
        town.enrol(who)
        left = withdrawn_draft(who, days_ago(40))
        store(town, *consent_of(35, who=who), left)
    else:
        store(town, *consent_of(35, revoked_ago=40))
    assert standing(town)["overdue_since"] == day_of(40)
    attest(town, day_of(40))
    assert standing(town)["is_flagged"] is False


def test_only_what_is_over_can_be_attested(town: Town) -> None:
    assert attest(town, day_of(0)).status == 201
    refused = attest(town, day_of(-1))
    assert (refused.status, refused.code) == (422, "attestation_in_future")
    for body in ({}, {"ended_until": "soon"}, {"ended_until": day_of(1), "partner": BUS}):
        reply = town.service.post("/v1/partner/attestations", body, town.token())
        assert (reply.status, reply.code) == (400, "invalid_body")


def test_a_repeated_attestation_is_one_event(town: Town) -> None:
    replies = [attest(town, day_of(3), idempotency_key="once") for _ in range(3)]
    assert len({reply.body for reply in replies}) == 1
    events = town.service.run(town.service.ledger.stream_events(f"partner:{LIBRARY}"))
    assert [event.kind for event in events] == ["deletion_attested"]
    assert attest(town, day_of(4), idempotency_key="once").code == "idempotency_conflict"


def test_it_holds_after_the_store_has_lost_everything(town: Town) -> None:
    store(town, *consent_of(GRACE_DAYS))
    town.service.run(_lost_and_replayed(town))
    assert standing(town)["is_flagged"] is True


async def _lost_and_replayed(town: Town) -> None:
    reader = town.reader
    lost = (ends_key(LIBRARY), CONSENTS_KEY, MARKS_KEY)
    await asyncio.gather(*(reader.let_go(key) for key in lost))
    async with asyncio.timeout(LONG_SECONDS):
        while not (reader.is_serving and await reader.peek(MARKS_KEY)):  # noqa: ASYNC110 the reader's
            await asyncio.sleep(0.02)


def test_citizens_and_partners_do_not_see_the_list(town: Town) -> None:
    for token in (town.token(), town.service.signer.token(sub=WHO)):
        assert town.service.get("/v1/admin/partners", token).status == 403
