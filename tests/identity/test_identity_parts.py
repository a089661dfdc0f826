"""Keys, settings, tokens and the bounded memory of the provider; one start as a real process."""

import base64
import datetime as dt
import hashlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from api.identity.config import (
    Client,
    ConfigRefused,
    Persona,
    ProviderConfig,
    checked,
    load_config,
    write_config,
)
from api.identity.expiring import ExpiringStore
from api.identity.tokens import issue_token
from api.signing_keys import (
    KeyUnusable,
    SigningKey,
    jwks_of,
    load_signing_key,
    make_signing_key,
    write_signing_key,
)
from tests.support.ports import free_port
from tests.support.waiting import LONG_SECONDS


def test_a_key_survives_its_file_and_is_readable_by_the_owner_alone(tmp_path: Path) -> None:
    key = make_signing_key()
    path = tmp_path / "identity.pem"
    write_signing_key(key, path)
    assert load_signing_key(path).kid == key.kid
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_the_key_id_is_the_rfc_7638_thumbprint() -> None:
    key = make_signing_key()
    published = jwks_of(key)["keys"][0]
    members = {name: published[name] for name in ("crv", "kty", "x", "y")}
    canonical = json.dumps(members, separators=(",", ":"), sort_keys=True).encode()
    digest = hashlib.sha256(canonical).digest()
    assert key.kid == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@pytest.mark.parametrize("content", [b"", b"no key", b"-----BEGIN PRIVATE KEY-----\n"])
def test_a_file_without_a_key_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "identity.pem"
    path.write_bytes(content)
    with pytest.raises(KeyUnusable, match=r"identity\.pem"):
        load_signing_key(path)


def test_a_key_of_another_curve_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "identity.pem"
    pem = ec.generate_private_key(ec.SECP384R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(pem)
    with pytest.raises(KeyUnusable, match="P-256"):
        load_signing_key(path)


def test_issue_token_puts_exactly_the_given_claims() -> None:
    key = make_signing_key()
    token = issue_token(
        key,
        issuer="http://127.0.0.1:9001",
        audience="https://chengxin.example/api",
        sub="s" * 22,
        scope="citizen",
        birthdate=dt.date(2007, 2, 28),
        now=1_000,
        lifetime_seconds=600,
        client_id="load",
        jti="one",
    )
    claims = jwt.decode(
        token,
        key.private_key.public_key(),
        algorithms=["ES256"],
        audience="https://chengxin.example/api",
        options={"verify_exp": False},
    )
    assert claims == {
        "iss": "http://127.0.0.1:9001",
        "aud": "https://chengxin.example/api",
        "iat": 1_000,
        "exp": 1_600,
        "sub": "s" * 22,
        "scope": "citizen",
        "client_id": "load",
        "jti": "one",
        "birthdate": "2007-02-28",
    }


def test_a_staff_token_has_no_birth_date() -> None:
    token = issue_token(
        make_signing_key(),
        issuer="i",
        audience="a",
        sub="s",
        scope="staff:reviewer",
        birthdate=None,
        now=1,
        lifetime_seconds=1,
    )
    assert "birthdate" not in jwt.decode(token, options={"verify_signature": False})


def test_a_value_is_taken_once_and_not_after_its_life() -> None:
    store: ExpiringStore[str] = ExpiringStore(capacity=9, life_seconds=10)
    key = store.put("a", now=0)
    assert store.take(key, now=9.9) == "a"
    assert store.take(key, now=9.9) is None
    assert store.take(store.put("b", now=0), now=10) is None


def test_memory_is_bounded_and_the_oldest_makes_room() -> None:
    store: ExpiringStore[int] = ExpiringStore(capacity=3, life_seconds=100)
    keys = [store.put(number, now=number) for number in range(5)]
    assert len(store) == 3
    assert [store.take(key, now=5) for key in keys] == [None, None, 2, 3, 4]


def test_expired_values_leave_memory_at_the_next_put() -> None:
    store: ExpiringStore[int] = ExpiringStore(capacity=100, life_seconds=10)
    for number in range(50):
        store.put(number, now=0)
    store.put(1, now=10)
    assert len(store) == 1


def some_config(**changes: object) -> ProviderConfig:
    config = ProviderConfig(
        issuer="http://127.0.0.1:9001",
        audience="https://chengxin.example/api",
        key_file="identity.pem",
        personas=[Persona(persona="new", sub="n" * 22, scope="citizen")],
        clients=[
            Client(
                client_id="console",
                name="试用台",
                redirect_uris=["http://127.0.0.1:9000/console/"],
                scopes=["citizen"],
            )
        ],
    )
    return msgspec.structs.replace(config, **changes)


def client_at(uri: str) -> Client:
    return Client(client_id="c", name="c", redirect_uris=[uri], scopes=[])


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "http://127.0.0.1:9001/"},
        {"issuer": "http://city.example"},
        {"issuer": "127.0.0.1:9001"},
        {"clients": [client_at("http://city.example/back")]},
        {"clients": [client_at("https://city.example/*")]},
        {"clients": [client_at("https://city.example/#x")]},
        {"clients": [client_at("javascript:alert(1)")]},
        {"clients": [client_at("https://user@city.example/")]},
        {"clients": [client_at("/console/")]},
        {"clients": [client_at("https://a.example/"), client_at("https://b.example/")]},
    ],
    ids=lambda changes: str(next(iter(changes.values()))),
)
def test_an_unsafe_setting_is_refused_at_start(changes: dict[str, object]) -> None:
    with pytest.raises(ConfigRefused):
        checked(some_config(**changes))


def test_settings_survive_their_file_and_are_readable_by_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "identity.json"
    write_config(some_config(), path)
    assert load_config(path) == some_config()
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_misspelt_setting_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "identity.json"
    write_config(some_config(), path)
    path.write_text(path.read_text().replace('"personas"', '"persons"'))
    with pytest.raises(msgspec.ValidationError):
        load_config(path)


def fetched(url: str, process: subprocess.Popen[bytes]) -> dict[str, object]:
    deadline = time.monotonic() + LONG_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=LONG_SECONDS) as answer:  # noqa: S310
                content: dict[str, object] = json.load(answer)
                return content
        except OSError:
            assert process.poll() is None, "the provider ended at start"
            assert time.monotonic() < deadline, "the provider did not answer"
            time.sleep(0.05)


def test_the_provider_runs_as_a_process_and_stops_on_sigterm(
    tmp_path: Path, key: SigningKey
) -> None:
    issuer = f"http://127.0.0.1:{free_port()}"
    write_signing_key(key, tmp_path / "identity.pem")
    config = some_config(issuer=issuer, key_file=str(tmp_path / "identity.pem"))
    write_config(config, tmp_path / "identity.json")
    process = subprocess.Popen(
        [sys.executable, "-m", "api.identity", "--config", str(tmp_path / "identity.json")],
        env={**os.environ, "PYTHONWARNINGS": ""},
    )
    try:
        found = fetched(f"{issuer}/.well-known/openid-configuration", process)
        assert found["issuer"] == issuer
        assert fetched(f"{issuer}/jwks.json", process) == jwks_of(key)
    finally:
        process.terminate()
        status = process.wait(timeout=LONG_SECONDS)
    assert status == 0
