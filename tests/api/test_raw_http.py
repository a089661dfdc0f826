"""What no client library sends, over a socket to the real server: the right 4xx in the one shape of
refusals where the service sees it, an empty one where the server's parser does; never a 5xx, never
a second answer smuggled in, and no connection left waiting."""

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from http.client import HTTPResponse
from pathlib import Path
from typing import NamedTuple

import pytest

from api.commands.serve import server_command
from api.identity.tokens import issue_token
from api.signing_keys import make_signing_key, write_signing_key
from loadtest.key_set import key_set
from scoring.keys import key_files
from scoring.store.embedded import EmbeddedStore
from tests.api.service import AUDIENCE
from tests.partner.town import publish_town, scores_of, subject_of
from tests.support.patient_worker import patient_command
from tests.support.ports import free_port
from tests.support.snapshots import SNAPSHOT_KEY
from tests.support.waiting import LONG_SECONDS

ROOT = Path(__file__).parents[2]
SECONDS = LONG_SECONDS  # to answer and close; else it hangs
ENROL = b"POST /v1/me/enrolment"
JSON = b"Content-Type: application/json\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


class Raw(NamedTuple):
    """`answers`: how many status lines came back before the server closed. `code`: of the first."""

    answers: int
    status: int
    code: str
    body: bytes


class Server(NamedTuple):
    port: int
    token: str

    @property
    def bearer(self) -> bytes:
        return b"Authorization: Bearer " + self.token.encode() + b"\r\n"

    def send(self, *pieces: bytes) -> Raw:
        """Raises TimeoutError where the server neither answers nor closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS) as connection:
            received = b""
            try:
                for piece in pieces:
                    connection.sendall(piece)
                while more := connection.recv(65_536):
                    received += more
            except (BrokenPipeError, ConnectionResetError):
                pass  # refused before all was sent
        return parsed(received)

    def request(self, line: bytes, headers: bytes = b"", body: bytes = b"") -> Raw:
        """With a Host and Connection: close."""
        head = line + b" HTTP/1.1\r\nHost: localhost\r\n" + headers + b"Connection: close\r\n\r\n"
        return self.send(head + body)

    def enrol(self, headers: bytes, body: bytes) -> Raw:
        return self.request(ENROL, self.bearer + JSON + headers, body)


def parsed(received: bytes) -> Raw:
    status = int(received[9:12]) if received.startswith(b"HTTP/1.") else 0
    head, _, body = received.partition(b"\r\n\r\n")
    is_problem = b"application/problem+json" in head.lower()
    length = next(
        (
            int(line[15:])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        ),
        len(body),
    )
    code = json.loads(body[:length])["code"] if is_problem and length else ""
    return Raw(received.count(b"HTTP/1.1 ") or int(status > 0), status, code, body)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder: Path = tmp_path_factory.mktemp("raw")
    keys = key_files(folder)
    keys.snapshot.parent.mkdir()
    keys.snapshot.write_text(SNAPSHOT_KEY.hex())
    write_signing_key(make_signing_key(), keys.api_signing)
    idp, port = make_signing_key(), free_port()
    with EmbeddedStore(folder / "store") as store, key_set(idp) as issuer:
        publish_town(folder, store, scores_of(2))
        environment = {
            **os.environ,
            "CHENGXIN_DATA_DIR": str(folder),
            "CHENGXIN_STORE_URL": store.url,
            "CHENGXIN_ISSUER": issuer,
            "CHENGXIN_AUDIENCE": AUDIENCE,
            "CHENGXIN_JWKS_URI": f"{issuer}/jwks.json",
        }
        command = patient_command(server_command(host="127.0.0.1", port=port, workers=1))
        with (folder / "server.log").open("wb") as log:
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        token = issue_token(
            idp,
            issuer=issuer,
            audience=AUDIENCE,
            sub=subject_of("over"),
            scope="citizen",
            birthdate=None,
            now=int(time.time()),
            lifetime_seconds=600,
        )
        try:
            served = Server(port, token)
            wait_until_ready(served, folder / "server.log")
            yield served
        finally:
            process.terminate()
            process.wait(LONG_SECONDS)


def wait_until_ready(server: Server, log: Path) -> None:
    deadline = time.monotonic() + LONG_SECONDS
    while time.monotonic() < deadline:
        try:
            if server.request(b"GET /readyz").status == 200:
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise AssertionError(log.read_text(errors="replace"))


@pytest.fixture(autouse=True)
def still_alive(server: Server) -> Iterator[None]:
    yield
    assert server.request(b"GET /healthz").status == 200


TARGETS: dict[bytes, tuple[int, str]] = {
    "/v1/规则".encode(): (404, "not_found"),
    b"/v1/me/consents/%ff%fe": (404, "consent_not_found"),
    b"/v1/me/consents/%00": (404, "consent_not_found"),
    b"/v1/me/consents/%c0%af": (404, "consent_not_found"),
    b"/v1/me/consents/..%2fscore": (404, "not_found"),
    b"/v1/public/../me/score": (404, "not_found"),
    b"/../../etc/passwd": (404, "not_found"),
    b"//v1/rules": (404, "not_found"),
    b"/v1/rules/": (404, "not_found"),
    b"/v1/rules;.js": (404, "not_found"),
    b"/v1/me/score?cb=.png": (400, "invalid_parameter"),
    b"/v1/benefits?tag=%ff": (400, "invalid_parameter"),
    b"/v1/benefits?tag=%": (400, "invalid_parameter"),
    b"/v1/benefits?tag=" + b"a" * 60_000: (400, "invalid_parameter"),
    # the parser's own refusals have no body
    b"/v1/\0rules": (400, ""),
    b"/v1/me/consents/\xff\xfe": (400, ""),
    b"/" + b"a" * 100_000: (414, ""),
}


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: repr(t)[2:30])
def test_an_odd_address_is_refused(server: Server, target: bytes) -> None:
    reply = server.request(b"GET " + target, server.bearer)
    assert (reply.answers, reply.status, reply.code) == (1, *TARGETS[target])


@pytest.mark.parametrize(
    "method", [b"TRACE", b"CONNECT", b"FOO", b"get", b"PUT", b"PATCH", b"DELETE"]
)
def test_a_method_the_address_has_not_is_405(server: Server, method: bytes) -> None:
    target = b" localhost:80" if method == b"CONNECT" else b" /v1/rules"
    reply = server.request(method + target)
    assert (reply.answers, reply.status, reply.code) == (1, *METHOD_REFUSALS.get(method, REFUSED))


REFUSED = (405, "method_not_allowed")
METHOD_REFUSALS = {b"CONNECT": (404, "not_found")}  # an authority is no address of ours

HEADERS: dict[str, tuple[bytes, int, str]] = {
    "two hosts": (b"Host: evil.example\r\n", 400, "bad_request"),
    "two tokens": (b"Authorization: Bearer x\r\n", 400, "bad_request"),
    "folded": (b"X-A: a\r\n b\r\n", 400, ""),
    "blank before the colon": (b"X-A : a\r\n", 400, ""),
    "NUL": (b"X-A: a\0b\r\n", 400, ""),
    "1,000 lines": (b"".join(b"X-%d: a\r\n" % n for n in range(1_000)), 431, ""),
    "a megabyte": (b"X-A: " + b"a" * 1_000_000 + b"\r\n", 431, ""),
}


@pytest.mark.parametrize("name", HEADERS)
def test_odd_headers_are_refused(server: Server, name: str) -> None:
    sent, status, code = HEADERS[name]
    reply = server.request(b"GET /v1/me/score", server.bearer + sent)
    assert (reply.answers, reply.status, reply.code) == (1, status, code)


def test_http_1_1_without_a_host_is_refused_and_1_0_is_not(server: Server) -> None:
    for host in (b"", b"Host:\r\n"):
        reply = server.send(b"GET /v1/rules HTTP/1.1\r\n" + host + b"Connection: close\r\n\r\n")
        assert (reply.status, reply.code) == (400, "bad_request")
    assert server.send(b"GET /v1/rules HTTP/1.0\r\n\r\n").status == 200


@pytest.mark.parametrize(
    "noise", [b"\x16\x03\x01\x02\x00\x01" + b"\0" * 200, bytes(range(256)) * 20, b"GET /\r\n\r\n"]
)
def test_what_is_no_http_is_400_or_a_closed_door(server: Server, noise: bytes) -> None:
    assert server.send(noise).status in (0, 400)


LENGTHS = [b"-1", b"+2", b"2,2", b"0x2", b"9" * 30, b"", b"2\r\nContent-Length: 3"]


@pytest.mark.parametrize("length", LENGTHS, ids=repr)
def test_a_length_that_is_none_is_400(server: Server, length: bytes) -> None:
    reply = server.enrol(b"Content-Length: " + length + b"\r\n", b"{}")
    assert (reply.answers, reply.status) == (1, 400)


def test_an_absurd_length_is_413_at_once_and_nobody_is_asked_to_go_on(server: Server) -> None:
    for expect in (b"", b"Expect: 100-continue\r\n"):
        reply = server.enrol(b"Content-Length: 20000000\r\n" + expect, b"")
        assert (reply.answers, reply.status, reply.code) == (1, 413, "body_too_large")


CHUNKS: dict[str, tuple[bytes, str]] = {
    "well": (b"2\r\n{}\r\n0\r\n\r\n", "invalid_body"),
    "with an extension": (b"2;a=b\r\n{}\r\n0\r\n\r\n", "invalid_body"),
    "with a trailer": (b"2\r\n{}\r\n0\r\nAuthorization: Bearer x\r\n\r\n", "invalid_body"),
    "minus one": (b"-1\r\n{}\r\n0\r\n\r\n", "malformed_body"),
    "no number": (b"zz\r\n{}\r\n0\r\n\r\n", "malformed_body"),
    "huge": (b"f" * 18 + b"\r\n{}\r\n0\r\n\r\n", "malformed_body"),
    "too short": (b"5\r\n{}\r\n0\r\n\r\n", "malformed_body"),
    "without an end": (b"2\r\n{}XX0\r\n\r\n", "malformed_body"),
}


@pytest.mark.parametrize("name", CHUNKS)
def test_chunks_in_disorder_are_400(server: Server, name: str) -> None:
    sent, code = CHUNKS[name]
    reply = server.enrol(CHUNKED, sent)
    assert (reply.answers, reply.status, reply.code) == (1, 400, code)


@pytest.mark.parametrize(
    "coding", [b"identity", b"xchunked", b"gzip, chunked", b"chunked, chunked"]
)
def test_another_transfer_coding_is_a_4xx(server: Server, coding: bytes) -> None:
    reply = server.enrol(b"Transfer-Encoding: " + coding + b"\r\n", b"2\r\n{}\r\n0\r\n\r\n")
    assert (reply.answers, reply.status) == (1, 400)


SMUGGLED = b"GET /v1/rules HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 4\r\n" + CHUNKED,
        CHUNKED + b"Content-Length: 4\r\n",
        b"Content-Length: 4\r\nTransfer-Encoding : chunked\r\n",
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    ],
    ids=["length first", "chunked first", "blank", "two codings"],
)
def test_length_and_chunks_together_get_one_answer(server: Server, headers: bytes) -> None:
    reply = server.enrol(headers, b"0\r\n\r\n" + SMUGGLED)
    assert (reply.answers, reply.status) == (1, 400)


def test_requests_sent_at_once_are_answered_in_their_order(server: Server) -> None:
    one = b"GET /v1/me/score HTTP/1.1\r\nHost: localhost\r\n"
    bad = ENROL + b" HTTP/1.1\r\nHost: localhost\r\n" + server.bearer + JSON
    last = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    sent = [one + b"\r\n", bad + b"Content-Length: 1\r\n\r\n{", one + server.bearer + b"\r\n", last]
    with socket.create_connection(("127.0.0.1", server.port), timeout=SECONDS) as connection:
        connection.sendall(b"".join(sent))
        file = connection.makefile("rb")
        statuses = []
        for _ in sent:
            reply = HTTPResponse(_Kept(file))  # type: ignore[arg-type]
            reply.begin()
            reply.read()
            statuses.append(reply.status)
    assert statuses == [401, 400, 200, 200]


class _Kept:
    """A socket for http.client whose buffer outlives one answer."""

    def __init__(self, file: object) -> None:
        self._file = file

    def makefile(self, mode: str) -> object:
        return _Open(self._file)


class _Open:
    def __init__(self, file: object) -> None:
        self._file = file

    def __getattr__(self, name: str) -> object:
        return getattr(self._file, name)

    def close(self) -> None:
        """Not yet: the next answer is read from it."""


def test_a_packed_body_is_415(server: Server) -> None:
    reply = server.enrol(b"Content-Encoding: gzip\r\nContent-Length: 2\r\n", b"{}")
    assert (reply.status, reply.code) == (415, "unsupported_media_type")


def test_a_range_of_an_answer_is_the_whole_answer(server: Server) -> None:
    whole = server.request(b"GET /v1/rules")
    for wanted in (b"bytes=0-10", b"bytes=99999999999-", b"bytes=" + b"0-0," * 1_000 + b"1-1"):
        part = server.request(b"GET /v1/rules", b"Range: " + wanted + b"\r\n")
        assert (part.status, part.body) == (200, whole.body)


def test_an_upgrade_nobody_offers_is_passed_over(server: Server) -> None:
    for protocol in (b"websocket", b"h2c", b"TLS/1.0"):
        upgrade = b"Upgrade: " + protocol + b"\r\n"
        assert server.request(b"GET /v1/rules", upgrade).status == 200


def test_of_a_list_in_several_lines_every_member_counts(server: Server) -> None:
    two = (b"Accept: application/json\r\n", b"Accept: text/html\r\n")
    for lines in (two, two[::-1]):
        assert server.request(b"GET /v1/rules", b"".join(lines)).status == 200
