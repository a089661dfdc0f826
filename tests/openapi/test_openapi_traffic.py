"""What the service really answers is what the document says: status, media type, headers, body."""

import datetime as dt
import json
from typing import Any

import pytest

from tests.api.service import Reply, Service

from .conftest import Checker

Document = dict[str, Any]


class Recorded:
    """One request and its answer."""

    def __init__(self, service: Service, method: str, path: str, **more: Any) -> None:
        self.method = method
        self.template = path.partition("?")[0]
        token = (
            service.signer.token(more["who"], **more.get("claims", {})) if "who" in more else None
        )
        headers = more.get("headers", {})
        pieces = [b""]
        if "body" in more:
            headers = {"content-type": "application/json", **headers}
            pieces = [json.dumps(more["body"]).encode()]
        self.reply: Reply = service.ask(method, path, token, headers, pieces)


CALLS: list[tuple[int, str, str, dict[str, Any]]] = [
    (200, "GET", "/healthz", {}),
    (200, "GET", "/readyz", {}),
    (200, "GET", "/metrics", {}),
    (200, "GET", "/v1/rules", {}),
    (200, "GET", "/v1/benefits", {}),
    (200, "GET", "/v1/benefits?tag=信易行".encode().decode("latin-1"), {}),
    (200, "GET", "/v1/catalogue", {}),
    (200, "GET", "/v1/notice", {}),
    (200, "GET", "/v1/notice", {"headers": {"accept-language": "en"}}),
    (304, "GET", "/v1/rules", {"headers": {"if-none-match": "*"}}),
    (400, "GET", "/v1/rules?unknown=1", {}),
    (400, "GET", "/v1/benefits?tag=a&tag=b", {}),
    (406, "GET", "/v1/rules", {"headers": {"accept": "text/html"}}),
    (401, "GET", "/v1/me/score", {}),
    (403, "GET", "/v1/me/score", {"who": "rich", "claims": {"scope": "openid"}}),
    (200, "GET", "/v1/me/score", {"who": "rich"}),
    (404, "GET", "/v1/me/score", {"who": "nobody"}),
    (503, "GET", "/v1/me/score", {"who": "nonsense"}),
    (200, "GET", "/v1/me/score/explanation", {"who": "rich"}),
    (200, "GET", "/v1/me/score/what-if?target=600", {"who": "plain"}),
    (400, "GET", "/v1/me/score/what-if", {"who": "plain"}),
    (400, "GET", "/v1/me/score/what-if?target=1001", {"who": "plain"}),
    (200, "GET", "/v1/me/score/explanation", {"who": "late", "headers": {"accept-language": "en"}}),
    (200, "GET", "/v1/me/enrolment", {"who": "nobody"}),
    (404, "DELETE", "/v1/me/enrolment", {"who": "nobody"}),
    (404, "GET", "/v1/me/enrolment/receipt", {"who": "nobody"}),
    (200, "GET", "/v1/me/consents", {"who": "rich"}),
    (400, "GET", "/v1/me/consents?limit=0", {"who": "rich"}),
    (400, "POST", "/v1/me/consents", {"who": "rich", "body": {}}),
    (200, "GET", "/v1/me/accesses?since=2026-01-01&until=2026-12-31", {"who": "rich"}),
    (400, "GET", "/v1/me/accesses?since=yesterday", {"who": "rich"}),
    (200, "GET", "/v1/me/events", {"who": "rich"}),
    (415, "POST", "/v1/me/enrolment", {"who": "rich", "headers": {"content-type": "text/plain"}}),
    (400, "POST", "/v1/me/enrolment", {"who": "rich", "body": {}}),
    (422, "POST", "/v1/me/enrolment", {"who": "rich", "body": {"notice_version": "1999"}}),
]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: " ".join(map(str, call[:3])))
def test_an_answer_is_as_documented(
    service: Service, checker: Checker, call: tuple[int, str, str, dict[str, Any]]
) -> None:
    status, method, path, more = call
    recorded = Recorded(service, method, path, **more)
    assert recorded.reply.status == status
    assert differences(checker, recorded) == []


def test_enrolling_and_leaving_answer_as_documented(service: Service, checker: Checker) -> None:
    version = service.get("/v1/notice").json()["version"]
    address = "/v1/me/enrolment"
    body = {"notice_version": version}
    steps = [
        Recorded(service, "POST", address, who="new", body=body, headers={"idempotency-key": "k1"}),
        Recorded(service, "POST", address, who="new", body=body, headers={"idempotency-key": "k1"}),
        Recorded(service, "POST", address, who="new", body=body, headers={"idempotency-key": "k2"}),
        Recorded(service, "GET", address, who="new"),
        Recorded(service, "GET", "/v1/me/score", who="new"),
        Recorded(service, "DELETE", address, who="new"),
        Recorded(service, "GET", "/v1/me/score", who="new"),
    ]
    assert [step.reply.status for step in steps] == [201, 201, 409, 200, 404, 204, 404]
    assert [differences(checker, step) for step in steps] == [[]] * len(steps)


def test_consenting_changing_and_revoking_answer_as_documented(
    service: Service, checker: Checker
) -> None:
    version = service.get("/v1/notice").json()["version"]
    joined = Recorded(
        service, "POST", "/v1/me/enrolment", who="consenting", body={"notice_version": version}
    )
    terms = {
        "partner": "bus_partner",
        "policy": "bus",
        "purpose": "优惠",
        "expires_at": (dt.datetime.now(dt.UTC) + dt.timedelta(days=9)).isoformat(),
    }
    granted = Recorded(service, "POST", "/v1/me/consents", who="consenting", body=terms)
    own = f"/v1/me/consents/{granted.reply.json()['id']}"
    steps = [
        joined,
        granted,
        Recorded(service, "GET", "/v1/me/enrolment/receipt", who="consenting"),
        Recorded(service, "GET", own, who="consenting"),
        Recorded(service, "GET", f"{own}/qr.svg", who="consenting"),
        Recorded(service, "PATCH", own, who="consenting", body={"status": "paused"}),
        Recorded(service, "PATCH", own, who="consenting", body={"status": "rejected"}),
        Recorded(service, "GET", own, who="rich"),
        Recorded(service, "DELETE", own, who="consenting"),
    ]
    for step in steps:
        step.template = step.template.replace(own, "/v1/me/consents/{consent_id}")
    assert [s.reply.status for s in steps] == [201, 201, 200, 200, 200, 200, 409, 404, 204]
    assert [differences(checker, step) for step in steps] == [[]] * len(steps)


def differences(checker: Checker, recorded: Recorded) -> list[str]:
    operation = checker.document["paths"][recorded.template][recorded.method.lower()]
    reply = recorded.reply
    response = operation["responses"].get(str(reply.status))
    if response is None:
        return [f"status {reply.status} is not documented"]
    return [
        *header_differences(checker, response, reply),
        *body_differences(checker, response, reply),
    ]


def header_differences(checker: Checker, response: Document, reply: Reply) -> list[str]:
    found = []
    for name, part in response.get("headers", {}).items():
        value = reply.headers.get(name.lower())
        if value is None:
            if name != "Retry-After":  # of the problems under one status some have it
                found.append(f"{name} is missing")
            continue
        schema = checker.resolved(part)["schema"]
        typed = int(value) if schema["type"] == "integer" else value
        found += [f"{name}: {error}" for error in checker.errors(schema, typed)]
    return found


def body_differences(checker: Checker, response: Document, reply: Reply) -> list[str]:
    if "content" not in response:
        return [f"a body of {len(reply.body)} bytes"] if reply.body else []
    ((media_type, content),) = response["content"].items()
    kind, *parameters = [part.strip() for part in reply.headers["content-type"].split(";")]
    if kind != media_type.partition(";")[0] or len(parameters) != len(set(parameters)):
        return [f"{reply.headers['content-type']} instead of {media_type}"]
    value = reply.json() if "json" in media_type else reply.body.decode()
    return checker.errors(content["schema"], value)
