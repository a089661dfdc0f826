"""Every refusal has one shape, two languages and nothing of what was sent."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from api.problems import PROBLEMS, TYPE_BASE, Problem, language_of, problem_body
from tests.api.service import Reply, Service

SECRET = "canary7f3a"
MEMBERS = {"type", "title", "status", "detail", "code", "trace_id"}
BROKEN: dict[str, Callable[[Service], Reply]] = {
    "unknown path": lambda s: s.get(f"/v1/{SECRET}"),
    "unknown query": lambda s: s.get(f"/v1/rules?{SECRET}={SECRET}"),
    "no token": lambda s: s.get("/v1/me/score"),
    "bad token": lambda s: s.get("/v1/me/score", SECRET),
    "wrong scope": lambda s: s.get("/v1/me/score", s.signer.token(scope=SECRET)),
    "unknown subject": lambda s: s.get("/v1/me/score", s.signer.token(SECRET)),
    "wrong method": lambda s: s.ask(SECRET.upper(), "/v1/me/score"),
    "wrong format": lambda s: s.get("/v1/rules", accept=f"text/{SECRET}"),
    "wrong type": lambda s: s.post("/v1/me/enrolment", {}, s.signer.token(), content_type=SECRET),
    "broken body": lambda s: s.post("/v1/me/enrolment", SECRET.encode(), s.signer.token()),
    "wrong body": lambda s: s.post("/v1/me/enrolment", {SECRET: SECRET}, s.signer.token()),
    "old notice": lambda s: s.post(
        "/v1/me/enrolment", {"notice_version": SECRET}, s.signer.token()
    ),
    "bad key": lambda s: s.post(
        "/v1/me/enrolment", {"notice_version": "1"}, s.signer.token(), idempotency_key=f'"{SECRET}'
    ),
    "too large": lambda s: s.post("/v1/me/enrolment", b" " * 70_000, s.signer.token()),
    "nonsense record": lambda s: s.get("/v1/me/score", s.signer.token("nonsense")),
}


def check(reply: Reply) -> dict[str, Any]:
    body: dict[str, Any] = reply.json()
    kind = PROBLEMS[body["code"]]
    assert reply.headers["content-type"] == "application/problem+json"
    assert set(body) >= MEMBERS
    assert body["status"] == reply.status == kind.status
    assert body["type"] == TYPE_BASE + body["code"]
    assert re.fullmatch("[0-9a-f]{32}", body["trace_id"])
    assert ("www-authenticate" in reply.headers) == (reply.status == 401)
    assert ("allow" in reply.headers) == (reply.status == 405)
    if reply.status in (429, 503):
        assert int(reply.headers["retry-after"]) > 0
    return body


@pytest.mark.parametrize("case", BROKEN.values(), ids=BROKEN.keys())
def test_a_refusal_has_the_one_shape_and_repeats_nothing_of_the_request(
    service: Service, case: Callable[[Service], Reply]
) -> None:
    reply = case(service)
    assert reply.status >= 400
    check(reply)
    assert SECRET not in reply.body.decode()
    assert SECRET not in str(reply.pairs)


@pytest.mark.parametrize("code", PROBLEMS)
def test_every_problem_speaks_both_languages(code: str) -> None:
    kind = PROBLEMS[code]
    assert re.search("[一-鿿]", kind.title + kind.detail)
    assert not re.search("[一-鿿]", kind.title_en + kind.detail_en)
    assert kind.title
    assert kind.detail.endswith("。")
    assert kind.title_en
    assert kind.detail_en.endswith((".", ";")) or kind.detail_en[-1].isalpha()
    assert (kind.retry_after_seconds is not None) >= (kind.status == 503)
    assert kind.title.encode() in problem_body(Problem(code), "zh", "0" * 32)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "zh"),
        (b"", "zh"),
        (b"en", "en"),
        (b"en-GB,en;q=0.9", "en"),
        (b"zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        (b"en;q=0.8, zh;q=0.9", "zh"),
        (b"fr, en;q=0.2", "en"),
        (b"fr", "zh"),
        (b"*", "zh"),
        (b"en;q=0", "zh"),
        (b"en;q=nonsense", "zh"),
        (b"\xff\xfe", "zh"),
        (b"en," * 200, "zh"),
    ],
)
def test_the_language_follows_accept_language_and_is_chinese_else(
    header: bytes | None, language: str
) -> None:
    assert language_of(header) == language


def test_the_body_and_its_label_speak_the_same_language(service: Service) -> None:
    chinese = service.get("/v1/me/score")
    english = service.get("/v1/me/score", accept_language="en")
    assert (chinese.headers["content-language"], english.headers["content-language"]) == (
        "zh",
        "en",
    )
    assert english.json()["title"] == PROBLEMS["token_refused"].title_en


def test_the_callers_trace_id_is_kept_where_it_is_a_valid_one(service: Service) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    sent = service.get("/nowhere", traceparent=f"00-{trace}-00f067aa0ba902b7-01")
    zeros = service.get("/v1/me/score", traceparent=f"00-{'0' * 32}-00f067aa0ba902b7-01")
    odd = service.get("/v1/me/score", traceparent=f"00-{'x' * 32}-00f067aa0ba902b7-01")
    assert (
        service.get("/v1/me/score", traceparent=f"00-{trace}-00f067aa0ba902b7-01").json()[
            "trace_id"
        ]
        == trace
    )
    assert zeros.json()["trace_id"].strip("0")
    assert re.fullmatch("[0-9a-f]{32}", odd.json()["trace_id"])
    check(sent)


@pytest.mark.parametrize(
    "path", ["/v1/me/score", "/v1/me/score/explanation", "/v1/rules", "/readyz"]
)
def test_a_store_that_is_down_is_503_with_a_time_to_come_back(fresh: Service, path: str) -> None:
    fresh.reader.is_down = True
    body = check(fresh.get(path, fresh.signer.token()))
    assert body["code"] == "store_unavailable"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/me/score"),
        ("GET", "/v1/me/score/explanation"),
        ("GET", "/v1/rules"),
        ("GET", "/v1/benefits"),
        ("GET", "/readyz"),
    ],
)
def test_an_unforeseen_error_is_500_without_a_word_about_it(
    fresh: Service,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    method: str,
    path: str,
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError(f"{SECRET} at 110105 in /srv/secret")

    monkeypatch.setattr(fresh.reader, "version", broken)
    reply = fresh.ask(method, path, fresh.signer.token())
    body = check(reply)
    assert body["code"] == "internal_error"
    assert SECRET not in reply.body.decode()
    assert [record.name for record in caplog.records] == ["chengxin.api"]
    line = caplog.records[0].getMessage()
    assert body["trace_id"] in line
    assert "RuntimeError" in line
    assert SECRET not in line
    monkeypatch.undo()
    assert fresh.get("/v1/rules").status == 200


def test_an_unforeseen_error_of_the_ledger_is_500_too(
    fresh: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise KeyError(SECRET)

    monkeypatch.setattr(fresh.ledger, "enrolment_of", broken)
    monkeypatch.setattr(fresh.ledger, "append", broken)
    for method in ("GET", "DELETE"):
        assert check(fresh.ask(method, "/v1/me/enrolment", fresh.signer.token()))["status"] == 500
