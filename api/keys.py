"""The identity provider's public keys: fetched by URL in the background, never while a request waits.

A key is trusted for exactly one algorithm, the one its JWK names (RFC 8725 3.1).
"""

import asyncio
import contextlib
import http.client
import logging
import ssl
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa

from api.strict_json import NotStrictJson, strict_json

# Asymmetric only: a symmetric key in a public document would be no secret.
ALGORITHMS = frozenset({"ES256", "ES384", "EdDSA", "PS256", "RS256"})
# PyJWT takes a key of any curve for any ES algorithm (RFC 7518 3.4 ties each to one).
CURVES = {"ES256": {"P-256"}, "ES384": {"P-384"}, "ES512": {"P-521"}, "EdDSA": {"Ed25519"}}
MIN_RSA_BITS = 2_048  # RFC 7518 3.3
MAX_DOCUMENT_BYTES = 65_536
MAX_KEYS = 32
MAX_KID_CHARS = 128
FETCH_SECONDS = 3.0
FIRST_RETRY_SECONDS = 0.1
LAST_RETRY_SECONDS = 5.0
UNKNOWN_KID_PAUSE_SECONDS = 30.0  # a flood of invented kids costs the provider one fetch in this

log = logging.getLogger("chengxin.api.keys")


class KeysRefused(ValueError):
    """The document is not a usable JWK set."""


class VerificationKey(msgspec.Struct, frozen=True):
    """`key`: as PyJWT's algorithm object takes it, parsed once."""

    algorithm: str
    key: Any


KeySet = Mapping[str, VerificationKey]


def is_roca(modulus: int) -> bool:
    """Whether it looks made by the chips of CVE-2017-15361, whose keys can be factored: their primes
    are powers of 65537 modulo every small prime. One other key in 2^27 looks so too."""
    return all(pow(modulus, order, prime) == 1 for prime, order in ROCA_ORDERS.items())


def _order_of_65537(prime: int) -> int:
    return next(n for n in range(1, prime) if pow(65_537, n, prime) == 1)


ROCA_ORDERS = {
    prime: _order_of_65537(prime)
    for prime in (11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157)
}


def verification_key_of(
    jwk: Mapping[str, Any], algorithms: frozenset[str] = ALGORITHMS
) -> VerificationKey:
    """Raises KeysRefused where `alg` is missing or not allowed, or the key is not for signatures."""
    algorithm = jwk.get("alg")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise KeysRefused("algorithm missing or not allowed")
    if jwk.get("use", "sig") != "sig" or "verify" not in jwk.get("key_ops", ["verify"]):
        raise KeysRefused("not a key for signatures")
    if jwk.get("crv") not in CURVES.get(algorithm, {None}):
        raise KeysRefused("not the algorithm's curve")
    public = {name: value for name, value in jwk.items() if name != "d"}
    try:
        key = jwt.PyJWK(public, algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError) as error:
        raise KeysRefused("not a key") from error
    if getattr(key, "key_size", MIN_RSA_BITS) < MIN_RSA_BITS and jwk.get("kty") == "RSA":
        raise KeysRefused("RSA key too short")
    if isinstance(key, rsa.RSAPublicKey) and is_roca(key.public_numbers().n):
        raise KeysRefused("RSA key of a broken generator")
    return VerificationKey(algorithm, key)


def key_set_of(document: bytes) -> KeySet:
    """Keys by `kid`. Keys of other kinds or uses are left out; no usable key at all, a `kid` twice
    or more than 32 keys refuse the document."""
    try:
        parsed = strict_json(document)
    except NotStrictJson as error:
        raise KeysRefused("not strict JSON") from error
    jwks = parsed.get("keys") if isinstance(parsed, dict) else None
    if not isinstance(jwks, list) or len(jwks) > MAX_KEYS:
        raise KeysRefused("no list of keys, or too many")
    found: dict[str, VerificationKey] = {}
    for jwk in jwks:
        kid = jwk.get("kid") if isinstance(jwk, dict) else None
        if not isinstance(kid, str) or not 1 <= len(kid) <= MAX_KID_CHARS:
            continue
        if kid in found:
            raise KeysRefused("a kid twice")
        with contextlib.suppress(KeysRefused):
            found[kid] = verification_key_of(jwk)
    if not found:
        raise KeysRefused("no usable key")
    return MappingProxyType(found)


def fetch(url: str, *, monotonic: Callable[[], float] = time.monotonic) -> bytes:
    """At most 64 KiB within 3 s, from http or https, following no redirect and no proxy variable.
    Blocks: call it in a thread. Raises KeysRefused, OSError, http.client.HTTPException."""
    parts = urlsplit(url)
    deadline = monotonic() + FETCH_SECONDS
    connection = _connection(parts.scheme, parts.netloc)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", target, headers={"Accept": "application/json"})
        response = connection.getresponse()
        if response.status != 200:
            raise KeysRefused(f"status {response.status}")
        return _read_bounded(response, deadline, monotonic)
    finally:
        connection.close()


def _connection(scheme: str, netloc: str) -> http.client.HTTPConnection:
    if scheme == "https":
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(netloc, timeout=FETCH_SECONDS, context=context)
    if scheme == "http":
        return http.client.HTTPConnection(netloc, timeout=FETCH_SECONDS)
    raise KeysRefused("neither http nor https")


def _read_bounded(
    response: http.client.HTTPResponse, deadline: float, monotonic: Callable[[], float]
) -> bytes:
    document = bytearray()
    while chunk := response.read1(MAX_DOCUMENT_BYTES):
        document += chunk
        if len(document) > MAX_DOCUMENT_BYTES:
            raise KeysRefused("document too large")
        if monotonic() > deadline:  # a peer that drips a byte a second never times a socket out
            raise KeysRefused("document too slow")
    return bytes(document)


class KeyFollower:
    """Holds the last good key set and renews it in a task of its own.

    `on_change` is called on the event loop with each set that differs from the last one.
    """

    def __init__(
        self,
        url: str,
        *,
        refresh_seconds: float,
        on_change: Callable[[KeySet], None],
        fetch: Callable[[str], bytes] = fetch,
    ) -> None:
        self._url = url
        self._refresh_seconds = refresh_seconds
        self._on_change = on_change
        self._fetch = fetch
        self._document = b""
        self._wake = asyncio.Event()
        self._asked_at = float("-inf")
        self._task: asyncio.Task[None] | None = None

    @property
    def has_keys(self) -> bool:
        return bool(self._document)

    def ask(self) -> None:
        """A token named a `kid` we do not hold: the provider may have rotated. At most one fetch
        in 30 s comes of it."""
        now = time.monotonic()
        if now - self._asked_at >= UNKNOWN_KID_PAUSE_SECONDS:
            self._asked_at = now
            self._wake.set()

    async def open(self) -> None:
        """Returns at once: a provider on the same server answers only after we serve."""
        self._task = asyncio.create_task(self._follow())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _follow(self) -> None:
        retry_seconds = FIRST_RETRY_SECONDS
        while True:
            self._wake.clear()  # before the fetch: what is asked during it may be newer than its answer
            is_renewed = await self._renew()
            retry_seconds = (
                FIRST_RETRY_SECONDS if is_renewed else min(2 * retry_seconds, LAST_RETRY_SECONDS)
            )
            await self._sleep(self._refresh_seconds if is_renewed else retry_seconds)

    async def _sleep(self, seconds: float) -> None:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)

    async def _renew(self) -> bool:
        try:
            document = await asyncio.to_thread(self._fetch, self._url)
            if document != self._document:
                self._on_change(key_set_of(document))
                self._document = document
        except (KeysRefused, OSError, http.client.HTTPException) as error:
            # While the first fetch is outstanding this is the normal course of a start.
            level = logging.WARNING if self._document else logging.INFO
            log.log(level, "keys not renewed: %s", type(error).__name__)
            return False
        return True
