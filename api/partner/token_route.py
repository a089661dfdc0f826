"""POST /oauth/token: client credentials with private_key_jwt (RFC 6749 4.4, RFC 7523).

The body is a form, as the standard demands. A refusal has the one shape of all our refusals, with
the standard's `error` as a further member.
"""

import hashlib
from collections.abc import Callable
from typing import Annotated, Final, Literal

import msgspec
from litestar import Response, post
from litestar.enums import RequestEncodingType
from litestar.handlers import HTTPRouteHandler
from litestar.params import Body

from api.access import open_to
from api.answers import (
    API_POLICY,
    JSON_HEADER,
    NEVER_CACHED,
    SAFETY_HEADERS,
    Answer,
    Call,
    Direct,
    answer_of,
)
from api.inner import ApiRequest, call_of, response_of
from api.partner.assertion import Assertion, AssertionRefused, AssertionVerifier
from api.partner.attempts import Attempts
from api.partner.own_tokens import LIFETIME_SECONDS, TokenIssuer
from api.problems import Problem
from api.requests import form_of
from api.store.protocol import SnapshotReader

GRANT_TYPE: Final = "client_credentials"
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# RFC 6749 5.2, by the code of our refusal.
OAUTH_ERRORS = {
    "client_refused": "invalid_client",
    "malformed_form": "invalid_request",
    "unsupported_grant_type": "unsupported_grant_type",
    "scope_not_granted": "invalid_scope",
}
HEADERS = [JSON_HEADER, NEVER_CACHED, (b"pragma", b"no-cache"), API_POLICY, *SAFETY_HEADERS]

_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class TokenRequest(msgspec.Struct, frozen=True, kw_only=True):
    grant_type: Literal["client_credentials"]
    client_assertion_type: Literal["urn:ietf:params:oauth:client-assertion-type:jwt-bearer"]
    client_assertion: Annotated[str, msgspec.Meta(min_length=1, max_length=4_096)]
    client_id: _Text | None = None
    scope: _Text | None = None


class TokenAnswer(msgspec.Struct, frozen=True, kw_only=True):
    access_token: str
    token_type: str
    expires_in: int
    scope: str


def refusal(code: str) -> Problem:
    return Problem(code, members={"error": OAUTH_ERRORS[code]})


class TokenRoute:
    def __init__(
        self,
        reader: SnapshotReader,
        *,
        assertions: AssertionVerifier,
        issuer: TokenIssuer,
        source_of: Callable[[Call], str],
        clock: Callable[[], float],
    ) -> None:
        self._reader = reader
        self._assertions = assertions
        self._issuer = issuer
        self._source_of = source_of
        self._clock = clock
        self._attempts = Attempts(reader, clock)

    async def __call__(self, call: Call) -> Answer:
        """Raises Problem, StoreDown."""
        asked = _asked(call.body)
        source = self._source_of(call)
        await self._attempts.require_few(source, asked.client_id or "")
        try:
            assertion = self._assertions.verified(asked.client_assertion.encode())
            if asked.client_id not in (None, assertion.partner.client_id):
                raise AssertionRefused("another client_id", assertion.partner.client_id)
            await self._use_once(assertion)
        except AssertionRefused as refused:
            await self._attempts.failed(source, refused.client or asked.client_id or "")
            raise refusal("client_refused") from None
        return self._granted(assertion, asked.scope)

    async def _use_once(self, assertion: Assertion) -> None:
        """On whichever worker it comes again, and for as long as it is good for anything."""
        used = f"{assertion.partner.id}\0{assertion.jti}"
        is_first = await self._reader.claim_once(
            f"j:{hashlib.sha256(used.encode()).hexdigest()[:32]}",
            at=int(self._clock()),
            issued_at=assertion.issued_at,
            expires_at=assertion.expires_at + 60,
        )
        if not is_first:
            raise AssertionRefused("used before", assertion.partner.client_id)

    def _granted(self, assertion: Assertion, scope: str | None) -> Answer:
        partner = assertion.partner
        asked = frozenset(scope.split(" ")) if scope else frozenset(partner.scopes)
        if not asked <= partner.scopes:
            raise refusal("scope_not_granted")
        answer = TokenAnswer(
            access_token=self._issuer.token(partner, asked, now=int(self._clock())),
            token_type="Bearer",  # noqa: S106 - the kind of token, not one
            expires_in=LIFETIME_SECONDS,
            scope=" ".join(sorted(asked)),
        )
        return answer_of(200, HEADERS, msgspec.json.encode(answer))


def _asked(body: bytes) -> TokenRequest:
    """Unknown parameters are passed over (RFC 6749 3.2)."""
    form = form_of(body, refused=refusal("malformed_form"))
    if form.get("grant_type", GRANT_TYPE) != GRANT_TYPE:
        raise refusal("unsupported_grant_type")
    if form.get("client_assertion_type", "") != ASSERTION_TYPE:
        # A client secret, or nothing at all: this server knows one way to prove oneself.
        raise refusal("client_refused" if "grant_type" in form else "malformed_form")
    try:
        return msgspec.convert(form, TokenRequest)
    except msgspec.ValidationError:
        raise refusal("malformed_form") from None


def token_handler(route: Direct) -> HTTPRouteHandler:
    @post(
        "/oauth/token",
        operation_id="getPartnerToken",
        tags=["partner"],
        summary="合作方换取访问令牌",
        status_code=200,
        opt=open_to(
            None,
            body="form",
            problems=[
                "malformed_form",
                "unsupported_grant_type",
                "scope_not_granted",
                "client_refused",
                "too_many_attempts",
                "body_too_large",
                "unsupported_media_type",
                "store_unavailable",
            ],
        ),
    )
    async def partner_token(
        request: ApiRequest,
        data: Annotated[TokenRequest, Body(media_type=RequestEncodingType.URL_ENCODED)],
    ) -> Response[TokenAnswer]:
        return response_of(await route(call_of(request)))

    return partner_token
