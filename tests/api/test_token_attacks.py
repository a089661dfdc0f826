"""Tokens that must not work, tried over the whole application: one answer for all of them."""

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.api.service import AUDIENCE, ISSUER, Reply, Service, Signer, encoded

Attack = Callable[[Signer], str]


class In(int):
    """Seconds from the moment the token is made."""


def with_claims(**changes: Any) -> Attack:
    def attack(signer: Signer) -> str:
        now = int(time.time())
        moved = {k: now + v if isinstance(v, In) else v for k, v in changes.items()}
        return signer.token("rich", **moved)

    return attack


def with_header(**changes: Any) -> Attack:
    return lambda signer: signer.sign(signer.claims(), **changes)


def with_payload(payload: bytes) -> Attack:
    head = {"typ": "at+jwt", "alg": "ES256"}
    return lambda signer: signer.sign_raw(json.dumps({**head, "kid": signer.kid}).encode(), payload)


def payload_text(signer: Signer, old: str, new: str) -> str:
    """The right claims with a piece of their JSON text replaced, signed by the right key."""
    text = json.dumps(signer.claims())
    assert old in text
    head = json.dumps({"typ": "at+jwt", "alg": "ES256", "kid": signer.kid})
    return signer.sign_raw(head.encode(), text.replace(old, new, 1).encode())


def header_text(signer: Signer, text: str) -> str:
    return signer.sign_raw(text.encode(), json.dumps(signer.claims()).encode())


def unsigned(algorithm: str) -> Attack:
    def attack(signer: Signer) -> str:
        head = json.dumps({"typ": "at+jwt", "alg": algorithm, "kid": signer.kid})
        return f"{encoded(head.encode())}.{encoded(json.dumps(signer.claims()).encode())}."

    return attack


def signed_with_public_key(signer: Signer) -> str:
    """The public key's PEM taken for an HMAC secret (CVE-2016-10555)."""
    pem = signer.private_key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    import hashlib
    import hmac

    head = {"typ": "at+jwt", "alg": "HS256", "kid": signer.kid}
    text = f"{encoded(json.dumps(head).encode())}.{encoded(json.dumps(signer.claims()).encode())}"
    return f"{text}.{encoded(hmac.digest(pem, text.encode(), hashlib.sha256))}"


def signed_by_rsa(signer: Signer) -> str:
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    headers = {"typ": "at+jwt", "kid": signer.kid}
    return jwt.encode(signer.claims(), key, algorithm="RS256", headers=headers)


def signed_by_stranger(signer: Signer) -> str:
    return Signer(signer.kid).token()


def with_own_jwk(signer: Signer) -> str:
    stranger = Signer(signer.kid)
    return stranger.sign(stranger.claims(), jwk=stranger.jwk())


def der_signature(signer: Signer) -> str:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    text = signer.token().rpartition(".")[0]
    return f"{text}.{encoded(signer.private_key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))}"


def other_last_letter(signer: Signer) -> str:
    """The last letter of a 64-byte signature carries 2 bits no decoder looks at."""
    token = signer.token()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + alphabet[alphabet.index(token[-1]) ^ 1]


def flipped(part: int) -> Attack:
    def attack(signer: Signer) -> str:
        parts = signer.token().split(".")
        data = bytearray(base64.urlsafe_b64decode(parts[part] + "=="))
        data[len(data) // 2] ^= 1
        parts[part] = encoded(bytes(data))
        return ".".join(parts)

    return attack


def utf16(signer: Signer) -> str:
    return with_payload(json.dumps(signer.claims()).encode("utf-16"))(signer)


ATTACKS: dict[str, Attack] = {
    "alg none": unsigned("none"),
    "alg NoNe": unsigned("NoNe"),
    "alg empty": unsigned(""),
    "alg HS256 with the public key": signed_with_public_key,
    "alg RS256 with a foreign key": signed_by_rsa,
    "right alg, foreign key": signed_by_stranger,
    "key inside the header": with_own_jwk,
    "jku": with_header(jku="https://evil.example/keys"),
    "x5u": with_header(x5u="https://evil.example/cert"),
    "x5c": with_header(x5c=["MIIB"]),
    "crit": with_header(crit=["exp"]),
    "b64 false": with_header(b64=False, crit=["b64"]),
    "zip": with_header(zip="DEF"),
    "alg a list": with_header(alg=["ES256"]),
    "alg missing": with_header(alg=...),
    "alg ES384": with_header(alg="ES384"),
    "kid missing": with_header(kid=...),
    "kid unknown": with_header(kid="other"),
    "kid empty": with_header(kid=""),
    "kid a path": with_header(kid="../../dev/null"),
    "kid SQL": with_header(kid="' UNION SELECT 'x"),
    "kid a number": with_header(kid=1),
    "kid null": with_header(kid=None),
    "kid long": with_header(kid="k" * 2_000),
    "typ missing": with_header(typ=...),
    "typ JWT": with_header(typ="JWT"),
    "typ of an ID token": with_header(typ="id_token+jwt"),
    "typ of a logout token": with_header(typ="logout+jwt"),
    "typ a number": with_header(typ=7),
    "header a list": lambda s: header_text(s, "[]"),
    "header no JSON": lambda s: header_text(s, "{"),
    "header with kid twice": lambda s: header_text(
        s, f'{{"typ":"at+jwt","alg":"ES256","kid":"x","kid":"{s.kid}"}}'
    ),
    "header with alg twice": lambda s: header_text(
        s, f'{{"typ":"at+jwt","alg":"none","alg":"ES256","kid":"{s.kid}"}}'
    ),
    "header nested deep": lambda s: header_text(s, '{"a":' * 200 + "1" + "}" * 200),
    "header with a byte order mark": lambda s: header_text(
        s, "\ufeff" + json.dumps({"typ": "at+jwt", "alg": "ES256", "kid": s.kid})
    ),
    "sub twice": lambda s: payload_text(s, '"sub":', '"sub": "another", "sub":'),
    "sub twice, once escaped": lambda s: payload_text(s, '"sub":', '"s\\u0075b": "x", "sub":'),
    "exp twice": lambda s: payload_text(s, '"exp":', '"exp": 1, "exp":'),
    "exp NaN": lambda s: payload_text(s, f'"exp": {s.claims()["exp"]}', '"exp": NaN'),
    "exp Infinity": lambda s: payload_text(s, f'"exp": {s.claims()["exp"]}', '"exp": Infinity'),
    "exp 1e400": lambda s: payload_text(s, f'"exp": {s.claims()["exp"]}', '"exp": 1e400'),
    "lone surrogate in sub": lambda s: payload_text(s, '"sub": "rich', '"sub": "\\ud800rich'),
    "payload UTF-16": utf16,
    "payload invalid UTF-8": with_payload(b'{"sub":"\xff"}'),
    "payload a list": with_payload(b"[]"),
    "payload empty": with_payload(b""),
    "payload null": with_payload(b"null"),
    "expired": with_claims(exp=In(-11), iat=In(-600)),
    "expired long ago": with_claims(exp=1, iat=0),
    "exp as text": with_claims(exp="4102444800"),
    "exp as float": with_claims(exp=4102444800.5),
    "exp as whole float": lambda s: payload_text(
        s, f'"exp": {s.claims()["exp"]}', f'"exp": {s.claims()["exp"]}.0'
    ),
    "exp true": with_claims(exp=True),
    "exp missing": with_claims(exp=...),
    "exp null": with_claims(exp=None),
    "exp negative": with_claims(exp=-1),
    "exp huge": with_claims(exp=1 << 60),
    "exp of 5,000 digits": lambda s: payload_text(
        s, f'"exp": {s.claims()["exp"]}', '"exp": ' + "9" * 2_500
    ),
    "iat ahead": with_claims(iat=In(62)),
    "iat missing": with_claims(iat=...),
    "iat as text": with_claims(iat="1700000000"),
    "iat after exp": with_claims(iat=In(30), exp=In(20)),
    "nbf ahead": with_claims(nbf=In(12)),
    "nbf as text": with_claims(nbf="0"),
    "iss missing": with_claims(iss=...),
    "iss other": with_claims(iss="https://evil.example"),
    "iss longer": with_claims(iss=ISSUER + "/"),
    "iss shorter": with_claims(iss=ISSUER[:-1]),
    "iss in a list": with_claims(iss=[ISSUER]),
    "iss in other case": with_claims(iss=ISSUER.upper()),
    "aud missing": with_claims(aud=...),
    "aud other": with_claims(aud="https://other.example/api"),
    "aud a prefix": with_claims(aud=AUDIENCE[:-1]),
    "aud empty list": with_claims(aud=[]),
    "aud list of others": with_claims(aud=["a", "b"]),
    "aud list with a number": with_claims(aud=[AUDIENCE, 1]),
    "aud object": with_claims(aud={AUDIENCE: 1}),
    "sub missing": with_claims(sub=...),
    "sub empty": with_claims(sub=""),
    "sub blank": with_claims(sub=" "),
    "sub null": with_claims(sub=None),
    "sub number": with_claims(sub=7),
    "sub with line feed": with_claims(sub="rich\n"),
    "sub long": with_claims(sub="s" * 129),
    "sub of a citizen no pseudonym": with_claims(sub="110105-an-id-number"),
    "sub of a citizen too long": with_claims(sub="x" * 23),
    "sub of a citizen with a dot": with_claims(sub="x" * 21 + "."),
    "scope a list": with_claims(scope=["citizen"]),
    "scope with tab": with_claims(scope="citizen\tstaff"),
    "birthdate a number": with_claims(birthdate=19_900_501),
    "signature empty": lambda s: s.token().rpartition(".")[0] + ".",
    "signature cut": lambda s: s.token()[:-4],
    "signature longer": lambda s: s.token() + "AAAA",
    "signature DER": der_signature,
    "signature zero": lambda s: s.token().rpartition(".")[0] + "." + encoded(bytes(64)),
    "signature respelt": other_last_letter,
    "signature flipped": flipped(2),
    "payload flipped": flipped(1),
    "header flipped": flipped(0),
    "padded": lambda s: s.token() + "==",
    "standard alphabet": lambda s: s.token() + "+/",
    "four parts": lambda s: s.token() + ".AAAA",
    "five parts": lambda s: "a.b.c.d.e",
    "two parts": lambda s: s.token().rpartition(".")[0],
    "one part": lambda s: "token",
    "dots": lambda s: "..",
    "a space inside": lambda s: s.token().replace(".", ". ", 1),
    "a line feed at the end": lambda s: s.token() + "\n",
    "JSON serialisation": lambda s: '{"payload":"e30","signatures":[]}',
    "4 KiB": lambda s: s.token("rich", filler="x" * 4_096),
    "1 MiB": lambda s: "a" * 1_048_576,
}


@pytest.fixture(scope="module")
def refusal(service: Service) -> Reply:
    return service.get("/v1/me/score")


def without_trace(reply: Reply) -> dict[str, Any]:
    return {**reply.json(), "trace_id": ""}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_a_bad_token_gets_the_same_answer_as_no_token(
    service: Service, refusal: Reply, attack: Attack
) -> None:
    reply = service.get("/v1/me/score", attack(service.signer))
    assert reply.status == 401
    assert without_trace(reply) == without_trace(refusal)
    assert sorted(reply.headers) == sorted(refusal.headers)
    assert len(reply.body) == len(refusal.body)


@pytest.mark.parametrize(
    "header",
    [
        "{token}",
        "Token {token}",
        "Bearer",
        "Bearer  ",
        "Basic {token}",
        "Bearer {token} x",
        "Bearer, {token}",
    ],
)
def test_only_the_bearer_scheme_counts(service: Service, header: str) -> None:
    value = header.format(token=service.signer.token())
    assert service.get("/v1/me/score", authorization=value).code == "token_refused"


def test_two_authorization_headers_are_refused_outright(service: Service) -> None:
    good = ("authorization", f"Bearer {service.signer.token()}")
    assert service.ask("GET", "/v1/me/score", None, [good, good]).code == "bad_request"


@pytest.mark.parametrize(
    "attack",
    [
        with_claims(exp=In(300), iat=In(9)),
        with_claims(nbf=In(5)),
        with_claims(aud=["https://other.example", AUDIENCE]),
        with_claims(scope="openid citizen"),
        with_claims(birthdate=...),
        with_claims(birthdate="1990"),
        with_header(typ="application/at+jwt"),
        with_header(typ="AT+JWT"),
    ],
    ids=[
        "iat 9 s ahead",
        "nbf in leeway",
        "aud list",
        "more scopes",
        "no birthdate",
        "birth year",
        "long typ",
        "typ case",
    ],
)
def test_a_good_token_in_another_dress_is_accepted(service: Service, attack: Attack) -> None:
    assert service.get("/v1/me/score", attack(service.signer)).status == 200


def test_a_token_within_the_leeway_is_accepted_and_not_longer(service: Service) -> None:
    late = service.signer.token(exp=int(time.time()) - 5, iat=1_700_000_000)
    assert service.get("/v1/me/score", late).status == 200


def test_the_scheme_word_ignores_case(service: Service) -> None:
    token = service.signer.token()
    assert service.get("/v1/me/score", authorization=f"bearer {token}").status == 200


def test_a_right_token_with_the_wrong_scope_is_forbidden_not_unknown(service: Service) -> None:
    reply = service.get("/v1/me/score", service.signer.token(scope="staff"))
    assert (reply.status, reply.code) == (403, "scope_missing")
