"""What clients of the token endpoint read: our keys and our metadata (RFC 7517, RFC 8414)."""

import hashlib

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from api.access import open_to
from api.answers import Answer, answer_of, public_headers
from api.inner import response_of
from api.partner.own_tokens import ALGORITHM, TokenIssuer
from api.partner.registry import PARTNER_SCOPES
from api.partner.token_route import GRANT_TYPE


class PublicKeyAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A P-256 public key."""

    kty: str
    crv: str
    x: str
    y: str
    kid: str
    alg: str
    use: str


class KeySetAnswer(msgspec.Struct, frozen=True, kw_only=True):
    keys: list[PublicKeyAnswer]


class MetadataAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`issuer` is the one audience a client assertion may have."""

    issuer: str
    token_endpoint: str
    jwks_uri: str
    scopes_supported: list[str]
    response_types_supported: list[str]
    grant_types_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
    token_endpoint_auth_signing_alg_values_supported: list[str]


def metadata_of(issuer: str) -> MetadataAnswer:
    base = issuer.rstrip("/")
    return MetadataAnswer(
        issuer=issuer,
        token_endpoint=f"{base}/oauth/token",
        jwks_uri=f"{base}/.well-known/jwks.json",
        scopes_supported=sorted(PARTNER_SCOPES),
        response_types_supported=[],
        grant_types_supported=[GRANT_TYPE],
        token_endpoint_auth_methods_supported=["private_key_jwt"],
        token_endpoint_auth_signing_alg_values_supported=[ALGORITHM],
    )


def published_handlers(issuer: TokenIssuer, *, max_age_seconds: int) -> list[HTTPRouteHandler]:
    key_set = _made(issuer.jwks, max_age_seconds)
    metadata = _made(msgspec.json.encode(metadata_of(issuer.issuer)), max_age_seconds)

    @get(
        "/.well-known/jwks.json",
        operation_id="getKeySet",
        tags=["partner"],
        summary="本服务的公钥",
        opt=open_to(None, cache="public"),
    )
    async def key_set_of_ours() -> Response[KeySetAnswer]:
        return response_of(key_set)

    @get(
        "/.well-known/oauth-authorization-server",
        operation_id="getTokenServer",
        tags=["partner"],
        summary="令牌服务的说明（RFC 8414）",
        opt=open_to(None, cache="public"),
    )
    async def token_server() -> Response[MetadataAnswer]:
        return response_of(metadata)

    return [key_set_of_ours, token_server]


def _made(body: bytes, max_age_seconds: int) -> Answer:
    etag = hashlib.sha256(body).hexdigest()[:16]
    return answer_of(200, public_headers(etag, max_age_seconds), body)
