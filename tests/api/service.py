"""Drives the application as a server does: raw paths, raw headers, any body in any pieces."""

import asyncio
import base64
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from api.app import Parts
from api.edge import Edge
from api.ledger.notice import Notices, load_notices
from api.ledger.places import open_ledger_at
from api.ledger.protocol import Ledger
from api.partner.own_tokens import TokenIssuer
from api.partner.registry import load_registry
from api.settings import Settings
from api.signing_keys import load_signing_key, make_signing_key, write_signing_key
from api.store.protocol import SnapshotReader
from api.store.reader import BeforeServing
from tests.api.city import SNAPSHOT_KEY, City, MemoryReader, subject
from tests.support.patience import patient
from tests.support.routes_once import application
from tests.support.waiting import eventually

ISSUER = "https://identity.chengxin.example"
AUDIENCE = "https://chengxin.example/api"
KID = "2026-11"
BORN = "1990-05-01"
NOTICES = load_notices()


class Reply:
    def __init__(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self.status = status
        self.pairs = headers
        self.headers = {name.decode(): value.decode() for name, value in headers}
        self.body = body

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.json()["code"])


class Signer:
    """An identity provider's key, or an attacker's."""

    def __init__(self, kid: str = KID) -> None:
        self.kid = kid
        self.private_key = ec.generate_private_key(ec.SECP256R1())

    def jwk(self) -> dict[str, Any]:
        public = jwt.algorithms.ECAlgorithm.to_jwk(self.private_key.public_key(), as_dict=True)
        return {**public, "kid": self.kid, "alg": "ES256", "use": "sig"}

    def claims(self, name: str = "rich", **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": AUDIENCE, "iat": now, "exp": now + 600}
        claims |= {"sub": subject(name), "scope": "citizen", "birthdate": BORN, **changes}
        return {key: value for key, value in claims.items() if value is not ...}

    def token(self, name: str = "rich", **changes: Any) -> str:
        return self.sign(self.claims(name, **changes))

    def sign(self, payload: Any, **header: Any) -> str:
        head = {"typ": "at+jwt", "alg": "ES256", "kid": self.kid, **header}
        head = {key: value for key, value in head.items() if value is not ...}
        return self.sign_raw(json.dumps(head).encode(), json.dumps(payload).encode())

    def sign_raw(self, header: bytes, payload: bytes) -> str:
        text = f"{encoded(header)}.{encoded(payload)}"
        algorithm = jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA256)
        return f"{text}.{encoded(algorithm.sign(text.encode(), self.private_key))}"


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Service:
    """`signer`: the provider the service trusts."""

    def __init__(
        self,
        runner: asyncio.Runner,
        app: Edge,
        *,
        reader: MemoryReader,
        signer: Signer,
        ledgers: Sequence[Ledger],
        city: City,
        folder: Path,
    ) -> None:
        self._runner = runner
        self.folder = folder
        self.app = app
        self.reader = reader
        self.signer = signer
        self._ledgers = ledgers
        self.city = city

    @property
    def ledger(self) -> Ledger:
        return self._ledgers[0]

    def partner_token(self, partner: str = "city_library") -> str:
        """As our token endpoint issues them."""
        who = load_registry().by_id[partner]
        issuer = TokenIssuer(
            self.folder / "api_signing.pem", issuer="https://chengxin.example", audience=AUDIENCE
        )
        return issuer.token(who, frozenset(who.scopes), now=int(time.time()))

    def run(self, awaitable: Any) -> Any:
        return self._runner.run(awaitable)

    def get(self, path: str, token: str | None = None, **headers: str) -> Reply:
        return self.ask("GET", path, token, headers)

    def post(self, path: str, body: Any, token: str | None = None, **headers: str) -> Reply:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.ask(
            "POST", path, token, {"content-type": "application/json", **headers}, [data]
        )

    def ask(
        self,
        method: str,
        path: str,
        token: str | None = None,
        headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
        pieces: Sequence[bytes] = (b"",),
    ) -> Reply:
        pairs = list(headers.items()) if isinstance(headers, Mapping) else list(headers)
        if token is not None:
            pairs.append(("authorization", f"Bearer {token}"))
        raw = [(n.replace("_", "-").lower().encode(), v.encode("latin-1")) for n, v in pairs]
        return self.run(exchange(self.app, method, path, raw, pieces))


HOST = (b"host", b"127.0.0.1:8000")  # as every client sends it


async def exchange(
    app: Any, method: str, target: str, headers: list[tuple[bytes, bytes]], pieces: Sequence[bytes]
) -> Reply:
    raw_path, _, query = target.encode("latin-1").partition(b"?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": raw_path.decode("latin-1"),
        "raw_path": raw_path,
        "query_string": query,
        "root_path": "",
        "headers": headers if any(name == b"host" for name, _ in headers) else [HOST, *headers],
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 8_000),
        "state": {},
        "extensions": {},
    }
    waiting = [
        {"type": "http.request", "body": piece, "more_body": n + 1 < len(pieces)}
        for n, piece in enumerate(pieces)
    ]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start, *rest = sent
    assert start["type"] == "http.response.start"
    return Reply(start["status"], start["headers"], b"".join(m.get("body", b"") for m in rest))


@contextmanager
def service_of(
    city: City,
    folder: Path,
    *,
    make_reader: Callable[[BeforeServing], SnapshotReader] | None = None,
    mounts: Mapping[str, Any] | None = None,
    clock: Callable[[], float] = time.time,
    notices: Notices | None = None,
    is_patient: bool = True,
    **settings: Any,
) -> Iterator[Service]:
    """`make_reader`: a real one in the place of the city in memory. `is_patient`: a store or a ledger
    that is slow is waited for, as no citizen would. `settings`: see settings_for; with `ledger_url`
    the ledger is there."""
    told = settings_for(folder, **settings)
    signer = Signer()
    reader = MemoryReader(city)
    ledgers: list[Ledger] = []

    async def opened() -> Ledger:
        ledgers.append(await open_ledger_at(told.ledger_url))
        return ledgers[0]

    parts = Parts(
        make_reader=make_reader or (lambda _: reader),
        open_ledger=opened,
        snapshot_key=SNAPSHOT_KEY,
        notices=notices or NOTICES,
        receipt_key=load_signing_key(told.api_signing_key_file),
        mounts=mounts or {},
        clock=clock,
        fetch_keys=lambda _: json.dumps({"keys": [signer.jwk()]}).encode(),
    )
    with ExitStack() as stack:
        if is_patient:
            stack.enter_context(patient())
        app = stack.enter_context(application(told, parts))
        runner = stack.enter_context(asyncio.Runner())
        stack.enter_context(running(runner, app))
        runner.run(eventually(lambda: app.has_keys))
        yield Service(
            runner, app, reader=reader, signer=signer, ledgers=ledgers, city=city, folder=folder
        )


def settings_for(folder: Path, **changes: Any) -> Settings:
    signing_key = folder / "api_signing.pem"
    if not signing_key.exists():
        write_signing_key(make_signing_key(), signing_key)
    values: dict[str, Any] = {
        "data_dir": folder,
        "store_url": f"unix://{folder}/valkey.sock",
        "ledger_url": f"sqlite:///{folder}/ledger.sqlite",
        "snapshot_key_file": folder / "snapshot.key",
        "issuer": ISSUER,
        "audience": AUDIENCE,
        "jwks_uri": ISSUER + "/jwks.json",
        "site_dir": None,
        "console_client": None,
        "citizen_client": None,
        "jwks_refresh_seconds": 300,
        "token_leeway_seconds": 10,
        "token_cache_entries": 1_000,
        "body_limit_bytes": 65_536,
        "api_issuer": "https://chengxin.example",
        "api_signing_key_file": signing_key,
        "partners_file": None,
        "citizen_requests_per_minute": 100_000,
        "trusted_proxies": frozenset(),
        "public_max_age_seconds": 60,
        **changes,
    }
    return Settings(**values)


@contextmanager
def running(runner: asyncio.Runner, app: Edge) -> Iterator[None]:
    """The lifespan protocol, as a server speaks it."""
    asked: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}

    async def start() -> asyncio.Task[None]:
        task = asyncio.create_task(app(scope, asked.get, told.put))
        await asked.put({"type": "lifespan.startup"})
        message = await told.get()
        assert message["type"] == "lifespan.startup.complete", message
        return task

    async def stop(task: asyncio.Task[None]) -> None:
        await asked.put({"type": "lifespan.shutdown"})
        message = await told.get()
        assert message["type"] == "lifespan.shutdown.complete", message
        await task

    task = runner.run(start())
    try:
        yield
    finally:
        runner.run(stop(task))
