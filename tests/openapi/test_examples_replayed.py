"""Every example of the document, sent to the service as it stands there: the documented status, and
an answer with the example's members. Only what nobody can know beforehand is put in its place: a
signed assertion, the handle of a consent, the number of a case."""

import datetime as dt
import json
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jwt
import msgspec
import pytest

from api.access import Access
from api.commands.demo.lasting import lasting_register
from api.ledger.audit.keeping import make_head
from api.ledger.audit.log import SqliteLog
from api.partner.client_keys import client_keys_file
from api.partner.registry import load_registry
from api.problems import PROBLEMS
from api.signing_keys import jwks_of, make_signing_key
from api.store.protocol import Version
from scoring.benefits import benefits_document
from scoring.keys import key_files
from scoring.signing import make_keypair, read_signing_key
from tests.api.city import AS_OF, subject
from tests.api.service import Reply, Service, service_of
from tests.rights.town import Town, join, record

from .conftest import Checker

Document = dict[str, Any]
OWN_ADDRESS = "/schema/openapi.json"
EXAMPLE_RECORD = "Zk3v9Qx1LmA7"
LIBRARY = "city_library"
PATH_EXAMPLES = {"version": "2026-01"}  # of what anybody can read
STAFF = {"officer": "staff staff:officer", "reviewer": "staff staff:reviewer"}


class ExampleTown(Town):
    """Its people have the record of the examples, and it serves the register as published."""

    def version(self) -> Version:
        version = super().version()
        register = msgspec.json.encode(benefits_document(lasting_register(), AS_OF))
        documents = {**version.documents, "benefits": register}
        return msgspec.structs.replace(version, documents=documents)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder: Path = tmp_path_factory.mktemp("examples")
    city = ExampleTown()
    for name in ("ann", "bob", "joining", "leaving"):
        city.add(name, [record(EXAMPLE_RECORD, "penalty general", -40)])
    city.add("plain", [])
    city.add("over", [record("kept1", "commitment kept", 250)])
    key = make_signing_key()
    client_keys_file(folder, LIBRARY).parent.mkdir(parents=True)
    client_keys_file(folder, LIBRARY).write_text(json.dumps(jwks_of(key)))
    with service_of(city, folder) as running:
        running.library_key = key  # type: ignore[attr-defined]
        join(running, "ann", "bob", "over", "leaving")
        yield running


class Replay:
    """Sends examples of operations; remembers which were answered."""

    def __init__(self, town: Service) -> None:
        self.town = town
        self.document: Document = town.get(OWN_ADDRESS).json()
        self.checker = Checker(self.document)
        self.replayed: set[str] = set()
        self._operations = {
            operation["operationId"]: (method.upper(), path, operation)
            for path, item in self.document["paths"].items()
            for method, operation in item.items()
        }

    @property
    def all(self) -> set[str]:
        return set(self._operations)

    @property
    def public(self) -> set[str]:
        """What anybody can read."""
        return {
            name
            for name, (method, _, operation) in self._operations.items()
            if method == "GET" and operation["security"] == [{}]
        }

    def example(self, operation_id: str) -> Any:
        (content,) = self._operations[operation_id][2]["requestBody"]["content"].values()
        return content["example"]

    def send(self, operation_id: str, token: str | None, *, query: str = "", **put_in: Any) -> Any:
        """The answer's body. `put_in`: of the path, and members of the body."""
        method, path, operation = self._operations[operation_id]
        body, headers = b"", {}
        if "requestBody" in operation:
            ((media_type, content),) = operation["requestBody"]["content"].items()
            sent = content["example"] | {n: v for n, v in put_in.items() if n in content["example"]}
            is_form = media_type.endswith("urlencoded")
            body = (urlencode(sent) if is_form else json.dumps(sent)).encode()
            headers = {"content-type": media_type}
        reply = self.town.ask(method, path.format_map(put_in) + query, token, headers, [body])
        self._compare(operation_id, operation, reply)
        return reply.json() if "json" in reply.headers.get("content-type", "") else reply.body

    def _compare(self, operation_id: str, operation: Document, reply: Reply) -> None:
        (documented,) = [status for status in operation["responses"] if status < "300"]
        assert (operation_id, str(reply.status)) == (operation_id, documented), reply.body
        self.replayed.add(operation_id)
        for content in operation["responses"][documented].get("content", {}).values():
            if isinstance(content["example"], dict):
                answer = reply.json()
                assert self.checker.errors(content["schema"], answer) == []
                assert set(answer) >= set(content["example"]) - {"overlaid_at_position"}


def staff(town: Service, role: str) -> str:
    return town.signer.token(sub=f"{role}-1", scope=STAFF[role], birthdate=...)


def assertion(town: Service) -> str:
    client, now = load_registry().by_id[LIBRARY].client_id, int(time.time())
    claims = {"iss": client, "sub": client, "aud": "https://chengxin.example"}
    claims |= {"jti": secrets.token_urlsafe(16), "iat": now, "exp": now + 120}
    key = town.library_key  # type: ignore[attr-defined]
    return jwt.encode(claims, key.private_key, "ES256", {"kid": key.kid})


def test_every_documented_request_gets_its_documented_answer(town: Service) -> None:
    replay = Replay(town)
    ann, bob, over = (town.signer.token(name) for name in ("ann", "bob", "over"))
    joining, leaving = (town.signer.token(name) for name in ("joining", "leaving"))
    replay.send("enrol", joining)
    for operation in (
        *("getMyScore", "getMyScoreExplanation", "getMyScoreHistory", "getEnrolment"),
        *("getEnrolmentReceipt", "listAccesses", "listEvents", "exportMyData"),
    ):
        replay.send(operation, ann)
    replay.send("withdraw", leaving)
    consents(replay, over)
    cases(replay, ann, bob)
    signed_log(replay, ann)
    replay.send("getMyScoreWhatIf", town.signer.token("plain"), query="?target=560")
    for operation in replay.public - replay.replayed:
        replay.send(operation, None, **PATH_EXAMPLES)
    assert replay.all - replay.replayed == set()


def consents(replay: Replay, citizen: str) -> None:
    expires_at = (dt.datetime.now(dt.UTC) + dt.timedelta(days=90)).isoformat()
    granted = replay.send("grantConsent", citizen, expires_at=expires_at)
    own = granted["id"]
    replay.send("listConsents", citizen)
    replay.send("getConsent", citizen, consent_id=own)
    replay.send("getConsentQr", citizen, consent_id=own)
    token = replay.send("getPartnerToken", None, client_assertion=assertion(replay.town))
    partner = token["access_token"]
    handle = granted["handle"]
    replay.send("checkEligibility", partner, consent=handle)
    question = replay.example("checkEligibility") | {"consent": handle}
    batch = replay.send("checkEligibilityBatch", partner, items=[question])
    assert [item["eligible"] for item in batch["items"]] == [True]
    replay.send("getPartnerConsent", partner, handle=handle)
    replay.send("giveUpConsent", partner, handle=handle)
    replay.send("attestDeletion", partner)
    replay.send("listPartners", staff(replay.town, "officer"))
    again = replay.send("grantConsent", citizen, expires_at=expires_at)["id"]
    replay.send("changeConsent", citizen, consent_id=again)
    replay.send("revokeConsent", citizen, consent_id=again)
    replay.send("issueVoucher", citizen)


def cases(replay: Replay, ann: str, bob: str) -> None:
    officer, reviewer = (staff(replay.town, role) for role in STAFF)
    replay.send("stateOnRecord", ann, record_id=EXAMPLE_RECORD)
    opened = {
        "Dispute": replay.send("openDispute", ann)["id"],
        "Repair": replay.send("requestRepair", bob)["id"],
        "Review": replay.send("requestReview", ann)["id"],
    }
    for kind, case_id in opened.items():
        replay.send(f"list{kind}s", ann)
        replay.send(f"listStaff{kind}s", officer)
        replay.send(f"getStaff{kind}", officer, case_id=case_id)
        replay.send(f"decide{kind}", officer, case_id=case_id)
        if kind != "Review":
            replay.send(f"confirm{kind}", reviewer, case_id=case_id)


def signed_log(replay: Replay, ann: str) -> None:
    town, files = replay.town, key_files(replay.town.folder)
    make_keypair(files.log, files.log_public)
    with SqliteLog(town.folder / "ledger.sqlite") as log:
        _, head = make_head(town.folder, log, read_signing_key(files.log), dt.datetime.now(dt.UTC))
    replay.send("listLogHeads", None)
    replay.send("getLogConsistency", None, query=f"?from={head.size}&to={head.size}")
    (joined,) = town.run(town.ledger.subject_events(subject("ann"), kinds=("enrolled",), limit=1))
    replay.send("getEventProof", ann, seq=joined.seq)


def operations_of(town: Service) -> Iterator[tuple[str, str, Access]]:
    for route in town.app.table.routes:
        for method, access in route.operations.items():
            if route.template != OWN_ADDRESS and method != "HEAD":
                yield method, route.template, access


def token_with(town: Service, scope: str) -> str:
    if scope in load_registry().by_id[LIBRARY].scopes:
        return town.partner_token(LIBRARY)
    return staff(town, "officer") if scope == "staff" else town.signer.token("ann", scope=scope)


def refused_requests(town: Service, method: str, access: Access) -> Iterator[tuple[str, Document]]:
    """Code, and how to be refused with it, whatever the operation."""
    scope = access.scope
    token = None if scope is None else token_with(town, scope)
    kind = {"json": "application/json", "form": "application/x-www-form-urlencoded"}
    typed = [("content-type", kind.get(access.body, "text/plain"))]
    yield "bad_request", {"headers": [("host", "a"), ("host", "b")], "token": token}
    yield "invalid_parameter", {"query": "?never_heard_of=1", "token": token}
    yield "not_acceptable", {"headers": [("accept", "application/x-unknown")], "token": token}
    if scope:
        yield "token_refused", {}
        yield "scope_missing", {"token": town.signer.token("ann", scope="openid")}
    if access.body == "json":
        yield "malformed_body", {"headers": typed, "body": b"{", "token": token}
        yield "invalid_body", {"headers": typed, "body": b"[]", "token": token}
    if access.body != "none":
        yield "body_too_large", {"headers": typed, "body": b" " * (1 << 20), "token": token}
        yield "unsupported_media_type", {"headers": [("content-type", "x/y")], "token": token}


def test_every_shared_refusal_is_the_documented_example_to_the_letter(town: Service) -> None:
    """All members but the trace id, on every operation that documents the code."""
    document: Document = town.get(OWN_ADDRESS).json()
    wrong = []
    for method, path, access in operations_of(town):
        responses = document["paths"][path][method.lower()]["responses"]
        for code, how in refused_requests(town, method, access):
            reply = town.ask(
                method,
                path + how.get("query", ""),
                how.get("token"),
                how.get("headers", ()),
                [how.get("body", b"")],
            )
            status = str(PROBLEMS[code].status)
            examples = responses[status]["content"]["application/problem+json"]["examples"]
            assert code in examples, (method, path, code)
            example = document["components"]["examples"][code]["value"]
            if reply.json() | {"trace_id": ""} != example | {"trace_id": ""}:
                wrong.append((method, path, code, reply.status, reply.code))
    assert wrong == []
