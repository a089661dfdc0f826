"""Project Wycheproof's JWS vectors through the signature part of our verifier."""

import json
from pathlib import Path
from typing import Any

import jwt
import pytest

from api.keys import (
    ALGORITHMS,
    KeySet,
    KeysRefused,
    VerificationKey,
    key_set_of,
    verification_key_of,
)
from api.tokens import TokenRefused, verified_part

VECTORS = Path(__file__).parents[3] / "shared" / "vectors" / "json_web_signature_test.json"

# Vectors whose verdict we do not share, and why: these say "valid" and are refused,
STRICTER = {
    346: "the JWK is for PS256, the token says PS384: a key has one algorithm",
    350: "the JWK is for PS256, the token says PS384: a key has one algorithm",
    347: "the JWK names the algorithm ES521, which does not exist",
    351: "the JWK names the algorithm ES521, which does not exist",
    372: "its header holds a character outside base64url (RFC 7515 2, RFC 8725 bis)",
    373: "its payload holds a character outside base64url (RFC 7515 2, RFC 8725 bis)",
}

# and these say "invalid", although they are the same text as number 357, which is "valid": the
# padding they mean to show was lost from the file.
REPEATED = {367: 357, 370: 357}


def groups() -> list[dict[str, Any]]:
    if not VECTORS.exists():
        return []
    found: list[dict[str, Any]] = json.loads(VECTORS.read_text("utf-8"))["testGroups"]
    return found


def keys_of(group: dict[str, Any]) -> KeySet:
    """HMAC and the larger curves and hashes are no algorithms of ours; they are let in here so
    that every vector meets the same code. A key we cannot load verifies nothing."""
    jwk = group.get("public") or group["private"]
    known = ALGORITHMS | {"HS256", "RS384", "RS512", "PS384", "PS512", "ES512"}
    try:
        if jwk["kty"] == "oct":
            return {jwk["kid"]: VerificationKey(jwk["alg"], jwt.PyJWK(jwk, jwk["alg"]).key)}
        return {jwk["kid"]: verification_key_of(jwk, known)}
    except KeysRefused:
        return {}


def is_accepted(jws: object, keys: KeySet) -> bool:
    text = jws if isinstance(jws, str) else json.dumps(jws)
    try:
        verified_part(text.encode(), keys)
    except TokenRefused:
        return False
    return True


def test_no_vector_is_decided_wrongly() -> None:
    if not VECTORS.exists():
        pytest.skip(f"the JWS vectors are not here: {VECTORS.name}")
    verdicts = {
        test["tcId"]: (test["result"], is_accepted(test["jws"], keys_of(group)))
        for group in groups()
        for test in group["tests"]
    }
    wrong = {n for n, (result, accepted) in verdicts.items() if accepted != (result == "valid")}
    assert len(verdicts) == 401
    assert wrong == set(STRICTER) | set(REPEATED)
    assert not any(verdicts[number][1] for number in STRICTER)
    texts = {test["tcId"]: test["jws"] for group in groups() for test in group["tests"]}
    assert all(texts[number] == texts[valid] for number, valid in REPEATED.items())


def test_a_key_with_the_public_document_alone_never_verifies_an_hmac() -> None:
    with pytest.raises(KeysRefused):
        verification_key_of({"kty": "oct", "k": "AAAA", "alg": "HS256", "kid": "x"})


KEY_VECTORS = VECTORS.with_name("json_web_key_test.json")


def keys_as_served(group: dict[str, Any]) -> KeySet:
    """What we would hold had a provider or a partner published this key or key set."""
    document = group.get("public") or group["private"]
    keys = [{"kid": "none", **jwk} for jwk in document.get("keys", [document])]
    try:
        return key_set_of(json.dumps({"keys": keys}).encode())
    except KeysRefused:
        return {}


def test_no_invalid_vector_gets_in_with_a_key_as_we_read_keys() -> None:
    """Weak, mistyped, doubled and misused keys: 26 vectors, with the algorithms of the service."""
    if not KEY_VECTORS.exists():
        pytest.skip(f"the JWK vectors are not here: {KEY_VECTORS.name}")
    asked = [
        (test["tcId"], test["result"], is_accepted(test["jws"], keys_as_served(group)))
        for group in json.loads(KEY_VECTORS.read_bytes())["testGroups"]
        for test in group["tests"]
        if "jws" in test
    ]
    assert len(asked) >= 20
    assert [number for number, result, accepted in asked if accepted > (result == "valid")] == []
