"""The provider over HTTP (OpenID Connect Core and Discovery, RFC 9207 `iss` in redirects)."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from litestar import Litestar, Request, Response, Router, get, post
from litestar.datastructures import State
from litestar.exceptions import HTTPException

from api.identity.authorization import OPENID_SCOPE, redirect_location
from api.identity.config import ProviderConfig, load_config, origin_of
from api.identity.errors import AuthorizationFailed, AuthorizationRefused, TokenRefused
from api.identity.pages import login_page, page_policy, refusal_page
from api.identity.parameters import ParametersMalformed, form_parameters
from api.identity.provider import Provider
from api.signing_keys import SigningKey, jwks_of, load_signing_key

MAX_BODY_BYTES = 16 * 1024
FORM_TYPE = "application/x-www-form-urlencoded"

ProviderRequest = Request[Any, Any, State]

_EVERY_ANSWER = {
    "X-Content-Type-Options": "nosniff",
    # not `no-referrer`: with it a browser sends `Origin: null` with our own form
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_NOT_STORED = {**_EVERY_ANSWER, "Cache-Control": "no-store", "Pragma": "no-cache"}
_PUBLIC = {
    **_EVERY_ANSWER,
    "Cache-Control": "public, max-age=300",
    "Access-Control-Allow-Origin": "*",
}
_HERE = Path(__file__).parent
_LOOK = _HERE.parent / "console" / "static" / "shared" / "base.css"  # of every page of ours
_STYLE = _LOOK.read_bytes() + (_HERE / "static" / "login.css").read_bytes()


def _provider(request: ProviderRequest) -> Provider:
    provider: Provider = request.app.state["provider"]
    return provider


def _prefix(provider: Provider) -> str:
    return urlsplit(provider.config.issuer).path


def _page(text: str, status_code: int, redirect_uri: str | None = None) -> Response[str]:
    headers = {**_NOT_STORED, "Content-Security-Policy": page_policy(redirect_uri)}
    return Response(text, status_code=status_code, media_type="text/html", headers=headers)


def _json(content: object, status_code: int, headers: dict[str, str]) -> Response[bytes]:
    return Response(
        msgspec.json.encode(content),
        status_code=status_code,
        media_type="application/json",
        headers=headers,
    )


def _refused(provider: Provider, reason: str) -> Response[str]:
    return _page(refusal_page(prefix=_prefix(provider), reason=reason), 400)


def _back(provider: Provider, redirect_uri: str, answer: dict[str, str | None]) -> Response[str]:
    """303, so that a browser never repeats the form at the client (RFC 9700 4.12)."""
    location = redirect_location(redirect_uri, {**answer, "iss": provider.config.issuer})
    headers = {**_NOT_STORED, "Location": location}
    return Response("", status_code=303, media_type="text/plain", headers=headers)


def _failed(provider: Provider, failure: AuthorizationFailed) -> Response[str]:
    answer = {
        "error": failure.error,
        "error_description": failure.description,
        "state": failure.state,
    }
    return _back(provider, failure.redirect_uri, answer)


@get("/.well-known/openid-configuration", include_in_schema=False)
async def discovery(request: ProviderRequest) -> Response[bytes]:
    config = _provider(request).config
    scopes = {word for client in config.clients for word in client.scopes} - {OPENID_SCOPE}
    content = {
        "issuer": config.issuer,
        "authorization_endpoint": f"{config.issuer}/authorize",
        "token_endpoint": f"{config.issuer}/token",
        "jwks_uri": f"{config.issuer}/jwks.json",
        "scopes_supported": [OPENID_SCOPE, *sorted(scopes)],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "code_challenge_methods_supported": ["S256"],
        "claims_supported": ["iss", "aud", "iat", "exp", "sub", "nonce", "auth_time", "at_hash"],
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "authorization_response_iss_parameter_supported": True,
    }
    return _json(content, 200, _PUBLIC)


@get("/jwks.json", include_in_schema=False)
async def jwks(request: ProviderRequest) -> Response[bytes]:
    return _json(jwks_of(_provider(request).key), 200, _PUBLIC)


@get("/login.css", include_in_schema=False)
async def style() -> Response[bytes]:
    headers = {**_EVERY_ANSWER, "Cache-Control": "public, max-age=300"}
    return Response(_STYLE, media_type="text/css; charset=utf-8", headers=headers)


@get("/authorize", include_in_schema=False)
async def show_login(request: ProviderRequest) -> Response[str]:
    provider = _provider(request)
    try:
        page, asked = provider.open_page(form_parameters(request.scope["query_string"]))
    except ParametersMalformed:
        return _refused(provider, "malformed")
    except AuthorizationRefused as refusal:
        return _refused(provider, str(refusal))
    except AuthorizationFailed as failure:
        return _failed(provider, failure)
    text = login_page(
        prefix=_prefix(provider),
        page=page,
        client=provider.client(asked.client_id),
        request=asked,
        personas=provider.personas_for(asked),
    )
    return _page(text, 200, asked.redirect_uri)


@post("/authorize", status_code=303, include_in_schema=False)
async def take_choice(request: ProviderRequest) -> Response[str]:
    provider = _provider(request)
    origin = request.headers.get("origin")
    if origin is not None and origin != origin_of(provider.config.issuer):
        return _refused(provider, "foreign form")
    try:
        form = await _form(request)
        if form.get("decision") == "cancel":
            return _failed(provider, provider.cancel(form.get("page", "")))
        asked, code = provider.choose(form.get("page", ""), form.get("persona", ""))
    except ParametersMalformed:
        return _refused(provider, "malformed")
    except AuthorizationRefused as refusal:
        return _refused(provider, str(refusal))
    except AuthorizationFailed as failure:
        return _failed(provider, failure)
    return _back(provider, asked.redirect_uri, {"code": code, "state": asked.state})


@post("/token", status_code=200, include_in_schema=False)
async def exchange(request: ProviderRequest) -> Response[bytes]:
    provider = _provider(request)
    headers = {**_NOT_STORED, **_readable_by(provider, request.headers.get("origin"))}
    try:
        answer = provider.exchange(await _form(request))
    except ParametersMalformed as error:
        return _json({"error": "invalid_request", "error_description": str(error)}, 400, headers)
    except TokenRefused as refusal:
        content = {"error": refusal.error, "error_description": refusal.description}
        return _json(content, refusal.status_code, headers)
    return _json(answer, 200, headers)


def _readable_by(provider: Provider, origin: str | None) -> dict[str, str]:
    if origin in provider.origins():
        return {"Access-Control-Allow-Origin": str(origin), "Vary": "Origin"}
    return {"Vary": "Origin"}


async def _form(request: ProviderRequest) -> dict[str, str]:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != FORM_TYPE:
        raise ParametersMalformed(f"Content-Type must be {FORM_TYPE}")
    return form_parameters(await request.body())


def _http_error(_: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    headers = {**_NOT_STORED, **(error.headers or {})}
    return _json({"error": "invalid_request"}, error.status_code, headers)


def create_provider_app(
    config: ProviderConfig, key: SigningKey, *, clock: Callable[[], float] = time.time
) -> Litestar:
    """Serves under the path of the issuer. `clock`: Unix seconds. Raises ConfigRefused."""
    provider = Provider(config, key, clock=clock)
    handlers = [discovery, jwks, style, show_login, take_choice, exchange]
    return Litestar(
        [Router(_prefix(provider) or "/", route_handlers=handlers)],
        state=State({"provider": provider}),
        openapi_config=None,
        request_max_body_size=MAX_BODY_BYTES,
        exception_handlers={HTTPException: _http_error},
    )


def app_from_file(config_path: Path) -> Litestar:
    """Raises ConfigRefused, KeyUnusable, msgspec.ValidationError, OSError."""
    config = load_config(config_path)
    return create_provider_app(config, load_signing_key(Path(config.key_file)))
