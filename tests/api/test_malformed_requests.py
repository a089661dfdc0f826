"""Input nobody should send: always the right 4xx, never a 5xx, never half-done work."""

import json
import time

import pytest

from tests.api.service import Service

GOOD = b'{"notice_version":"nope"}'

BROKEN_BODIES = {
    "empty": b"",
    "blank": b"  \n",
    "invalid UTF-8": b'{"notice_version":"\xff\xfe"}',
    "overlong UTF-8": b'{"notice_version":"\xc0\xaf"}',
    "encoded surrogate": b'{"notice_version":"\xed\xa0\x80"}',
    "lone surrogate escape": b'{"notice_version":"\\ud800"}',
    "UTF-16": '{"notice_version":"1"}'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf" + GOOD,
    "100,000 brackets": b"[" * 60_000,
    "deep and closed": b"[" * 500 + b"]" * 500,
    "33 levels": b'{"a":' * 33 + b"1" + b"}" * 33,
    "deep objects": b'{"a":' * 9_000,
    "duplicate member": b'{"notice_version":"1","notice_version":"2"}',
    "duplicate member, escaped": b'{"notice_version":"1","notice_versio\\u006e":"2"}',
    "duplicate member below": b'{"notice_version":"1","x":{"a":1,"a":2}}',
    "NaN": b'{"notice_version":NaN}',
    "Infinity": b"[-Infinity]",
    "trailing comma": b'{"notice_version":"1",}',
    "single quotes": b"{'notice_version':'1'}",
    "comment": b'{"notice_version":"1"/**/}',
    "two values": GOOD + GOOD,
    "cut off": GOOD[:-2],
    "NUL": GOOD + b"\0",
    "raw control character": b'{"notice_version":"\x01"}',
    "number of 50,000 digits": b"9" * 50_000,
    "leading zero": b"[01]",
    "plus sign": b"[+1]",
    "bare word": b"true false",
}
WRONG_SHAPES = {
    "list": b"[]",
    "null": b"null",
    "text": b'"notice"',
    "number": b"1",
    "no member": b"{}",
    "wrong type": b'{"notice_version":1}',
    "null member": b'{"notice_version":null}',
    "list member": b'{"notice_version":["1"]}',
    "empty text": b'{"notice_version":""}',
    "long text": json.dumps({"notice_version": "x" * 65}).encode(),
    "another member": b'{"notice_version":"1","score":1000}',
    "foreign members": b'{"notice_version":"1","status":"active","subject":"x"}',
    "31 levels in an unknown member": b'{"notice_version":"1","x":' + b"[" * 31 + b"]" * 31 + b"}",
}


def post(service: Service, body: bytes, **headers: str):
    return service.post("/v1/me/enrolment", body, service.signer.token("new"), **headers)


def nothing_is_stored(service: Service) -> bool:
    reply = service.get("/v1/me/enrolment", service.signer.token("new"))
    return bool(reply.json()["status"] == "none")


@pytest.mark.parametrize("body", BROKEN_BODIES.values(), ids=BROKEN_BODIES.keys())
def test_a_body_that_is_not_strict_json_is_400(service: Service, body: bytes) -> None:
    started = time.thread_time()
    reply = post(service, body)
    assert (reply.status, reply.code) == (400, "malformed_body")
    assert time.thread_time() - started < 0.1
    assert nothing_is_stored(service)


@pytest.mark.parametrize("body", WRONG_SHAPES.values(), ids=WRONG_SHAPES.keys())
def test_json_of_another_shape_is_400_and_stores_nothing(service: Service, body: bytes) -> None:
    reply = post(service, body)
    assert (reply.status, reply.code) == (400, "invalid_body")
    assert nothing_is_stored(service)


def test_brackets_inside_a_text_are_not_nesting(service: Service) -> None:
    body = json.dumps({"notice_version": '[{"\\' * 16}).encode()
    assert post(service, body).code == "notice_outdated"


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "application/json; charset=gb18030",
        "application/json; profile=x",
        "application/jsonp",
        "application/json, text/plain",
        "application/msgpack",
        "*/*",
    ],
)
def test_only_json_in_utf8_is_taken(service: Service, content_type: str | None) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    token = service.signer.token("new")
    reply = service.ask("POST", "/v1/me/enrolment", token, headers, [GOOD])
    assert (reply.status, reply.code) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON",
        "application/json; charset=UTF-8",
        'application/json;charset="utf-8"',
    ],
)
def test_json_is_taken_in_any_spelling_of_its_type(service: Service, content_type: str) -> None:
    assert post(service, GOOD, **{"content-type": content_type}).code == "notice_outdated"


def test_a_declared_oversize_is_refused_before_it_is_read(service: Service) -> None:
    reply = post(service, b"", **{"content-length": "11000000"})
    assert (reply.status, reply.code) == (413, "body_too_large")


def test_an_undeclared_oversize_is_refused_while_it_is_read(service: Service) -> None:
    pieces = [b" " * 30_000] * 300
    token = service.signer.token("new")
    json_type = {"content-type": "application/json"}
    reply = service.ask("POST", "/v1/me/enrolment", token, json_type, pieces)
    assert (reply.status, reply.code) == (413, "body_too_large")


@pytest.mark.parametrize("length", ["-1", "1e3", "0x10", "", "12, 12", "9" * 40])
def test_an_odd_content_length_is_a_4xx(service: Service, length: str) -> None:
    assert post(service, GOOD, **{"content-length": length}).status in (400, 413)


def test_a_body_in_many_pieces_is_one_body(service: Service) -> None:
    pieces = [GOOD[n : n + 1] for n in range(len(GOOD))]
    token = service.signer.token("new")
    json_type = {"content-type": "application/json"}
    reply = service.ask("POST", "/v1/me/enrolment", token, json_type, pieces)
    assert reply.code == "notice_outdated"


def test_a_body_that_never_ends_is_400(service: Service) -> None:
    token = service.signer.token("new")
    json_type = {"content-type": "application/json"}
    reply = service.ask("POST", "/v1/me/enrolment", token, json_type, [])
    assert (reply.status, reply.code) == (400, "malformed_body")
    assert nothing_is_stored(service)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_body_nobody_asked_for_changes_nothing(service: Service, method: str) -> None:
    token = service.signer.token("new")
    plain = service.ask(method, "/v1/me/enrolment", token)
    loaded = service.ask(method, "/v1/me/enrolment", token, {}, [b"[" * 100_000])
    assert loaded.status == plain.status


@pytest.mark.parametrize(
    "query",
    [
        "tag=a&tag=b",
        "tag=a&t%61g=b",
        "tag[]=a",
        "tag",
        "tag=%ff",
        "tag=%00",
        "tag=a%0d%0aSet-Cookie:x",
        "other=1",
        "=1",
        "&",
        "tag=" + "x" * 3_000,
        "tag=" + "x" * 65,
        "&".join(f"p{n}=1" for n in range(100)),
        "cb=.png",
    ],
)
def test_a_query_out_of_order_is_400(service: Service, query: str) -> None:
    reply = service.get(f"/v1/benefits?{query}")
    assert (reply.status, reply.code) == (400, "invalid_parameter")


@pytest.mark.parametrize(
    "accept", ["text/html", "image/*", "application/json;q=0", "text/html, */*;q=0", "x"]
)
def test_what_cannot_be_given_in_the_asked_format_is_406(service: Service, accept: str) -> None:
    for path, token in [("/v1/rules", None), ("/v1/me/score", service.signer.token("rich"))]:
        reply = service.get(path, token, accept=accept)
        assert (reply.status, reply.code) == (406, "not_acceptable")


@pytest.mark.parametrize(
    "accept",
    [
        "*/*",
        "application/*",
        "application/json",
        "text/html, application/json;q=0.1",
        "text/html,*/*;q=0.8",
        "",
    ],
)
def test_json_is_given_to_whoever_takes_it(service: Service, accept: str) -> None:
    assert service.get("/v1/rules", accept=accept).status == 200


@pytest.mark.parametrize(
    "key", ["", '"', '"unclosed', "with space", "tab\t", "é", "x" * 256, '""', '"a" ;x']
)
def test_an_idempotency_key_out_of_order_is_400(service: Service, key: str) -> None:
    reply = post(service, GOOD, **{"idempotency-key": key})
    assert (reply.status, reply.code) == (400, "invalid_idempotency_key")
