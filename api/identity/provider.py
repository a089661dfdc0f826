"""The provider's decisions, without HTTP: open a log-in, grant a code, exchange it once."""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping

import msgspec

from api.identity.authorization import (
    OPENID_SCOPE,
    AuthorizationRequest,
    Grant,
    checked_request,
    granted_scope,
)
from api.identity.config import Client, Persona, ProviderConfig, checked, origin_of
from api.identity.errors import AuthorizationFailed, AuthorizationRefused, TokenRefused
from api.identity.expiring import ExpiringStore
from api.identity.tokens import issue_id_token, issue_token
from api.signing_keys import SigningKey

CODE_LIFE_SECONDS = 60
PAGE_LIFE_SECONDS = 600
MAX_OPEN_CODES = 2_000
MAX_OPEN_PAGES = 10_000

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}\Z")  # RFC 7636 4.1


class TokenAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 6749 5.1 and OpenID Connect Core 3.1.3.3."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str
    id_token: str


def _challenge_of(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class Provider:
    """State is in memory and belongs to one process: the provider runs with one worker."""

    def __init__(
        self, config: ProviderConfig, key: SigningKey, *, clock: Callable[[], float]
    ) -> None:
        self.config = checked(config)
        self.key = key
        self._clock = clock
        self._clients = {client.client_id: client for client in config.clients}
        self._personas = {persona.persona: persona for persona in config.personas}
        self._pages: ExpiringStore[AuthorizationRequest] = ExpiringStore(
            capacity=MAX_OPEN_PAGES, life_seconds=PAGE_LIFE_SECONDS
        )
        self._codes: ExpiringStore[Grant] = ExpiringStore(
            capacity=MAX_OPEN_CODES, life_seconds=CODE_LIFE_SECONDS
        )

    def client(self, client_id: str) -> Client:
        return self._clients[client_id]

    def personas_for(self, request: AuthorizationRequest) -> list[Persona]:
        return [persona for persona in self.config.personas if granted_scope(request, persona)]

    def open_page(self, parameters: Mapping[str, str]) -> tuple[str, AuthorizationRequest]:
        """A one-time page id with the request it holds. Raises AuthorizationRefused, -Failed."""
        request = checked_request(parameters, self._clients)
        return self._pages.put(request, self._clock()), request

    def choose(self, page: str, persona_name: str) -> tuple[AuthorizationRequest, str]:
        """The request and a fresh code. Raises AuthorizationRefused where the page is not open,
        AuthorizationFailed where the persona was not among its choices."""
        request = self._taken_page(page)
        persona = self._personas.get(persona_name)
        if persona is None or not granted_scope(request, persona):
            raise self._denied(request)
        return request, self._codes.put(Grant(request=request, persona=persona), self._clock())

    def cancel(self, page: str) -> AuthorizationFailed:
        return self._denied(self._taken_page(page))

    def _taken_page(self, page: str) -> AuthorizationRequest:
        request = self._pages.take(page, self._clock())
        if request is None:
            raise AuthorizationRefused("page is used or expired")
        return request

    @staticmethod
    def _denied(request: AuthorizationRequest) -> AuthorizationFailed:
        return AuthorizationFailed(
            "access_denied", "the user did not log in", request.redirect_uri, request.state
        )

    def exchange(self, parameters: Mapping[str, str]) -> TokenAnswer:
        """RFC 6749 4.1.3. Raises TokenRefused. Any attempt uses the code up, a wrong verifier
        included, so that nobody can try verifiers against a stolen code."""
        self._check_exchange(parameters)
        grant = self._codes.take(parameters["code"], self._clock())
        if grant is None or not self._is_match(grant.request, parameters):
            raise TokenRefused("invalid_grant", "code, redirect_uri or code_verifier is not valid")
        return self._answer(grant)

    def _check_exchange(self, parameters: Mapping[str, str]) -> None:
        if "grant_type" not in parameters:
            raise TokenRefused("invalid_request", "grant_type is missing")
        if parameters["grant_type"] != "authorization_code":
            raise TokenRefused("unsupported_grant_type", "only authorization_code is supported")
        if parameters.get("client_id") not in self._clients:
            raise TokenRefused("invalid_client", "unknown client")
        if "client_secret" in parameters:
            raise TokenRefused("invalid_client", "clients here have no secret")
        for name in ("code", "redirect_uri", "code_verifier"):
            if name not in parameters:
                raise TokenRefused("invalid_request", f"{name} is missing")

    @staticmethod
    def _is_match(request: AuthorizationRequest, parameters: Mapping[str, str]) -> bool:
        verifier = parameters["code_verifier"]
        return (
            request.client_id == parameters["client_id"]
            and request.redirect_uri == parameters["redirect_uri"]
            and _VERIFIER.match(verifier) is not None
            and hmac.compare_digest(_challenge_of(verifier), request.code_challenge)
        )

    def _answer(self, grant: Grant) -> TokenAnswer:
        now = int(self._clock())
        scope = granted_scope(grant.request, grant.persona)
        access_token = issue_token(
            self.key,
            issuer=self.config.issuer,
            audience=self.config.audience,
            sub=grant.persona.sub,
            scope=scope,
            birthdate=grant.persona.birthdate,
            now=now,
            lifetime_seconds=self.config.token_lifetime_seconds,
            client_id=grant.request.client_id,
        )
        id_token = issue_id_token(
            self.key,
            issuer=self.config.issuer,
            client_id=grant.request.client_id,
            sub=grant.persona.sub,
            nonce=grant.request.nonce,
            access_token=access_token,
            now=now,
            lifetime_seconds=self.config.token_lifetime_seconds,
        )
        return TokenAnswer(
            access_token=access_token,
            token_type="Bearer",  # noqa: S106  RFC 6750's word, not a secret
            expires_in=self.config.token_lifetime_seconds,
            scope=f"{OPENID_SCOPE} {scope}",
            id_token=id_token,
        )

    def origins(self) -> frozenset[str]:
        """Origins whose scripts may read the token endpoint's answers."""
        return frozenset(
            origin_of(uri) for client in self.config.clients for uri in client.redirect_uris
        )
