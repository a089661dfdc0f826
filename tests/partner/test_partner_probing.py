"""A partner that tries handles learns nothing, and the credit office hears of it."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from api.partner import probing
from api.partner.probing import ALARMED, AlarmBody, alarming, most_refusals
from scoring.store.embedded import EmbeddedStore
from tests.partner.town import BUS, LIBRARY, Town, question, subject_of, town_in


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    for name, value in (("LEAST_ALARMING", 10), ("LEAST_REFUSALS", 20)):
        monkeypatch.setattr(probing, name, value)
    for share in ("ALARMING_SHARE", "REFUSED_SHARE"):
        monkeypatch.setattr(probing, share, 10**9)
    with EmbeddedStore(tmp_path / "store") as store, town_in(tmp_path, store, people=2) as running:
        yield running


def handles(count: int) -> list[str]:
    return [secrets.token_urlsafe(16) for _ in range(count)]


def alarms(town: Town) -> list[AlarmBody]:
    events = town.service.run(town.service.ledger.stream_events(f"partner:{LIBRARY}"))
    return [msgspec.json.decode(e.body, type=AlarmBody) for e in events if e.kind == ALARMED]


def test_from_the_limit_on_every_refusal_is_the_same_429(town: Town) -> None:
    (foreign,) = town.consents([subject_of("over")], BUS)
    (own,) = town.consents([subject_of("over")])
    token = town.token()
    first = [town.ask(handle, token) for handle in handles(20)]
    assert {reply.code for reply in first} == {"consent_revoked"}
    later = [town.ask(handle, token) for handle in (*handles(3), foreign, "-")]
    later.append(town.ask(own, token, policy="xinyixing_ride_later"))
    later.append(town.ask(own, token, policy="no_such_policy"))
    later.append(town.ask(own, token, purpose="lending"))
    assert {(reply.status, reply.code) for reply in later} == {(429, "rate_limited")}
    assert {1 <= int(reply.headers["retry-after"]) <= 600 for reply in later} == {True}


def test_whoever_consented_is_answered_although_her_partner_probes(town: Town) -> None:
    (own,) = town.consents([subject_of("over")])
    token = town.token()
    for handle in handles(30):
        town.ask(handle, token)
    reply = town.ask(own, token)
    assert (reply.status, reply.json()["eligible"]) == (200, True)


def test_another_partner_notices_nothing(town: Town) -> None:
    token = town.token()
    for handle in handles(30):
        town.ask(handle, token)
    assert town.ask("A" * 22, town.token(BUS), BUS).code == "consent_revoked"


def test_the_office_is_told_once_a_window_and_without_anybody_s_data(town: Town) -> None:
    tried = handles(40)
    token = town.token()
    for handle in tried:
        town.ask(handle, token)
    (alarm,) = alarms(town)
    assert (alarm.partner, alarm.refusals, alarm.window_seconds) == (LIBRARY, 10, 600)
    events = town.service.run(town.service.ledger.stream_events(f"partner:{LIBRARY}"))
    assert not [handle for handle in tried if handle.encode() in events[0].body]
    measured = town.service.get("/metrics").body.decode()
    assert "chengxin_partner_alarms_total{" in measured
    figures = dict(line.rsplit(" ", 1) for line in measured.splitlines() if "partner_" in line)
    found = {name.partition("{")[0]: value for name, value in figures.items()}
    assert found["chengxin_partner_alarms_total"] == "1"
    assert found["chengxin_partner_refusals_total"] == "40"


def test_a_batch_of_guesses_counts_each_of_them(town: Town) -> None:
    items = [question(handle) for handle in handles(60)]
    reply = town.service.post("/v1/eligibility/batch", {"items": items}, town.token())
    codes = [item["code"] for item in reply.json()["items"]]
    assert codes.count("consent_revoked") == 20
    assert codes.count("rate_limited") == 40
    assert len(alarms(town)) == 1


def test_what_is_usual_depends_on_how_much_a_partner_asks(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    found = [(alarming(who), most_refusals(who)) for who in town.partners.values()]
    assert (alarming(town.partners[BUS]), most_refusals(town.partners[BUS])) == (90_000, 1_800_000)
    assert min(found) >= (300, 1_000)
