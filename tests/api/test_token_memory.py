"""Verified tokens are remembered: for a minute, in bounded number, never past their end."""

import pytest

from api.keys import key_set_of
from api.tokens import TokenRefused, TokenVerifier
from tests.api.service import AUDIENCE, ISSUER, Signer


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Counted:
    """Stands where a token is turned into a principal: called once a verification."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, subject: str) -> str:
        self.times += 1
        return subject[::-1]


def verifier_with(clock: Clock, entries: int = 10) -> tuple[TokenVerifier, Signer, Counted]:
    import json

    signer, counted = Signer(), Counted()
    verifier = TokenVerifier(
        issuer=ISSUER,
        audience=AUDIENCE,
        leeway_seconds=10,
        cache_entries=entries,
        snapshot_subject_of=counted,
        clock=clock,
    )
    verifier.use(key_set_of(json.dumps({"keys": [signer.jwk()]}).encode()))
    return verifier, signer, counted


def bearer(signer: Signer, clock: Clock, life: int = 600, **claims: object) -> bytes:
    now = int(clock.now)
    return f"Bearer {signer.token(iat=now, exp=now + life, **claims)}".encode()


def test_a_token_is_verified_once_a_minute() -> None:
    clock = Clock()
    verifier, signer, counted = verifier_with(clock)
    token = bearer(signer, clock)
    for second in range(130):
        clock.now = 1_800_000_000.0 + second
        assert (
            verifier.principal_of(token).snapshot_subject
            == verifier.principal_of(token).subject[::-1]
        )
    assert counted.times == 3


def test_a_remembered_token_ends_with_its_life_and_leeway() -> None:
    clock = Clock()
    verifier, signer, _ = verifier_with(clock)
    token = bearer(signer, clock, life=30)
    verifier.principal_of(token)
    clock.now += 39
    verifier.principal_of(token)
    clock.now += 1
    with pytest.raises(TokenRefused):
        verifier.principal_of(token)


def test_memory_is_bounded_and_the_oldest_goes_first() -> None:
    clock = Clock()
    verifier, signer, counted = verifier_with(clock, entries=3)
    tokens = [bearer(signer, clock, jti=str(n)) for n in range(5)]
    for token in tokens:
        verifier.principal_of(token)
    assert verifier.remembered == 3
    verifier.principal_of(tokens[-1])
    assert counted.times == 5
    verifier.principal_of(tokens[0])
    assert counted.times == 6


def test_without_memory_every_request_is_verified() -> None:
    clock = Clock()
    verifier, signer, counted = verifier_with(clock, entries=0)
    token = bearer(signer, clock)
    verifier.principal_of(token)
    verifier.principal_of(token)
    assert (counted.times, verifier.remembered) == (2, 0)


def test_a_refused_token_is_not_remembered() -> None:
    clock = Clock()
    verifier, signer, _ = verifier_with(clock)
    with pytest.raises(TokenRefused):
        verifier.principal_of(bearer(signer, clock, aud="other"))
    assert verifier.remembered == 0
