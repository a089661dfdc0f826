"""The authorisation request, checked before a page is shown (RFC 6749 4.1.1, RFC 7636 4.3)."""

import re
from collections.abc import Mapping
from urllib.parse import urlencode

import msgspec

from api.identity.config import Client, Persona
from api.identity.errors import AuthorizationFailed, AuthorizationRefused

# SHA-256 in base64url without padding; the last of 43 characters carries 4 bits, the rest are 0.
_S256_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]\Z")

OPENID_SCOPE = "openid"


class AuthorizationRequest(msgspec.Struct, frozen=True, kw_only=True):
    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    code_challenge: str
    state: str | None
    nonce: str | None


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What an authorisation code stands for."""

    request: AuthorizationRequest
    persona: Persona


def _checked_client(
    parameters: Mapping[str, str], clients: Mapping[str, Client]
) -> tuple[Client, str]:
    """Before these two are known to be right nothing may be redirected (RFC 9700 4.11)."""
    client = clients.get(parameters.get("client_id", ""))
    if client is None:
        raise AuthorizationRefused("unknown client")
    redirect_uri = parameters.get("redirect_uri", "")
    if redirect_uri not in client.redirect_uris:
        raise AuthorizationRefused("redirect URI is not registered")
    return client, redirect_uri


def _complaint(parameters: Mapping[str, str], client: Client) -> tuple[str, str] | None:
    scopes = parameters.get("scope", "").split(" ")
    for is_wrong, error, description in (
        ("request" in parameters, "request_not_supported", "request objects are not supported"),
        ("request_uri" in parameters, "request_uri_not_supported", "request_uri is not supported"),
        (
            parameters.get("response_type") is None,
            "invalid_request",
            "response_type is missing",
        ),
        (
            parameters.get("response_type") != "code",
            "unsupported_response_type",
            "only response_type=code is supported",
        ),
        (
            parameters.get("response_mode", "query") != "query",
            "invalid_request",
            "only response_mode=query is supported",
        ),
        (
            parameters.get("code_challenge_method") != "S256",
            "invalid_request",
            "PKCE with code_challenge_method=S256 is required",
        ),
        (
            not _S256_CHALLENGE.match(parameters.get("code_challenge", "")),
            "invalid_request",
            "code_challenge is not a base64url SHA-256 digest",
        ),
        (
            OPENID_SCOPE not in scopes or not set(scopes) <= {OPENID_SCOPE, *client.scopes},
            "invalid_scope",
            "scope must hold openid and otherwise only what the client is registered for",
        ),
        (
            "none" in parameters.get("prompt", "").split(" "),
            "login_required",
            "every log-in is a choice on the page",
        ),
    ):
        if is_wrong:
            return error, description
    return None


def checked_request(
    parameters: Mapping[str, str], clients: Mapping[str, Client]
) -> AuthorizationRequest:
    """Raises AuthorizationRefused (no redirect) or AuthorizationFailed (redirect to the client)."""
    client, redirect_uri = _checked_client(parameters, clients)
    state = parameters.get("state")
    if complaint := _complaint(parameters, client):
        raise AuthorizationFailed(*complaint, redirect_uri, state)
    return AuthorizationRequest(
        client_id=client.client_id,
        redirect_uri=redirect_uri,
        scopes=tuple(parameters["scope"].split(" ")),
        code_challenge=parameters["code_challenge"],
        state=state,
        nonce=parameters.get("nonce"),
    )


def granted_scope(request: AuthorizationRequest, persona: Persona) -> str:
    """What was asked for and the persona holds; empty where nothing is."""
    held = persona.scope.split(" ")
    return " ".join(word for word in held if word in request.scopes)


def redirect_location(redirect_uri: str, parameters: Mapping[str, str | None]) -> str:
    """A registered URI keeps its own query (RFC 6749 3.1.2); values are escaped whole."""
    query = urlencode({name: value for name, value in parameters.items() if value is not None})
    return f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{query}"
