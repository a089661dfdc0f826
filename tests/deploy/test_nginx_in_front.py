"""nginx as deployed, in front of the real service: what passes, what is kept, what is cut."""

import contextlib
import json
import ssl
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.deploy.conftest import Town
from tests.deploy.nginx import NAME, NGINX, ROOT, Front

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed (apt install nginx)")

SLOW_CLIENTS = 20
CUT_SECONDS = 30.0  # 5 each, and a machine shared with other tests


@pytest.fixture(scope="module")
def front(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("front")
    folder.chmod(0o755)
    site = folder / "site"
    command = [sys.executable, "-m", "api.commands", "site", "build", "--data", town.road.data]
    subprocess.run([*map(str, command), "--out", str(site)], check=True, cwd=ROOT)
    made = Front(folder, int(town.service.url.rsplit(":", 1)[1]), site)
    checked = made.check()
    assert checked.returncode == 0, checked.stderr
    assert "warn" not in checked.stderr, checked.stderr
    with made.running():
        yield made


@pytest.fixture(scope="module")
def client(front: Front) -> Iterator[httpx.Client]:
    with client_of(front) as made:
        yield made


def client_of(front: Front) -> httpx.Client:
    context = ssl.create_default_context(cafile=str(front.folder / "tls" / "fullchain.pem"))
    return httpx.Client(
        base_url=f"https://127.0.0.1:{front.port}",
        headers={"Host": NAME},
        verify=context,
        trust_env=False,
    )


def test_a_citizen_reads_her_score_through_it(town: Town, client: httpx.Client) -> None:
    reply = client.get("/v1/me/score", headers=town.bearer("rich"))
    assert reply.status_code == 200
    assert reply.headers["cache-control"] == "private, no-store"
    assert "max-age" in reply.headers["strict-transport-security"]


def test_every_documented_address_reaches_the_service(client: httpx.Client) -> None:
    document = client.get("/schema/openapi.json").json()
    for path, operations in document["paths"].items():
        for method in operations:
            address = path.replace("{", "x").replace("}", "x")
            reply = client.request(method, address)
            if path == "/metrics":
                assert reply.status_code == 404
            else:
                assert "text/html" not in reply.headers.get("content-type", ""), (method, path)


def test_pages_come_compressed_with_the_policy_they_were_built_with(
    front: Front, client: httpx.Client
) -> None:
    policy = (front.site / "content-security-policy.txt").read_text().strip()
    reply = client.get("/rules/")
    assert reply.status_code == 200
    assert reply.headers["content-security-policy"] == policy
    assert reply.headers["x-content-type-options"] == "nosniff"
    packed = front.site / "rules" / "index.html.gz"
    import gzip

    packed.write_bytes(gzip.compress((front.site / "rules" / "index.html").read_bytes()))
    assert client.get("/rules/").headers["content-encoding"] == "gzip"
    assert client.get("/voucher/").status_code == 200
    assert client.get("/nowhere/").status_code == 404
    again = client.get("/rules/", headers={"If-None-Match": reply.headers["etag"]})
    assert again.status_code in {200, 304}
    for hidden in ("/.git/config", "/content-security-policy.txt", "/rules/../../conf/nginx.conf"):
        assert client.get(hidden).status_code in {400, 404}


def test_refusals_of_nginx_itself_are_problems_too(client: httpx.Client) -> None:
    cases = [
        (client.post("/v1/me/consents", content=b"x" * 70_000), 413, "body_too_large"),
        (client.put("/rules/"), 405, "method_not_allowed"),
        (client.get("/v1/rules", headers={"X-Big": "x" * 9_000}), 400, "bad_request"),
    ]
    for reply, status, code in cases:
        assert (reply.status_code, reply.json()["code"]) == (status, code)
        assert reply.headers["content-type"].startswith("application/problem+json")
        assert reply.json()["status"] == status
        assert len(reply.json()["trace_id"]) == 32
        assert "nginx/" not in reply.text + reply.headers.get("server", "")


@pytest.mark.parametrize(
    ("line", "headers"),
    [
        (b"GET /v1/rules?" + b"a" * 20_000 + b" HTTP/1.1", b""),
        (b"no request at all", b""),
        (b"GET /v1/rules HTTP/9.1", b""),
        (b"GET /%zz HTTP/1.1", b""),
        (b"GET /../../x HTTP/1.1", b""),
        (b"GET /v1/rules HTTP/1.1", b"Host: another.example\r\n"),
        (b"POST /v1/me/enrolment HTTP/1.1", b"Transfer-Encoding: unheard-of\r\n"),
        (
            b"POST /v1/me/enrolment HTTP/1.1",
            b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        ),
        (b"POST /v1/me/enrolment HTTP/1.1", b"Content-Length: 5\r\nContent-Length: 0\r\n"),
    ],
    ids=lambda part: part[:24].decode(),
)
def test_what_nginx_cannot_read_is_one_400_in_our_shape(
    front: Front, line: bytes, headers: bytes
) -> None:
    hidden = b"0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: " + NAME.encode() + b"\r\n\r\n"
    answer = spoken(
        front, line + b"\r\nHost: " + NAME.encode() + b"\r\n" + headers + b"\r\n" + hidden
    )
    head, _, body = answer.partition(b"\r\n\r\n")
    assert answer.count(b"HTTP/1.1 ") == 1, answer
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: application/problem+json" in head.lower()
    assert json.loads(body)["code"] == "bad_request"


def test_without_a_name_nothing_is_said(front: Front) -> None:
    assert spoken(front, b"GET / HTTP/1.1\r\n\r\n") == b""


def spoken(front: Front, request: bytes) -> bytes:
    """All that comes back until nginx closes."""
    answer = b""
    with (
        front.connect(CUT_SECONDS) as connection,
        contextlib.suppress(ConnectionError, ssl.SSLError),
    ):
        connection.sendall(request)
        while more := connection.recv(65_536):
            answer += more
    return answer


def test_plain_http_leads_to_https_and_another_name_nowhere(front: Front) -> None:
    plain = f"http://127.0.0.1:{front.plain_port}/rules/?a=b"
    moved = httpx.get(plain, headers={"Host": NAME}, trust_env=False)
    assert (moved.status_code, moved.headers["location"]) == (301, f"https://{NAME}/rules/?a=b")
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        httpx.get(plain, headers={"Host": "evil.example"}, trust_env=False)


def test_old_tls_is_refused(front: Front) -> None:
    for option, is_taken in (("-tls1_1", False), ("-tls1_2", True), ("-tls1_3", True)):
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{front.port}", option]
        # the client itself would not speak 1.1 any more: level 0 lets it try
        done = subprocess.run(
            [*command, "-servername", NAME, "-cipher", "ALL:@SECLEVEL=0"],
            input=b"",
            capture_output=True,
            check=False,
        )
        assert (b"Cipher is (NONE)" not in done.stdout) is is_taken, option


def test_slow_clients_are_cut_while_others_are_served(
    town: Town, front: Front, client: httpx.Client
) -> None:
    """Half of them send a header a byte at a time, half stop in the middle of a body."""
    lives: list[float] = []
    start = time.monotonic()

    def drip_header() -> None:
        with front.connect(CUT_SECONDS) as connection:
            _drip(connection, b"GET /v1/rules HTTP/1.1\r\nHost: " + NAME.encode() + b"\r\nX: ")
        lives.append(time.monotonic() - start)

    def stall_body() -> None:
        with front.connect(CUT_SECONDS) as connection:
            connection.sendall(
                b"POST /v1/me/enrolment HTTP/1.1\r\nHost: " + NAME.encode() + b"\r\n"
                b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
            )
            while connection.recv(4_096):
                pass
        lives.append(time.monotonic() - start)

    clients = [
        threading.Thread(target=target) for target in [drip_header, stall_body] * SLOW_CLIENTS
    ]
    for thread in clients:
        thread.start()
    seconds: list[float] = []
    while any(thread.is_alive() for thread in clients):
        asked = time.monotonic()
        assert client.get("/v1/me/score", headers=town.bearer("rich")).status_code == 200
        seconds.append(time.monotonic() - asked)
        time.sleep(0.1)
    for thread in clients:
        thread.join()
    assert len(lives) == 2 * SLOW_CLIENTS
    assert max(lives) <= CUT_SECONDS
    assert statistics.median(seconds) < 1.0


def _drip(connection: ssl.SSLSocket, text: bytes) -> None:
    """Until the other side has had enough."""
    connection.settimeout(0.2)
    for byte in text + b"x" * 200:
        try:
            connection.sendall(bytes([byte]))
            if connection.recv(1) == b"":
                return
        except (TimeoutError, ssl.SSLWantReadError):
            continue
        except OSError:
            return
    raise AssertionError("never cut")


def test_with_the_service_gone_published_documents_stay_and_the_rest_is_503(
    town: Town, front: Front, client: httpx.Client
) -> None:
    port = int(town.service.url.rsplit(":", 1)[1])
    published = ("/v1/rules", "/v1/notice", "/v1/notices", "/v1/log/heads")
    before = {path: client.get(path).raise_for_status().content for path in published}
    front.write(9)  # the discard port: nobody listens there
    front.reload()
    try:
        with client_of(front) as later:
            assert {path: later.get(path).content for path in published} == before
            refused = later.get("/v1/me/score", headers=town.bearer("rich"))
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
            assert refused.json()["code"] == "store_unavailable"
            assert later.get("/rules/").status_code == 200
    finally:
        front.write(port)
        front.reload()


def test_private_answers_are_never_kept(town: Town, front: Front, client: httpx.Client) -> None:
    people = ("rich", "over", "rich")
    answers = [client.get("/v1/me/score", headers=town.bearer(who)).content for who in people]
    assert len(set(answers)) == 2
    client.get("/v1/rules")
    kept = b"".join(p.read_bytes() for p in (front.folder / "cache").rglob("*") if p.is_file())
    assert b'"rules":' in kept
    assert not any(answer in kept for answer in answers)
    assert json.loads(client.get("/healthz").content)["status"] == "ok"


def test_nothing_of_a_citizen_is_in_its_logs(front: Front) -> None:
    for log in (front.folder / "logs").iterdir():
        text = log.read_text(errors="replace")
        assert "Bearer" not in text
        assert "127.0.0.1" not in text, text
