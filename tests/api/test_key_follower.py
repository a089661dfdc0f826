"""Public keys: what is accepted as a key set, how it is fetched, what a rotation does."""

import asyncio
import contextlib
import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from api.keys import (
    MAX_DOCUMENT_BYTES,
    KeyFollower,
    KeySet,
    KeysRefused,
    fetch,
    key_set_of,
    verification_key_of,
)
from tests.api.service import Service, Signer
from tests.support.waiting import LONG_SECONDS, eventually


def document(*keys: dict[str, Any]) -> bytes:
    return json.dumps({"keys": keys}).encode()


def test_keys_are_found_by_kid_with_their_one_algorithm() -> None:
    keys = key_set_of(document(Signer("a").jwk(), Signer("b").jwk()))
    assert {kid: key.algorithm for kid, key in keys.items()} == {"a": "ES256", "b": "ES256"}


@pytest.mark.parametrize(
    "change",
    [
        {"alg": ...},
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "ES384"},
        {"alg": 1},
        {"use": "enc"},
        {"key_ops": ["sign"]},
        {"kid": ...},
        {"kid": ""},
        {"kid": 5},
        {"kid": "k" * 200},
        {"x": "AAAA"},
        {"kty": "oct"},
        {"crv": "P-999"},
    ],
    ids=str,
)
def test_an_unusable_key_is_left_out_and_the_others_stay(change: dict[str, Any]) -> None:
    odd = {k: v for k, v in {**Signer("odd").jwk(), **change}.items() if v is not ...}
    assert set(key_set_of(document(odd, Signer("good").jwk()))) == {"good"}
    with pytest.raises(KeysRefused):
        key_set_of(document(odd))


def test_a_private_key_in_the_document_serves_as_a_public_one_only() -> None:
    import jwt

    signer = Signer()
    private = jwt.algorithms.ECAlgorithm.to_jwk(signer.private_key, as_dict=True)
    key = verification_key_of({**private, "alg": "ES256", "kid": "x"})
    assert not hasattr(key.key, "sign")


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{}", b'{"keys":{}}', b'{"keys":[]}', b"\xff", b'{"keys":[1]}', b"[" * 60_000],
)
def test_what_is_no_key_set_is_refused(data: bytes) -> None:
    with pytest.raises(KeysRefused):
        key_set_of(data)


def test_a_short_rsa_key_is_refused() -> None:
    import jwt
    from cryptography.hazmat.primitives.asymmetric import rsa

    for bits, is_good in ((1_024, False), (2_048, True)):
        key = rsa.generate_private_key(public_exponent=65_537, key_size=bits).public_key()
        jwk = {**jwt.algorithms.RSAAlgorithm.to_jwk(key, as_dict=True), "alg": "PS256"}
        try:
            verification_key_of(jwk)
        except KeysRefused:
            assert not is_good
        else:
            assert is_good


def test_a_kid_twice_or_too_many_keys_refuse_the_document() -> None:
    jwk = Signer().jwk()
    with pytest.raises(KeysRefused):
        key_set_of(document(jwk, jwk))
    with pytest.raises(KeysRefused):
        key_set_of(document(*({**jwk, "kid": str(n)} for n in range(33))))


Respond = Callable[[http.server.BaseHTTPRequestHandler], None]


@contextlib.contextmanager
def provider(respond: Respond) -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with contextlib.suppress(OSError):
                respond(self)

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/keys"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def answer(body: bytes, status: int = 200, *headers: tuple[str, str]) -> Respond:
    def respond(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers:
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)

    return respond


def test_a_document_is_fetched_whole() -> None:
    with provider(answer(b"x" * MAX_DOCUMENT_BYTES)) as url:
        assert len(fetch(url)) == MAX_DOCUMENT_BYTES


@pytest.mark.parametrize(
    "respond",
    [
        answer(b"x" * (MAX_DOCUMENT_BYTES + 1)),
        answer(b"", 302, ("Location", "http://127.0.0.1:1/keys")),
        answer(b"", 301, ("Location", "file:///etc/passwd")),
        answer(b"{}", 404),
        answer(b"{}", 500),
    ],
    ids=["too large", "redirect", "redirect to a file", "missing", "broken"],
)
def test_an_odd_answer_is_refused(respond: Respond) -> None:
    with provider(respond) as url, pytest.raises(KeysRefused):
        fetch(url)


@pytest.mark.parametrize(
    "url", ["file:///etc/hosts", "ftp://127.0.0.1/keys", "gopher://x/", "keys"]
)
def test_only_http_is_spoken(url: str) -> None:
    with pytest.raises(KeysRefused):
        fetch(url)


def test_a_provider_that_drips_is_given_up_at_the_deadline() -> None:
    def drip(request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        for _ in range(40):
            request.wfile.write(b"x")
            time.sleep(0.005)

    ticks = iter(range(100))
    with provider(drip) as url, pytest.raises(KeysRefused, match="slow"):
        fetch(url, monotonic=lambda: float(next(ticks)))


class Provider:
    """Documents by turn; an exception is raised instead."""

    def __init__(self, *turns: bytes | Exception) -> None:
        self.turns = list(turns)
        self.asked = 0

    def __call__(self, _: str) -> bytes:
        self.asked += 1
        turn = self.turns.pop(0) if len(self.turns) > 1 else self.turns[0]
        if isinstance(turn, Exception):
            raise turn
        return turn


def follow(provider: Provider, until: Callable[[], bool]) -> list[KeySet]:
    seen: list[KeySet] = []

    async def run() -> None:
        follower = KeyFollower(
            "http://x", refresh_seconds=0.01, on_change=seen.append, fetch=provider
        )
        await follower.open()
        await eventually(until)
        await follower.close()

    asyncio.run(run())
    return seen


def test_the_last_good_set_is_kept_through_failures_and_changes_are_told_once() -> None:
    first, second = document(Signer("a").jwk()), document(Signer("b").jwk())
    provider = Provider(OSError(), first, first, OSError(), b"nonsense", second)
    seen = follow(provider, lambda: provider.asked >= 9)
    assert [set(keys) for keys in seen] == [{"a"}, {"b"}]


def test_an_unknown_kid_asks_early_but_a_flood_of_them_asks_once() -> None:
    provider = Provider(document(Signer().jwk()))

    async def run() -> None:
        follower = KeyFollower(
            "http://x", refresh_seconds=600, on_change=lambda _: None, fetch=provider
        )
        await follower.open()
        await eventually(lambda: provider.asked == 1)
        await asyncio.sleep(0.02)
        for _ in range(1_000):
            follower.ask()
        await eventually(lambda: provider.asked == 2)
        await asyncio.sleep(0.05)
        await follower.close()

    asyncio.run(run())
    assert provider.asked == 2


def test_a_kid_asked_for_during_a_fetch_is_looked_for_right_after_it() -> None:
    """What is being fetched may have been written before the provider changed its keys."""
    is_there, go = threading.Event(), threading.Event()
    before, after = document(Signer("a").jwk()), document(Signer("b").jwk())
    seen: list[KeySet] = []

    def fetched(_: str) -> bytes:
        if is_there.is_set():
            return after
        is_there.set()
        assert go.wait(LONG_SECONDS)
        return before

    async def run() -> None:
        follower = KeyFollower(
            "http://x", refresh_seconds=10_000, on_change=seen.append, fetch=fetched
        )
        await follower.open()
        await eventually(is_there.is_set)
        follower.ask()
        go.set()
        await eventually(lambda: len(seen) == 2)
        await follower.close()

    asyncio.run(run())
    assert [set(keys) for keys in seen] == [{"a"}, {"b"}]


def test_before_any_keys_the_answer_is_come_back_and_not_you_are_wrong(service: Service) -> None:
    verifier = service.app.verifier
    taken, verifier.keys = verifier.keys, None
    try:
        reply = service.get("/v1/me/score", service.signer.token("late"))
    finally:
        verifier.use(taken)
    assert (reply.status, reply.code) == (503, "keys_unavailable")


def test_a_removed_key_ends_its_tokens_at_once_although_they_are_remembered(fresh: Service) -> None:
    old = fresh.signer.token()
    assert fresh.get("/v1/me/score", old).status == 200
    new = Signer("next")
    fresh.app.verifier.use(key_set_of(document(new.jwk())))
    assert fresh.get("/v1/me/score", old).status == 401
    assert fresh.get("/v1/me/score", new.token()).status == 200
