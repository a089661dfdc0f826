import base64
import datetime as dt
import hashlib
import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from litestar.testing import TestClient

from api.identity.app import create_provider_app
from api.identity.config import Client, Persona, ProviderConfig
from api.signing_keys import SigningKey, make_signing_key

ISSUER = "http://127.0.0.1:9001/identity"
AUDIENCE = "https://chengxin.example/api"
REDIRECT_URI = "http://127.0.0.1:9000/console/"
VERIFIER = "v" * 20 + "-._~" + "0" * 30


def challenge_of(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


class Clock:
    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


class Browser:
    """What a person's browser does with the provider, one step a method."""

    def __init__(self, http: TestClient) -> None:
        self.http = http

    def authorize(self, **changes: str | None) -> httpx.Response:
        asked: dict[str, str | None] = {
            "response_type": "code",
            "client_id": "console",
            "redirect_uri": REDIRECT_URI,
            "scope": "openid citizen",
            "state": "state-1",
            "nonce": "nonce-1",
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
            **changes,
        }
        sent = {name: value for name, value in asked.items() if value is not None}
        return self.http.get("/identity/authorize", params=sent)

    def choose(self, page: str, persona: str = "rich", **changes: str) -> httpx.Response:
        form = {"page": page, "persona": persona, "decision": "login", **changes}
        return self.http.post("/identity/authorize", data=form)

    def code(self, persona: str = "rich", **changes: str | None) -> str:
        return returned(self.choose(page_id(self.authorize(**changes)), persona))["code"]

    def exchange(self, code: str, /, **changes: str | None) -> httpx.Response:
        asked: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "client_id": "console",
            "redirect_uri": REDIRECT_URI,
            "code": code,
            "code_verifier": VERIFIER,
            **changes,
        }
        sent = {name: value for name, value in asked.items() if value is not None}
        return self.http.post("/identity/token", data=sent)


def page_id(response: httpx.Response) -> str:
    assert response.status_code == 200, response.text
    found = re.search(r'name="page" value="([^"]+)"', response.text)
    assert found
    return found[1]


def returned(response: httpx.Response) -> dict[str, str]:
    """The query with which the provider sends the browser back to the client."""
    assert response.status_code == 303, response.text
    parts = urlsplit(response.headers["location"])
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == REDIRECT_URI
    return {name: values[0] for name, values in parse_qs(parts.query).items()}


@pytest.fixture(scope="session")
def key() -> SigningKey:
    return make_signing_key()


@pytest.fixture(scope="session")
def config() -> ProviderConfig:
    return ProviderConfig(
        issuer=ISSUER,
        audience=AUDIENCE,
        key_file="identity.pem",
        personas=[
            Persona(persona="rich", sub="r" * 22, scope="citizen", birthdate=dt.date(1980, 5, 17)),
            Persona(persona="minor", sub="m" * 22, scope="citizen", birthdate=dt.date(2015, 1, 2)),
            Persona(persona="reviewer", sub="staff-1", scope="staff:reviewer", name="复核员"),
        ],
        clients=[
            Client(
                client_id="console",
                name="试用台",
                redirect_uris=[REDIRECT_URI],
                scopes=["citizen"],
            ),
            Client(
                client_id="desk",
                name="工作台",
                redirect_uris=["http://127.0.0.1:9000/desk/?from=identity"],
                scopes=["staff:reviewer"],
            ),
        ],
    )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def http(config: ProviderConfig, key: SigningKey, clock: Clock) -> Iterator[TestClient]:
    app = create_provider_app(config, key, clock=clock)
    with TestClient(app, base_url="http://127.0.0.1:9001") as client:
        client.follow_redirects = False
        yield client


@pytest.fixture
def browser(http: TestClient) -> Browser:
    return Browser(http)
