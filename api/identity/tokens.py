"""What the provider signs: access tokens (RFC 9068) and ID tokens (OpenID Connect Core 2)."""

import base64
import datetime as dt
import hashlib
import secrets

import jwt

from api.signing_keys import SigningKey

ALGORITHM = "ES256"
DEMO_CLIENT = "chengxin-demo"


def _sign(key: SigningKey, claims: dict[str, str | int], kind: str) -> str:
    headers = {"typ": kind, "kid": key.kid}
    return jwt.encode(claims, key.private_key, algorithm=ALGORITHM, headers=headers)


def issue_token(
    key: SigningKey,
    *,
    issuer: str,
    audience: str,
    sub: str,
    scope: str,
    birthdate: dt.date | None,
    now: int,
    lifetime_seconds: int,
    client_id: str = DEMO_CLIENT,
    jti: str | None = None,
) -> str:
    """An `at+jwt` access token. `now`: Unix seconds. `scope`: words parted by one space.
    `birthdate` is what enrolment checks the age with; staff tokens carry none."""
    claims: dict[str, str | int] = {
        "iss": issuer,
        "aud": audience,
        "iat": now,
        "exp": now + lifetime_seconds,
        "sub": sub,
        "scope": scope,
        "client_id": client_id,
        "jti": jti or secrets.token_urlsafe(16),
    }
    if birthdate is not None:
        claims["birthdate"] = birthdate.isoformat()
    return _sign(key, claims, "at+jwt")


def _access_token_hash(access_token: str) -> str:
    """`at_hash`: left half of the digest the signature uses (OpenID Connect Core 3.1.3.6)."""
    half = hashlib.sha256(access_token.encode("ascii")).digest()[:16]
    return base64.urlsafe_b64encode(half).rstrip(b"=").decode()


def issue_id_token(
    key: SigningKey,
    *,
    issuer: str,
    client_id: str,
    sub: str,
    nonce: str | None,
    access_token: str,
    now: int,
    lifetime_seconds: int,
) -> str:
    """Says to the client who logged in. The API refuses it: its `typ` is not `at+jwt`."""
    claims: dict[str, str | int] = {
        "iss": issuer,
        "aud": client_id,
        "iat": now,
        "auth_time": now,
        "exp": now + lifetime_seconds,
        "sub": sub,
        "at_hash": _access_token_hash(access_token),
    }
    if nonce is not None:
        claims["nonce"] = nonce
    return _sign(key, claims, "JWT")
