"""Access tokens: the checks of RFC 7515, 7519, 8725 and 9068 that decide who is asking.

PyJWT verifies the signature. What it leaves to the caller is done here before: one spelling of a
token, strict JSON, one algorithm per key, a required `typ`, typed claims (facts and attacks:
tests/api/test_token_attacks.py).
"""

import contextlib
import datetime as dt
import hashlib
import re
import time
from collections.abc import Callable
from typing import Annotated, Any

import jwt
import msgspec

from api.keys import MAX_KID_CHARS, KeySet, VerificationKey
from api.strict_json import NotStrictJson, strict_json
from scoring.contract.pseudonyms import PSEUDONYM_CHARS

CITIZEN_SCOPE = "citizen"
STAFF_SCOPE = "staff"
STAFF_ROLES = frozenset({"staff:officer", "staff:reviewer"})
MAX_TOKEN_BYTES = 4_096
CACHE_SECONDS = 60  # longest time a token outlives the removal of its key
IAT_AHEAD_SECONDS = 60  # FAPI 2.0: up to 10 s ahead must be accepted, beyond 60 s refused
TYPES = frozenset({"at+jwt", "application/at+jwt"})  # RFC 9068 2.1, media types ignore case
# Members that bring their own key, or change what is signed, or demand that we know them.
REFUSED_MEMBERS = frozenset({"jku", "jwk", "x5u", "x5c", "crit", "b64", "zip", "enc", "epk"})

_COMPACT = re.compile(rb"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+\Z")
_BEARER = re.compile(rb"(?i:bearer) +([A-Za-z0-9_.-]+)\Z")
_SUBJECT = re.compile(r"[\x21-\x7e]{1,128}\Z")
# A citizen's `sub` is the pseudonym of scoring.contract.pseudonyms; anything else under her scope
# would be somebody the ledger cannot hold.
_PSEUDONYM = re.compile(rf"[A-Za-z0-9_-]{{{PSEUDONYM_CHARS}}}\Z")
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*\Z")  # RFC 6749 3.3
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z")

_signatures = jwt.PyJWS()


class TokenRefused(Exception):
    """For the log's counters only: every refusal looks the same from outside."""


class UnknownKey(TokenRefused):
    """Well-formed, but its `kid` is not in the key set."""


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """Who is asking. `subject`: the provider's pairwise `sub`, or a partner's client id.
    `birthdate` is None where the token has no full date. `partner`: id in the registry, None for
    everybody else. `valid_until`: Unix seconds after which the token must be verified again."""

    subject: str
    snapshot_subject: str
    scopes: frozenset[str]
    birthdate: dt.date | None
    valid_until: float
    partner: str | None = None


class OwnTokens(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens this service issues itself, to partners. `scopes`: words only they can hold: in a
    token of the city's provider they are passed over, and any other word is in ours.
    `partner_of`: partner id and granted scopes of a client id; None where there is none."""

    issuer: str
    keys: KeySet
    scopes: frozenset[str]
    partner_of: Callable[[str], tuple[str, frozenset[str]] | None]


_Instant = Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)]
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]


class _Claims(msgspec.Struct, frozen=True, kw_only=True):
    iss: str
    aud: _Name | Annotated[list[_Name], msgspec.Meta(min_length=1, max_length=16)]
    exp: _Instant
    iat: _Instant
    sub: str
    nbf: _Instant = 0
    scope: Annotated[str, msgspec.Meta(max_length=1_024)] = ""
    client_id: Annotated[str, msgspec.Meta(max_length=128)] = ""
    jti: Annotated[str, msgspec.Meta(max_length=256)] = ""
    birthdate: Annotated[str, msgspec.Meta(max_length=32)] | None = None


def verified_part(token: bytes, keys: KeySet) -> tuple[dict[str, Any], bytes]:
    """Header and payload of a compact JWS whose signature one of `keys` made. Raises TokenRefused."""
    header = header_of(token)
    kid = header.get("kid")
    if not isinstance(kid, str):
        raise TokenRefused("header")
    key = keys.get(kid)
    if key is None:
        raise UnknownKey("unknown kid")
    return header, payload_signed_by(token, header, key)


def payload_signed_by(token: bytes, header: dict[str, Any], key: VerificationKey) -> bytes:
    """Raises TokenRefused."""
    if header["alg"] != key.algorithm:
        raise TokenRefused("not the key's algorithm")
    try:
        payload = _signatures.decode(token, key.key, algorithms=[key.algorithm])
    except (jwt.PyJWTError, ValueError) as error:
        raise TokenRefused("signature") from error
    if not isinstance(payload, bytes):
        raise TokenRefused("payload")
    return payload


def header_of(token: bytes) -> dict[str, Any]:
    """The header of a compact JWS; `alg` and, where there is one, `kid` are strings. Only these two
    choose anything, and `alg` only agrees or does not. Raises TokenRefused."""
    if len(token) > MAX_TOKEN_BYTES or not _COMPACT.match(token):
        raise TokenRefused("not a compact JWS")
    try:
        header = strict_json(jwt.utils.base64url_decode(token.partition(b".")[0]))
    except ValueError as error:
        raise TokenRefused("header") from error
    if not isinstance(header, dict) or not REFUSED_MEMBERS.isdisjoint(header):
        raise TokenRefused("header")
    kid, algorithm = header.get("kid", ""), header.get("alg")
    if not isinstance(kid, str) or not isinstance(algorithm, str) or len(kid) > MAX_KID_CHARS:
        raise TokenRefused("header")
    return header


class TokenVerifier:
    """From an Authorization header to a Principal; verified tokens are remembered for a minute.

    The memory is keyed by SHA-256, not by the token: 0.4 us dearer, but a memory dump then holds
    no credential that still works.
    """

    def __init__(
        self,
        *,
        issuer: str,
        audience: str,
        leeway_seconds: int,
        cache_entries: int,
        snapshot_subject_of: Callable[[str], str],
        clock: Callable[[], float] = time.time,
        own: OwnTokens | None = None,
    ) -> None:
        self._own = own
        self._partner_scopes = own.scopes if own is not None else frozenset()
        self._issuer = issuer
        self._audience = audience
        self._leeway_seconds = leeway_seconds
        self._cache_entries = cache_entries
        self._snapshot_subject_of = snapshot_subject_of
        self._clock = clock
        self.on_unknown_key: Callable[[], None] = _do_nothing
        self.keys: KeySet | None = None
        self._cache: dict[bytes, Principal] = {}

    @property
    def has_keys(self) -> bool:
        return self.keys is not None

    @property
    def remembered(self) -> int:
        """Tokens held in memory as verified."""
        return len(self._cache)

    def use(self, keys: KeySet) -> None:
        """From now on these keys alone; nothing verified with others is remembered."""
        self.keys = keys
        self._cache = {}

    def principal_of(self, authorization: bytes) -> Principal:
        """Raises TokenRefused, UnknownKey."""
        fingerprint = hashlib.sha256(authorization).digest()
        principal = self._cache.get(fingerprint)
        if principal is None or principal.valid_until <= self._clock():
            principal = self._verified(authorization)
            self._remember(fingerprint, principal)
        return principal

    def _remember(self, fingerprint: bytes, principal: Principal) -> None:
        if self._cache_entries == 0:
            return
        if len(self._cache) >= self._cache_entries:
            del self._cache[next(iter(self._cache))]  # the oldest: dicts keep insertion order
        self._cache.pop(fingerprint, None)
        self._cache[fingerprint] = principal

    def _verified(self, authorization: bytes) -> Principal:
        bearer = (
            _BEARER.match(authorization) if len(authorization) <= MAX_TOKEN_BYTES + 16 else None
        )
        if bearer is None:
            raise TokenRefused("no bearer token")
        if self._own is not None:
            with contextlib.suppress(UnknownKey):
                header, payload = verified_part(bearer[1], self._own.keys)
                return self._partner(self._claims(header, payload, self._own.issuer), self._own)
        if self.keys is None:
            raise TokenRefused("no keys")
        try:
            header, payload = verified_part(bearer[1], self.keys)
        except UnknownKey:
            self.on_unknown_key()
            raise
        return self._principal(self._claims(header, payload, self._issuer))

    def _claims(self, header: dict[str, Any], payload: bytes, issuer: str) -> _Claims:
        """`issuer`: whose keys made the signature; nobody signs in another one's name."""
        kind = header.get("typ")
        if not isinstance(kind, str) or kind.lower() not in TYPES:
            raise TokenRefused("typ")
        try:
            claims = msgspec.convert(strict_json(payload), _Claims)
        except (NotStrictJson, msgspec.ValidationError) as error:
            raise TokenRefused("claims") from error
        audiences = [claims.aud] if isinstance(claims.aud, str) else claims.aud
        if claims.iss != issuer or self._audience not in audiences:
            raise TokenRefused("iss or aud")
        if not _SUBJECT.match(claims.sub) or (claims.scope and not _SCOPE.match(claims.scope)):
            raise TokenRefused("sub or scope")
        if CITIZEN_SCOPE in claims.scope.split() and not _PSEUDONYM.match(claims.sub):
            raise TokenRefused("sub of a citizen")
        now = self._clock()
        is_expired = claims.exp + self._leeway_seconds <= now
        is_early = claims.nbf > now + self._leeway_seconds or claims.iat > now + IAT_AHEAD_SECONDS
        if is_expired or is_early or claims.exp <= claims.iat:
            raise TokenRefused("time")
        return claims

    def _principal(self, claims: _Claims) -> Principal:
        return Principal(
            subject=claims.sub,
            snapshot_subject=self._snapshot_subject_of(claims.sub),
            scopes=_scopes(claims.scope) - self._partner_scopes,
            birthdate=_full_date(claims.birthdate),
            valid_until=self._valid_until(claims),
        )

    def _partner(self, claims: _Claims, own: OwnTokens) -> Principal:
        """RFC 9068 2.2: who asks for itself is both `sub` and `client_id`."""
        found = own.partner_of(claims.sub)
        if found is None or claims.client_id != claims.sub or not claims.jti:
            raise TokenRefused("no such client")
        partner, granted = found
        return Principal(
            subject=claims.sub,
            snapshot_subject="",
            scopes=granted & own.scopes & frozenset(claims.scope.split()),
            birthdate=None,
            valid_until=self._valid_until(claims),
            partner=partner,
        )

    def _valid_until(self, claims: _Claims) -> float:
        return min(claims.exp + self._leeway_seconds, self._clock() + CACHE_SECONDS)


def _do_nothing() -> None:
    """Until a follower of the keys says otherwise."""


def _scopes(text: str) -> frozenset[str]:
    """A role of the staff makes its holder one of the staff, and nothing else does."""
    words = frozenset(text.split()) - {STAFF_SCOPE}
    return words | {STAFF_SCOPE} if words & STAFF_ROLES else words


def _full_date(text: str | None) -> dt.date | None:
    """OpenID Connect Core 5.1 also allows a bare year and 0000-MM-DD: no age can be told by them."""
    try:
        return dt.date.fromisoformat(text) if text and _DAY.match(text) else None
    except ValueError:
        return None
