"""The life of a consent: every step from every state, folds, withdrawals."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.consents.handles import HANDLE
from api.consents.machine import (
    GRANTED,
    PAUSED,
    REQUESTED,
    RESUMED,
    REVOKED,
    STEPS,
    WITHDRAWN,
    Consent,
    ConsentBody,
    IllegalStep,
    consent_draft,
    decided,
    folded_consents,
    status_at,
)
from api.consents.protocol import LiveConsent, Owner
from api.consents.terms import Terms, agreed
from api.ledger.protocol import Event
from scoring.contract.snapshot import RecordCorrupt
from tests.consents.consent_parts import CODEC, KEYS, PERSON, REGISTER, asked
from tests.consents.test_consent_terms import TODAY
from tests.ledger.drafts import AT_MS, pseudonym, withdrawn

TERMS: Terms = agreed(asked(), REGISTER, now_ms=AT_MS, today=TODAY)


def event(seq: int, kind: str, consent_id: str = "c1") -> Event:
    if kind == WITHDRAWN:
        draft = withdrawn(1)
    else:
        body = ConsentBody(
            id=consent_id, handle=KEYS.handle_of(TERMS.partner, consent_id), terms=TERMS
        )
        draft = consent_draft(kind, PERSON, body, AT_MS + seq)
    return Event(
        seq=seq,
        kind=draft.kind,
        stream=draft.stream,
        subject=draft.subject,
        at_ms=draft.at_ms,
        body=draft.body,
    )


def after(*kinds: str) -> Consent:
    return folded_consents([event(seq, kind) for seq, kind in enumerate(kinds, 1)])["c1"]


STATES = {
    "awaiting": (REQUESTED,),
    "active": (GRANTED,),
    "paused": (GRANTED, PAUSED),
    "revoked": (GRANTED, REVOKED),
    "rejected": (REQUESTED, "consent_rejected"),
}
TARGETS = ("active", "paused", "rejected", "revoked")
LEGAL = {
    ("awaiting", "active"),
    ("awaiting", "rejected"),
    ("awaiting", "revoked"),
    ("active", "paused"),
    ("active", "revoked"),
    ("paused", "active"),
    ("paused", "revoked"),
}


@pytest.mark.parametrize(("state", "target"), list(itertools.product(STATES, TARGETS)))
def test_a_step_is_stored_confirmed_or_illegal(state: str, target: str) -> None:
    consent = after(*STATES[state])
    assert consent.status == state
    if (state, target) in LEGAL:
        draft = decided(consent, target, by="citizen", now_ms=AT_MS)  # type: ignore[arg-type]
        assert draft is not None
        assert STEPS[draft.kind][1] == target
    elif state == target:
        assert decided(consent, target, by="citizen", now_ms=AT_MS) is None  # type: ignore[arg-type]
    else:
        with pytest.raises(IllegalStep) as refused:
            decided(consent, target, by="citizen", now_ms=AT_MS)  # type: ignore[arg-type]
        assert refused.value.status == state


@pytest.mark.parametrize("state", ["awaiting", "active", "paused"])
def test_from_its_last_moment_on_a_consent_is_expired_and_nothing_moves_it(state: str) -> None:
    consent = after(*STATES[state])
    assert status_at(consent, TERMS.expires_at_ms - 1) == state
    assert status_at(consent, TERMS.expires_at_ms) == "expired"
    for target in TARGETS:
        with pytest.raises(IllegalStep):
            decided(consent, target, by="citizen", now_ms=TERMS.expires_at_ms)  # type: ignore[arg-type]


@pytest.mark.parametrize("state", ["awaiting", "active", "paused"])
def test_leaving_the_score_ends_every_consent(state: str) -> None:
    consent = after(*STATES[state], WITHDRAWN)
    assert (consent.status, consent.changed_by) == ("revoked", "withdrawal")
    assert consent.seq == len(STATES[state]) + 1


def test_an_event_that_lost_a_race_with_a_withdrawal_changes_nothing() -> None:
    consent = after(GRANTED, PAUSED, WITHDRAWN, RESUMED)
    assert (consent.status, consent.seq, consent.stream_seq) == ("revoked", 3, 4)


def test_a_consent_given_after_coming_back_is_not_ended_by_the_earlier_leaving() -> None:
    events = [event(1, GRANTED), event(2, WITHDRAWN), event(3, GRANTED, "c2")]
    statuses = {c.id: c.status for c in folded_consents(events).values()}
    assert statuses == {"c1": "revoked", "c2": "active"}


@given(st.lists(st.sampled_from([*STEPS, WITHDRAWN]), max_size=12))
def test_whatever_is_stored_an_ended_consent_stays_ended(kinds: list[str]) -> None:
    events = [event(1, GRANTED), event(2, REVOKED)]
    events += [event(seq, kind) for seq, kind in enumerate(kinds, 3)]
    assert folded_consents(events)["c1"].status == "revoked"


# handles and entries


def test_no_two_partners_or_consents_share_a_handle() -> None:
    handles = {
        KEYS.handle_of(partner, f"c{number}")
        for partner in ("library", "bus", "bank")
        for number in range(1_000)
    }
    assert len(handles) == 3_000
    assert all(HANDLE.match(handle) for handle in handles)


def test_an_entry_comes_back_as_it_was_written_and_shows_no_pseudonym() -> None:
    consent = after(GRANTED)
    entry = CODEC.encode(consent)
    live = CODEC.decode(consent.handle, entry)
    assert (live.id, live.status, live.owner.subject) == ("c1", "active", PERSON)
    assert (live.partner, live.policy, live.purpose) == ("library", "deposit", "borrow")
    assert (live.seq, live.max_uses_per_day) == (1, 3)
    assert (live.not_before_ms, live.expires_at_ms) == (AT_MS, TERMS.expires_at_ms)
    assert PERSON.encode() not in entry
    assert live.owner.snapshot_subject.encode() not in entry


@pytest.mark.parametrize("number", range(20))
def test_an_entry_under_another_handle_is_corrupt(number: int) -> None:
    entry = CODEC.encode(after(GRANTED))
    with pytest.raises(RecordCorrupt):
        CODEC.decode(KEYS.handle_of("bus", f"other{number}"), entry)


@pytest.mark.parametrize("value", [b"", b"1", b"\xff", b"1,q," + b"," * 7, b"," * 9])
def test_an_entry_that_does_not_parse_is_corrupt(value: bytes) -> None:
    with pytest.raises(RecordCorrupt):
        CODEC.decode("x" * 22, value)


# what a partner is told

LIVE = LiveConsent(
    seq=1,
    id="c1",
    status="active",
    owner=Owner(PERSON, pseudonym(2)),
    partner="library",
    policy="deposit",
    purpose="borrow",
    not_before_ms=1_000,
    expires_at_ms=2_000,
    max_uses_per_day=3,
)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, None),
        ({"now_ms": 999}, "consent_not_active"),
        ({"now_ms": 1_999}, None),
        ({"now_ms": 2_000}, "consent_expired"),
        ({"partner": "bus"}, "consent_foreign"),
        ({"policy": "pay_later"}, "consent_mismatch"),
        ({"purpose": "marketing"}, "consent_mismatch"),
        ({"status": "paused"}, "consent_not_active"),
        ({"status": "awaiting"}, "consent_not_active"),
        ({"status": "revoked"}, "consent_revoked"),
        ({"status": "rejected"}, "consent_revoked"),
        ({"status": "revoked", "partner": "bus"}, "consent_foreign"),
    ],
)
def test_a_consent_allows_its_partner_policy_purpose_and_time_alone(
    changes: dict, code: str | None
) -> None:
    import msgspec

    question = {"partner": "library", "policy": "deposit", "purpose": "borrow", "now_ms": 1_000}
    status = changes.pop("status", "active")
    live = msgspec.structs.replace(LIVE, status=status)
    assert live.refusal(**{**question, **changes}) == code
