"""The token endpoint under attack: one answer for every wrong proof, and no token for any."""

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest

from api.partner.client_keys import LOOK_SECONDS, ClientKeys
from api.signing_keys import load_signing_key, make_signing_key
from scoring.contract.snapshot import CLAIMS_KEY
from scoring.store.embedded import EmbeddedStore
from tests.api.service import AUDIENCE, encoded
from tests.partner.town import BANK, BUS, ISSUER, LIBRARY, Town, town_in, write_client_keys
from tests.support.stores import connected, empty

CLIENT = "city-library"
Attack = Callable[[Town], str]


class In(int):
    """Seconds from now."""


def with_claims(**changes: Any) -> Attack:
    def attack(town: Town) -> str:
        now = int(time.time())
        moved = {k: now + v if isinstance(v, In) else v for k, v in changes.items()}
        return town.assertion(LIBRARY, **moved)

    return attack


def with_header(**header: Any) -> Attack:
    return lambda town: town.assertion(LIBRARY, header=header)


def raw(header: bytes, payload: bytes | None = None) -> Attack:
    """Signed by the right key, whatever its text."""

    def attack(town: Town) -> str:
        good = town.assertion(LIBRARY)
        body = payload or base64.urlsafe_b64decode(good.split(".")[1] + "==")
        text = f"{encoded(header)}.{encoded(body)}"
        algorithm = jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA256)
        return f"{text}.{encoded(algorithm.sign(text.encode(), town.keys[LIBRARY].private_key))}"

    return attack


def doubled(member: str) -> Attack:
    def attack(town: Town) -> str:
        payload = base64.urlsafe_b64decode(town.assertion(LIBRARY).split(".")[1] + "==")
        claims = json.loads(payload)
        text = json.dumps(claims)[:-1] + f',"{member}":{json.dumps(claims[member])}}}'
        return raw(b'{"alg":"ES256"}', text.encode())(town)

    return attack


def unsigned(town: Town) -> str:
    _, payload, _ = town.assertion(LIBRARY).split(".")
    none = encoded(b'{"alg":"none"}')
    return f"{none}.{payload}."


def by_public_key(town: Town) -> str:
    key = town.keys[LIBRARY].private_key.public_key()
    secret = json.dumps(jwt.algorithms.ECAlgorithm.to_jwk(key, as_dict=True))
    claims = json.loads(base64.urlsafe_b64decode(town.assertion(LIBRARY).split(".")[1] + "=="))
    import hashlib
    import hmac

    text = (
        f"{encoded(json.dumps({'alg': 'HS256'}).encode())}.{encoded(json.dumps(claims).encode())}"
    )
    return f"{text}.{encoded(hmac.digest(secret.encode(), text.encode(), hashlib.sha256))}"


ATTACKS: dict[str, Attack] = {
    "another's key": lambda town: town.assertion(LIBRARY, key=town.keys[BUS]),
    "a stranger's key": lambda town: town.assertion(LIBRARY, key=make_signing_key()),
    "a stranger's key under the right kid": lambda town: town.assertion(
        LIBRARY, key=make_signing_key(), header={"kid": town.keys[LIBRARY].kid}
    ),
    "unknown client": with_claims(iss="nobody", sub="nobody"),
    "sub of another client": with_claims(sub="city-bus"),
    "iss of another client": with_claims(iss="city-bus", sub="city-bus"),
    "no iss": with_claims(iss=...),
    "no sub": with_claims(sub=...),
    "aud of the resource": with_claims(aud=AUDIENCE),
    "aud of the endpoint": with_claims(aud=f"{ISSUER}/oauth/token"),
    "aud with a slash": with_claims(aud=ISSUER + "/"),
    "two audiences": with_claims(aud=[ISSUER, "https://other.example"]),
    "no aud": with_claims(aud=...),
    "empty aud": with_claims(aud=[]),
    "no jti": with_claims(jti=...),
    "short jti": with_claims(jti="1"),
    "jti a number": with_claims(jti=12_345_678),
    "long jti": with_claims(jti="x" * 129),
    "no exp": with_claims(exp=...),
    "no iat": with_claims(iat=...),
    "exp a text": with_claims(exp="9999999999"),
    "exp a fraction": with_claims(exp=time.time() + 60.5),
    "expired": with_claims(iat=In(-200), exp=In(-11)),
    "good for six minutes": with_claims(exp=In(361)),
    "issued in a minute": with_claims(iat=In(61), exp=In(120)),
    "not before a minute": with_claims(nbf=In(61)),
    "exp before iat": with_claims(iat=In(5), exp=In(4)),
    "a token's typ": with_header(typ="at+jwt"),
    "typ a number": with_header(typ=1),
    "jku": with_header(jku="https://evil.example/jwks.json"),
    "x5u": with_header(x5u="https://evil.example/cert"),
    "jwk": with_header(jwk={"kty": "EC"}),
    "crit": with_header(crit=["exp"]),
    "kid of a path": with_header(kid="../../keys/city_bus.jwks.json"),
    "kid a number": raw(b'{"alg":"ES256","kid":1}'),
    "kid empty": with_header(kid=""),
    "kid of another partner": lambda town: town.assertion(
        LIBRARY, header={"kid": town.keys[BUS].kid}
    ),
    "two alg": raw(b'{"alg":"ES256","alg":"ES256"}'),
    "alg none": unsigned,
    "alg HS256 with the public key": by_public_key,
    "alg RS256": raw(b'{"alg":"RS256"}'),
    "two iss": doubled("iss"),
    "two aud": doubled("aud"),
    "two jti": doubled("jti"),
    "utf-16": raw('{"alg":"ES256"}'.encode("utf-16")),
    "deep": raw(b'{"alg":"ES256","a":' + b"[" * 900 + b"]" * 900 + b"}"),
    "no object": raw(b'{"alg":"ES256"}', b"[]"),
    "one part": lambda _: "abc",
    "five parts": lambda town: town.assertion(LIBRARY) + ".a.b",
    "padded": lambda town: town.assertion(LIBRARY) + "=",
    "our own access token": lambda town: town.token(LIBRARY),
    "a citizen's token": lambda town: town.service.signer.token(),
}


@pytest.fixture
def town(tmp_path: Path, store: EmbeddedStore) -> Any:
    """A new one each: wrong proofs are counted, and would stop the test's own address."""
    empty(store)
    with town_in(tmp_path, store, people=1) as running:
        yield running


def test_a_right_assertion_gets_a_token_for_ten_minutes(town: Town) -> None:
    reply = town.ask_token(town.assertion())
    body = reply.json()
    assert (reply.status, body["token_type"], body["expires_in"]) == (200, "Bearer", 600)
    assert "no-store" in reply.headers["cache-control"]
    header = jwt.get_unverified_header(body["access_token"])
    assert (header["typ"], header["alg"]) == ("at+jwt", "ES256")
    keys = town.service.get("/.well-known/jwks.json").json()["keys"]
    assert header["kid"] in {key["kid"] for key in keys}
    assert all("d" not in key for key in keys)
    claims = jwt.decode(
        body["access_token"], jwt.PyJWK(keys[0]).key, algorithms=["ES256"], audience=AUDIENCE
    )
    assert (claims["iss"], claims["sub"], claims["client_id"]) == (ISSUER, CLIENT, CLIENT)
    assert claims["exp"] - claims["iat"] == 600
    assert claims["jti"]


@pytest.mark.parametrize("dress", ["client-authentication+jwt", "JWT", "jwt", ...])
def test_the_kinds_libraries_write_are_accepted(town: Town, dress: Any) -> None:
    assert town.ask_token(town.assertion(header={"typ": dress})).status == 200
    assert town.ask_token(town.assertion(header={"typ": dress, "kid": ...})).status == 200


def test_clocks_may_differ_by_ten_seconds(town: Town, store: EmbeddedStore) -> None:
    remember_since(store, 0)
    now = int(time.time())
    for iat, exp in ((now + 9, now + 60), (now - 100, now - 8)):
        assert town.ask_token(town.assertion(iat=iat, exp=exp)).status == 200


def test_no_attack_gets_a_token_and_all_get_the_same_answer(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.partner.attempts.MOST_OF_PAIR", 10**6)
    monkeypatch.setattr("api.partner.attempts.MOST_OF_SOURCE", 10**6)
    monkeypatch.setattr("api.partner.attempts.MOST_OF_CLIENT", 10**6)
    answers: dict[str, list[str]] = {}
    for name, attack in ATTACKS.items():
        reply = town.ask_token(attack(town))
        body = reply.json()
        body.pop("trace_id")
        challenge = reply.headers["www-authenticate"]
        answers.setdefault(f"{reply.status} {challenge} {json.dumps(body)}", []).append(name)
    assert len(answers) == 1, answers.values()
    (answer,) = answers
    assert answer.startswith('401 Bearer realm="chengxin"')
    assert '"error": "invalid_client"' in answer


def test_an_assertion_is_good_once(town: Town) -> None:
    assertion = town.assertion()
    assert [town.ask_token(assertion).status for _ in range(3)] == [200, 401, 401]


def test_what_was_issued_before_the_store_lost_its_memory_is_refused(
    town: Town, store: EmbeddedStore
) -> None:
    """It may have been used then, and nobody would know."""
    now = int(time.time())
    remember_since(store, now - 5)
    assert town.ask_token(town.assertion(iat=now - 6, exp=now + 60)).status == 401
    assert town.ask_token(town.assertion(iat=now, exp=now + 60)).status == 200


def remember_since(store: EmbeddedStore, seconds: int) -> None:
    with connected(store) as connection:
        connection.call("SET", CLAIMS_KEY, str(seconds))


def test_of_two_clients_the_same_jti_is_two(town: Town) -> None:
    jti = "the-same-for-both"
    assert town.ask_token(town.assertion(LIBRARY, jti=jti)).status == 200
    assert town.ask_token(town.assertion(BUS, jti=jti)).status == 200


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"client_assertion": ""}, 400, "invalid_request"),
        ({"client_assertion_type": "other"}, 401, "invalid_client"),
        ({"scope": "eligibility citizen"}, 400, "invalid_scope"),
        ({"scope": "citizen"}, 400, "invalid_scope"),
        ({"client_id": "city-bus"}, 401, "invalid_client"),
    ],
)
def test_a_wrong_request_is_told_in_the_standards_words(
    town: Town, changes: dict[str, str], status: int, error: str
) -> None:
    reply = town.ask_token(town.assertion(), **changes)
    assert (reply.status, reply.json()["error"]) == (status, error)


@pytest.mark.parametrize(
    "body", [b"grant_type=a&grant_type=b", b"\xff=\xff", b"a=%ff", b"=&" * 40, b"%00=1", b"x"]
)
def test_a_form_that_is_none_is_400(town: Town, body: bytes) -> None:
    reply = town.post_form(body)
    assert (reply.status, reply.json()["error"]) == (400, "invalid_request")


def test_only_a_form_is_taken(town: Town) -> None:
    for kind in ("application/json", "text/plain", "multipart/form-data", ""):
        reply = town.post_form(b"grant_type=client_credentials", **{"content-type": kind})
        assert reply.status == 415
    assert town.post_form(b"a=" + b"x" * 70_000).status == 413


def test_a_narrower_scope_is_kept(town: Town) -> None:
    token = town.token(scope="consents")
    refused = town.ask("A" * 22, token)
    assert (refused.status, refused.code) == (403, "scope_missing")
    assert town.service.get(f"/v1/partner/consents/{'A' * 22}", token).status == 404


def test_two_keys_are_valid_while_one_replaces_the_other(tmp_path: Path) -> None:
    clock = [0.0]
    keys = ClientKeys(tmp_path, monotonic=lambda: clock[0])
    old, new, third = (make_signing_key() for _ in range(3))

    def known(*written: Any) -> set[str]:
        write_client_keys(tmp_path, LIBRARY, *written)
        clock[0] += LOOK_SECONDS
        return set(keys.of(LIBRARY))

    assert known(old) == {old.kid}
    assert known(old, new) == {old.kid, new.kid}
    assert known(new) == {new.kid}
    assert known(old, new, third) == set()  # a third key is a mistake, and no key is trusted
    (tmp_path / "partners" / f"{LIBRARY}.jwks.json").unlink()
    clock[0] += LOOK_SECONDS
    assert keys.of(LIBRARY) == {}


def test_a_source_that_guesses_is_slowed_and_the_right_client_elsewhere_is_not(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = [town.ask_token(town.assertion(key=town.keys[BUS])) for _ in range(14)]
    assert [reply.status for reply in wrong[:10]] == [401] * 10
    many = town.ask_token(town.assertion(key=town.keys[BUS]), client_id=CLIENT)
    for _ in range(45):
        many = town.ask_token(town.assertion(key=town.keys[BUS]))
    assert (many.status, many.code) == (429, "too_many_attempts")
    assert 1 <= int(many.headers["retry-after"]) <= 60
    spoofed = town.post_form(b"x=1", **{"x-forwarded-for": "203.0.113.9", "forwarded": "for=x"})
    assert spoofed.status in (400, 429)
    elsewhere = _from_elsewhere(town, town.assertion())
    assert elsewhere == 200


def _from_elsewhere(town: Town, assertion: str) -> int:
    """The same request over a connection from another address."""
    app = town.service.app

    async def moved(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "client": ("192.0.2.7", 1)}, receive, send)

    town.service.app = moved  # type: ignore[assignment]
    try:
        return town.ask_token(assertion).status
    finally:
        town.service.app = app


def test_forwarded_addresses_count_only_from_a_proxy_of_ours() -> None:
    from api.answers import Call
    from api.partner.wiring import source_of

    def source(proxies: set[str], forwarded: bytes) -> str:
        call = Call({"client": ("127.0.0.1", 1), "headers": []})
        call.headers = {b"x-forwarded-for": forwarded}
        return source_of(frozenset(proxies))(call)

    assert source(set(), b"203.0.113.9") == "127.0.0.1"
    assert source({"127.0.0.1"}, b"203.0.113.9, 198.51.100.2") == "198.51.100.2"
    assert source({"127.0.0.1"}, b"") == "127.0.0.1"
    assert source({"10.0.0.1"}, b"203.0.113.9") == "127.0.0.1"


def test_tokens_of_one_kind_open_only_their_own_routes(town: Town) -> None:
    """Six kinds of tokens against both sorts of routes: only the diagonal is let in."""
    forged = jwt.encode(
        {**town.service.signer.claims(scope="citizen eligibility consents")},
        town.service.signer.private_key,
        algorithm="ES256",
        headers={"typ": "at+jwt", "kid": town.service.signer.kid},
    )
    own = load_signing_key(town.folder / "api_signing.pem")
    now = int(time.time())
    base = {"aud": AUDIENCE, "iat": now, "exp": now + 60, "jti": "x" * 16, "client_id": CLIENT}

    def by_us(**changes: Any) -> str:
        claims = {**base, "iss": ISSUER, "sub": CLIENT, "scope": "eligibility", **changes}
        headers = {"typ": "at+jwt", "kid": own.kid}
        return jwt.encode(claims, own.private_key, algorithm="ES256", headers=headers)

    tokens = {
        "citizen": (town.service.signer.token(), {"citizen"}),
        "citizen with a partner's scopes": (forged, {"citizen"}),
        "partner": (town.token(), {"partner"}),
        "ours with a citizen's scope": (by_us(scope="citizen eligibility"), set()),
        "ours in the city's name": (by_us(iss="https://identity.chengxin.example"), set()),
        "ours for nobody": (by_us(sub="nobody", client_id="nobody"), set()),
        "ours for two": (by_us(client_id="city-bus"), set()),
        "ours without jti": (by_us(jti=""), set()),
        "the city's in our name": (
            town.service.signer.sign(
                {**base, "iss": ISSUER, "sub": CLIENT, "scope": "eligibility"}
            ),
            set(),
        ),
        "assertion": (town.assertion(), set()),
    }
    for name, (token, opens) in tokens.items():
        citizen = town.service.get("/v1/me/enrolment", token).status
        partner = town.ask("A" * 22, token).code
        let_in = {"citizen"} if citizen == 200 else set()
        let_in |= {"partner"} if partner == "consent_revoked" else set()
        assert let_in == opens, name
        assert citizen in (200, 401, 403)
        assert partner in ("consent_revoked", "token_refused", "scope_missing")


def test_known_and_unknown_clients_take_one_signature_each(town: Town) -> None:
    """Equal work, counted where it costs: in verifications."""
    import api.partner.assertion as room

    counted: list[int] = []
    real = room._signs
    for claims in ({"iss": "nobody", "sub": "nobody"}, {"jti": "x"}, {}):
        for header in ({}, {"kid": ...}, {"kid": "unknown"}):
            seen = []

            def counting(*args: Any, seen: list[int] = seen) -> bool:
                seen.append(1)
                return real(*args)

            room._signs = counting
            try:
                key = town.keys[BANK]
                town.ask_token(town.assertion(LIBRARY, key=key, header=header, **claims))
            finally:
                room._signs = real
            counted.append(len(seen))
    assert counted == [1, 2, 1] * 3
