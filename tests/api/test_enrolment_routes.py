"""Joining and leaving, from the citizen's side of the wire."""

import datetime as dt

import pytest

from tests.api.service import Service


def version(fresh: Service) -> str:
    return str(fresh.get("/v1/notice").json()["version"])


def join(fresh: Service, name: str = "fresh", *, birthdate: object = "1990-05-01", **headers: str):
    token = fresh.signer.token(name, birthdate=birthdate)
    return fresh.post("/v1/me/enrolment", {"notice_version": version(fresh)}, token, **headers)


def leave(fresh: Service, name: str):
    return fresh.ask("DELETE", "/v1/me/enrolment", fresh.signer.token(name))


def score(fresh: Service, name: str):
    return fresh.get("/v1/me/score", fresh.signer.token(name))


def test_who_never_enrolled_has_no_score(fresh: Service) -> None:
    reply = score(fresh, "fresh")
    assert (reply.status, reply.code) == (404, "not_enrolled")


def test_who_enrols_gets_a_receipt_and_waits_for_a_score(fresh: Service) -> None:
    receipt = join(fresh)
    assert receipt.status == 201
    assert receipt.json()["notice_version"] == version(fresh)
    waiting = score(fresh, "fresh")
    assert (waiting.status, waiting.code) == (404, "not_scored_yet")
    assert int(waiting.headers["retry-after"]) > 0
    assert fresh.get("/v1/me/enrolment", fresh.signer.token("fresh")).json()["status"] == "active"


def test_who_leaves_has_no_score_at_the_next_call_whatever_the_snapshot_holds(
    fresh: Service,
) -> None:
    join(fresh, "rich")
    assert score(fresh, "rich").status == 200
    left = leave(fresh, "rich")
    assert (left.status, left.body) == (204, b"")
    assert "content-length" not in left.headers
    for path in ("/v1/me/score", "/v1/me/score/explanation"):
        reply = fresh.get(path, fresh.signer.token("rich"))
        assert (reply.status, reply.code) == (404, "not_enrolled")


def test_who_is_not_enrolled_cannot_leave(fresh: Service) -> None:
    assert leave(fresh, "stranger").code == "not_enrolled"


def test_enrolling_twice_is_a_conflict(fresh: Service) -> None:
    join(fresh)
    assert (join(fresh).status, join(fresh).code) == (409, "already_enrolled")


def test_a_repeated_request_gets_the_same_receipt(fresh: Service) -> None:
    first = join(fresh, **{"idempotency-key": '"once"'})
    again = join(fresh, **{"idempotency-key": "once"})
    assert (first.status, first.body) == (again.status, again.body)


def test_the_same_key_for_another_request_is_refused(fresh: Service) -> None:
    join(fresh, **{"idempotency-key": "once"})
    token = fresh.signer.token("fresh")
    other = fresh.post("/v1/me/enrolment", {"notice_version": "0"}, token, idempotency_key="once")
    assert other.status == 422


@pytest.mark.parametrize(
    ("birthdate", "code"),
    [(..., "age_unknown"), ("1990", "age_unknown"), ("0000-05-01", "age_unknown")],
)
def test_an_unknown_age_cannot_enrol(fresh: Service, birthdate: object, code: str) -> None:
    reply = join(fresh, birthdate=birthdate)
    assert (reply.status, reply.code) == (422, code)


def test_a_minor_cannot_enrol(fresh: Service) -> None:
    seventeen = dt.date.today() - dt.timedelta(days=17 * 365)
    reply = join(fresh, birthdate=seventeen.isoformat())
    assert (reply.status, reply.code) == (422, "under_age")


def test_an_old_notice_cannot_be_accepted(fresh: Service) -> None:
    reply = fresh.post("/v1/me/enrolment", {"notice_version": "0"}, fresh.signer.token("fresh"))
    assert (reply.status, reply.code) == (422, "notice_outdated")


def test_the_notice_comes_in_the_asked_language(fresh: Service) -> None:
    chinese = fresh.get("/v1/notice")
    english = fresh.get("/v1/notice", accept_language="en-GB, zh;q=0.5")
    assert (chinese.json()["language"], english.json()["language"]) == ("zh-CN", "en")
    assert chinese.headers["vary"] == "Accept-Language"
    assert chinese.headers["etag"] != english.headers["etag"]


def test_while_the_ledger_is_closed_nothing_is_acknowledged(fresh: Service) -> None:
    fresh.run(fresh.ledger.close())
    reply = join(fresh)
    assert (reply.status, reply.code) == (503, "ledger_unavailable")
    assert int(reply.headers["retry-after"]) > 0
