"""Access tokens for partners: ES256, ten minutes, `at+jwt` (RFC 9068), and the keys they show by."""

import json
import secrets
from pathlib import Path

import jwt

from api.keys import KeySet, key_set_of
from api.partner.registry import PARTNER_SCOPES, Partner, Registry
from api.signing_keys import SigningKey, jwks_of, load_signing_key
from api.tokens import OwnTokens

LIFETIME_SECONDS = 600
ALGORITHM = "ES256"
# Beside the key that signs, one that signed until lately may lie: its tokens are good to their end.
FORMER_KEY_NAME = "api_signing.former.pem"


class TokenIssuer:
    """Signs with the key file's key. Raises KeyUnusable where a file holds none."""

    def __init__(self, key_file: Path, *, issuer: str, audience: str) -> None:
        self.issuer = issuer
        self._audience = audience
        self._key: SigningKey = load_signing_key(key_file)
        former = key_file.with_name(FORMER_KEY_NAME)
        formers = [load_signing_key(former)] if former.exists() else []
        self.jwks: bytes = json.dumps(jwks_of(self._key, *formers)).encode()
        self.keys: KeySet = key_set_of(self.jwks)

    def token(
        self,
        partner: Partner,
        scopes: frozenset[str],
        *,
        now: int,
        lifetime_seconds: int = LIFETIME_SECONDS,
    ) -> str:
        """`now`: Unix seconds."""
        claims = {
            "iss": self.issuer,
            "aud": self._audience,
            "iat": now,
            "exp": now + lifetime_seconds,
            "sub": partner.client_id,
            "client_id": partner.client_id,
            "jti": secrets.token_urlsafe(16),
            "scope": " ".join(sorted(scopes)),
        }
        headers = {"typ": "at+jwt", "kid": self._key.kid}
        return jwt.encode(claims, self._key.private_key, algorithm=ALGORITHM, headers=headers)


def own_tokens(issuer: TokenIssuer, registry: Registry) -> OwnTokens:
    """What the verifier of access tokens needs to know of ours."""

    def partner_of(client_id: str) -> tuple[str, frozenset[str]] | None:
        partner = registry.by_client.get(client_id)
        return (partner.id, frozenset(partner.scopes)) if partner is not None else None

    return OwnTokens(
        issuer=issuer.issuer, keys=issuer.keys, scopes=PARTNER_SCOPES, partner_of=partner_of
    )
