"""Client assertions: how a partner proves who it is (RFC 7523 and its revision, RFC 8725, FAPI 2.0).

The audience is our issuer and nothing else: an assertion made for another server, or for one of
our addresses, is worth nothing here. Whether the client exists or not, one signature is verified
for each key that could have made it, so that the time tells nothing.
"""

import re
from collections.abc import Callable
from types import MappingProxyType
from typing import Annotated, Any

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from api.keys import KeySet, VerificationKey
from api.partner.client_keys import MOST_KEYS
from api.partner.registry import Partner, Registry
from api.strict_json import NotStrictJson, strict_json
from api.tokens import TokenRefused, header_of, payload_signed_by

LONGEST_SECONDS = 300
AHEAD_SECONDS = 10  # FAPI 2.0: a client's clock may be this far ahead
# RFC 7523bis names the first; libraries write the second, or none. A key of the registry signs
# nothing but assertions, so that no other kind of token can be taken for one.
TYPES = frozenset({"client-authentication+jwt", "jwt"})

_JTI = re.compile(r"[\x21-\x7e]{8,128}\Z")

_Instant = Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)]
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]


class AssertionRefused(Exception):
    """`client`: the registered client it names, where it names one; for counters and the log."""

    def __init__(self, reason: str, client: str | None = None) -> None:
        super().__init__(reason)
        self.client = client


class _Claims(msgspec.Struct, frozen=True, kw_only=True):
    iss: _Name
    sub: _Name
    aud: _Name | Annotated[list[_Name], msgspec.Meta(min_length=1, max_length=1)]
    exp: _Instant
    iat: _Instant
    jti: str
    nbf: _Instant = 0


class Assertion(msgspec.Struct, frozen=True, kw_only=True):
    """Proven, but its `jti` not yet used. `expires_at`, `issued_at`: Unix seconds."""

    partner: Partner
    jti: str
    issued_at: int
    expires_at: int


class AssertionVerifier:
    """`keys_of`: the public keys of a partner id. `leeway_seconds`: difference of the clocks."""

    def __init__(
        self,
        registry: Registry,
        keys_of: Callable[[str], KeySet],
        *,
        issuer: str,
        leeway_seconds: int,
        clock: Callable[[], float],
    ) -> None:
        self._registry = registry
        self._keys_of = keys_of
        self._issuer = issuer
        self._leeway_seconds = leeway_seconds
        self._clock = clock
        # Verifies nothing: its private half is gone. Stands in for keys there are not.
        self._decoy = VerificationKey("ES256", ec.generate_private_key(ec.SECP256R1()).public_key())

    def verified(self, token: bytes) -> Assertion:
        """Raises AssertionRefused."""
        try:
            header = header_of(token)
        except TokenRefused as error:
            raise AssertionRefused("header") from error
        claims = _claims_of(token)
        partner = self._registry.by_client.get(claims.iss)
        keys = self._keys_of(partner.id) if partner is not None else MappingProxyType({})
        is_signed = self._is_signed(token, header, keys)
        client = partner.client_id if partner is not None else None
        if partner is None or not is_signed:
            raise AssertionRefused("client or signature", client)
        self._check(header, claims, client)
        return Assertion(
            partner=partner, jti=claims.jti, issued_at=claims.iat, expires_at=claims.exp
        )

    def _is_signed(self, token: bytes, header: dict[str, Any], keys: KeySet) -> bool:
        """Without `kid` either of the partner's keys may have made it."""
        kid = header.get("kid")
        known = list(keys.values()) if kid is None else [keys[kid]] if kid in keys else []
        wanted = MOST_KEYS if kid is None else 1
        candidates = known + [self._decoy] * (wanted - len(known))
        # All of them, whichever fits: the time does not tell how many keys there are.
        return any([_signs(key, token, header) for key in candidates])  # noqa: C419

    def _check(self, header: dict[str, Any], claims: _Claims, client: str | None) -> None:
        kind = header.get("typ", "jwt")
        if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in TYPES:
            raise AssertionRefused("typ", client)
        audience = claims.aud if isinstance(claims.aud, str) else claims.aud[0]
        if claims.sub != claims.iss or audience != self._issuer or not _JTI.match(claims.jti):
            raise AssertionRefused("sub, aud or jti", client)
        now = self._clock()
        is_early = max(claims.nbf, claims.iat) > now + max(AHEAD_SECONDS, self._leeway_seconds)
        is_late = claims.exp + self._leeway_seconds <= now
        if is_early or is_late or not 0 < claims.exp - claims.iat <= LONGEST_SECONDS:
            raise AssertionRefused("time", client)


def _signs(key: VerificationKey, token: bytes, header: dict[str, Any]) -> bool:
    try:
        payload_signed_by(token, header, key)
    except TokenRefused:
        return False
    return True


def _claims_of(token: bytes) -> _Claims:
    """What the token says before anything is proven: only `iss` is used of it, to find the keys."""
    try:
        payload = jwt.utils.base64url_decode(token.split(b".")[1])
        return msgspec.convert(strict_json(payload), _Claims)
    except (ValueError, NotStrictJson, msgspec.ValidationError) as error:
        raise AssertionRefused("claims") from error
