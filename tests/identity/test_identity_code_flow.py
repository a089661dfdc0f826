"""Authorisation code with PKCE, as RFC 6749, 7636, 9207 and OpenID Connect Core ask for it."""

import base64
import datetime as dt
import hashlib
from typing import Any

import jwt
import pytest
from litestar.testing import TestClient

from api.keys import key_set_of
from api.tokens import TokenRefused, TokenVerifier

from .conftest import AUDIENCE, ISSUER, REDIRECT_URI, VERIFIER, Browser, Clock, page_id, returned

EVIL = "https://evil.example/take"


def verified(token: str, http: TestClient, audience: str) -> dict[str, Any]:
    key = jwt.PyJWK(http.get("/identity/jwks.json").json()["keys"][0])
    options = {"verify_exp": False, "verify_iat": False, "require": ["exp", "iat", "sub"]}
    return jwt.decode(
        token, key, algorithms=["ES256"], audience=audience, issuer=ISSUER, options=options
    )


def test_a_log_in_ends_with_a_token_the_published_key_verifies(
    browser: Browser, http: TestClient, clock: Clock
) -> None:
    back = returned(browser.choose(page_id(browser.authorize()), "rich"))
    assert back["state"] == "state-1"
    assert back["iss"] == ISSUER
    answer = browser.exchange(back["code"])
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    tokens = answer.json()
    assert {name: tokens[name] for name in ("token_type", "expires_in", "scope")} == {
        "token_type": "Bearer",
        "expires_in": 900,
        "scope": "openid citizen",
    }
    header = jwt.get_unverified_header(tokens["access_token"])
    published = http.get("/identity/jwks.json").json()["keys"][0]
    assert header == {"alg": "ES256", "typ": "at+jwt", "kid": published["kid"]}
    claims = verified(tokens["access_token"], http, AUDIENCE)
    assert claims.pop("jti")
    assert claims == {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": int(clock.now),
        "exp": int(clock.now) + 900,
        "sub": "r" * 22,
        "scope": "citizen",
        "client_id": "console",
        "birthdate": "1980-05-17",
    }


def test_the_service_takes_the_access_token_and_refuses_the_id_token(
    browser: Browser, http: TestClient, clock: Clock
) -> None:
    verifier = TokenVerifier(
        issuer=ISSUER,
        audience=AUDIENCE,
        leeway_seconds=10,
        cache_entries=0,
        snapshot_subject_of=lambda subject: subject,
        clock=clock,
    )
    verifier.use(key_set_of(http.get("/identity/jwks.json").content))
    tokens = browser.exchange(browser.code()).json()
    principal = verifier.principal_of(f"Bearer {tokens['access_token']}".encode())
    assert (principal.subject, principal.scopes) == ("r" * 22, frozenset({"citizen"}))
    assert principal.birthdate == dt.date(1980, 5, 17)
    with pytest.raises(TokenRefused):
        verifier.principal_of(f"Bearer {tokens['id_token']}".encode())


def test_the_id_token_is_for_the_client_and_names_nonce_and_access_token(
    browser: Browser, http: TestClient
) -> None:
    tokens = browser.exchange(browser.code()).json()
    claims = verified(tokens["id_token"], http, "console")
    half = hashlib.sha256(tokens["access_token"].encode()).digest()[:16]
    assert claims["at_hash"] == base64.urlsafe_b64encode(half).rstrip(b"=").decode()
    assert claims["nonce"] == "nonce-1"
    assert jwt.get_unverified_header(tokens["id_token"])["typ"] == "JWT"
    with pytest.raises(jwt.InvalidAudienceError):
        verified(tokens["id_token"], http, AUDIENCE)


def test_two_tokens_of_one_person_have_different_jti(browser: Browser, http: TestClient) -> None:
    ids = {
        verified(browser.exchange(browser.code()).json()["access_token"], http, AUDIENCE)["jti"]
        for _ in range(2)
    }
    assert len(ids) == 2


def test_a_wrong_verifier_is_refused_and_uses_the_code_up(browser: Browser) -> None:
    code = browser.code()
    wrong = browser.exchange(code, code_verifier="w" * 43)
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_grant")
    assert browser.exchange(code).json()["error"] == "invalid_grant"


def test_a_replayed_code_is_refused(browser: Browser) -> None:
    code = browser.code()
    assert browser.exchange(code).status_code == 200
    replay = browser.exchange(code)
    assert (replay.status_code, replay.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(("age_seconds", "status_code"), [(59.9, 200), (60.0, 400)])
def test_a_code_lives_sixty_seconds(
    browser: Browser, clock: Clock, age_seconds: float, status_code: int
) -> None:
    code = browser.code()
    clock.now += age_seconds
    assert browser.exchange(code).status_code == status_code


def test_a_code_belongs_to_the_client_and_uri_it_was_made_for(browser: Browser) -> None:
    other_client = browser.exchange(browser.code(), client_id="desk")
    assert (other_client.status_code, other_client.json()["error"]) == (400, "invalid_grant")
    other_uri = browser.exchange(browser.code(), redirect_uri=REDIRECT_URI + "x")
    assert (other_uri.status_code, other_uri.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": EVIL},
        {"redirect_uri": REDIRECT_URI.rstrip("/")},
        {"redirect_uri": REDIRECT_URI + "?next=" + EVIL},
        {"redirect_uri": REDIRECT_URI + "../"},
        {"redirect_uri": "http://127.0.0.1:9000@evil.example/console/"},
        {"redirect_uri": "http://127.0.0.1:9009/console/"},
        {"redirect_uri": "javascript:alert(1)//"},
        {"redirect_uri": None},
        {"client_id": "nobody"},
        {"client_id": None},
        {"client_id": "desk"},
    ],
    ids=str,
)
def test_an_unregistered_client_or_uri_is_answered_here_and_never_redirected(
    browser: Browser, changes: dict[str, str | None]
) -> None:
    response = browser.authorize(**changes)
    assert response.status_code == 400
    assert "location" not in response.headers
    assert "evil.example" not in response.text
    assert "无法登录" in response.text


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": VERIFIER}, "invalid_request"),
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "citizen"}, "invalid_scope"),
        ({"scope": "openid staff:reviewer"}, "invalid_scope"),
        ({"prompt": "none"}, "login_required"),
        ({"request": "eyJ"}, "request_not_supported"),
        ({"request_uri": EVIL}, "request_uri_not_supported"),
    ],
    ids=str,
)
def test_a_registered_client_hears_of_its_mistake_by_redirect(
    browser: Browser, changes: dict[str, str | None], error: str
) -> None:
    back = returned(browser.authorize(**changes))
    assert (back["error"], back["state"], back["iss"]) == (error, "state-1", ISSUER)
    assert "code" not in back


@pytest.mark.parametrize(
    ("changes", "status_code", "error"),
    [
        ({"grant_type": None}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, 400, "unsupported_grant_type"),
        ({"client_id": None}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"client_secret": "s"}, 401, "invalid_client"),
        ({"code": None}, 400, "invalid_request"),
        ({"redirect_uri": None}, 400, "invalid_request"),
        ({"code_verifier": None}, 400, "invalid_request"),
        ({"code_verifier": "short"}, 400, "invalid_grant"),
        ({"code_verifier": VERIFIER + "é"}, 400, "invalid_grant"),
        ({"code": "made-up"}, 400, "invalid_grant"),
    ],
    ids=str,
)
def test_the_token_endpoint_refuses_with_the_standard_code(
    browser: Browser, changes: dict[str, str | None], status_code: int, error: str
) -> None:
    answer = browser.exchange(browser.code(), **changes)
    assert (answer.status_code, answer.json()["error"]) == (status_code, error)
    assert answer.headers["cache-control"] == "no-store"


def test_a_repeated_parameter_is_refused_at_both_endpoints(
    browser: Browser, http: TestClient
) -> None:
    twice = http.get("/identity/authorize?client_id=console&client_id=console")
    assert (twice.status_code, "location" in twice.headers) == (400, False)
    raw = f"grant_type=authorization_code&code={browser.code()}&code=x"
    answer = http.post("/identity/token", content=raw, headers={"Content-Type": FORM})
    assert answer.json()["error"] == "invalid_request"


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("content", "media_type", "status_code"),
    [
        (b"{}", "application/json", 400),
        (b"code=%ff", FORM, 400),
        (b"code=%zz", FORM, 400),
        ("code=诚".encode(), FORM, 400),
        (b"a=" + b"b" * 20_000, FORM, 413),
        (b"&".join(b"p%d=1" % number for number in range(40)), FORM, 400),
        (b"", FORM, 400),
    ],
    ids=["json", "utf8", "escape", "raw-utf8", "large", "many", "empty"],
)
def test_a_malformed_form_is_a_client_error(
    http: TestClient, content: bytes, media_type: str, status_code: int
) -> None:
    answer = http.post("/identity/token", content=content, headers={"Content-Type": media_type})
    assert (answer.status_code, answer.json()["error"]) == (status_code, "invalid_request")


def test_a_registered_uri_keeps_its_own_query(http: TestClient, browser: Browser) -> None:
    asked = {
        "client_id": "desk",
        "redirect_uri": "http://127.0.0.1:9000/desk/?from=identity",
        "scope": "openid staff:reviewer",
    }
    response = browser.choose(page_id(browser.authorize(**asked)), "reviewer")
    assert response.headers["location"].startswith(
        "http://127.0.0.1:9000/desk/?from=identity&code="
    )


def test_discovery_names_where_everything_is(http: TestClient) -> None:
    answer = http.get("/identity/.well-known/openid-configuration")
    found = answer.json()
    assert found["issuer"] == ISSUER
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert found["scopes_supported"] == ["openid", "citizen", "staff:reviewer"]
    assert answer.headers["access-control-allow-origin"] == "*"
    for member in ("jwks_uri", "authorization_endpoint"):
        assert http.get(found[member].removeprefix("http://127.0.0.1:9001")).status_code != 404


def test_the_published_key_set_holds_no_private_member(http: TestClient) -> None:
    (key,) = http.get("/identity/jwks.json").json()["keys"]
    assert sorted(key) == ["alg", "crv", "kid", "kty", "use", "x", "y"]


def test_only_a_registered_origin_may_read_the_token_answer(
    browser: Browser, http: TestClient
) -> None:
    origins = {}
    for origin in ("http://127.0.0.1:9000", "https://evil.example", "null"):
        answer = http.post("/identity/token", data={"grant_type": "x"}, headers={"Origin": origin})
        origins[origin] = answer.headers.get("access-control-allow-origin")
        assert answer.headers["vary"] == "Origin"
    assert origins == {
        "http://127.0.0.1:9000": "http://127.0.0.1:9000",
        "https://evil.example": None,
        "null": None,
    }
