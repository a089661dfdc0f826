"""POST /v1/me/vouchers: to whom a voucher is given, what it says, what is logged, what is kept."""

import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.accesses.events import access_body
from api.keys import key_set_of
from api.signing_keys import jwks_of, load_signing_key
from api.vouchers.verify import verified_voucher
from tests.api.city import KEPT, City, item, make_city, subject
from tests.api.service import Reply, Service, service_of

THRESHOLD = 650  # of both benefits of the test city
PEOPLE = 30

_numbers = itertools.count()


def city() -> City:
    made = make_city()
    for number in range(PEOPLE):
        made.add(f"exact{number}", [item("kept1", KEPT, THRESHOLD - 600)])
    made.add("under", [item("kept1", KEPT, THRESHOLD - 601)])
    return made


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One for all tests that leave it whole; each has a citizen of its own."""
    with service_of(city(), tmp_path_factory.mktemp("town")) as running:
        yield running


@pytest.fixture
def own_town(tmp_path: Path) -> Iterator[Service]:
    with service_of(city(), tmp_path) as running:
        yield running


@pytest.fixture
def exact() -> str:
    """Somebody whose score is the threshold, asked about by this test alone."""
    return f"exact{next(_numbers)}"


def join(town: Service, name: str) -> None:
    notice = town.get("/v1/notice").json()["version"]
    joined = town.post("/v1/me/enrolment", {"notice_version": notice}, town.signer.token(name))
    assert joined.status == 201


def ask(town: Service, name: str, policy: str = "bus", key: str | None = None) -> Reply:
    headers = {} if key is None else {"idempotency_key": key}
    return town.post("/v1/me/vouchers", {"policy": policy}, town.signer.token(name), **headers)


def accesses(town: Service, name: str) -> list[Any]:
    events = town.run(town.ledger.subject_events(subject(name), kinds=["accessed"], limit=100))
    return [access_body(event.body) for event in events]


def keys_of(town: Service) -> Any:
    """As published: what a gate holds."""
    served = town.get("/.well-known/jwks.json")
    return key_set_of(served.body)


def test_who_reaches_the_threshold_gets_a_voucher_a_gate_accepts(
    own_town: Service, exact: str
) -> None:
    town = own_town
    join(town, exact)
    before = int(time.time())
    reply = ask(town, exact)
    assert reply.status == 201, reply.body
    answer = reply.json()
    assert set(answer) == {"token", "policy", "audience", "expires_at", "qr_svg"}
    voucher = verified_voucher(
        answer["token"],
        keys_of(town),
        audience="bus_partner",
        policy="bus",
        now=int(time.time()),
    )
    assert before + 120 <= voucher.exp <= int(time.time()) + 120
    assert answer["qr_svg"].startswith("<svg ")
    assert reply.headers["cache-control"] == "private, no-store"


def test_one_point_below_is_a_calm_no_to_herself_alone(town: Service) -> None:
    join(town, "under")
    reply = ask(town, "under")
    assert (reply.status, reply.code) == (409, "not_eligible_now")
    assert accesses(town, "under") == []


def test_nothing_in_answer_or_token_tells_who_she_is_or_what_her_score_is(
    town: Service, exact: str
) -> None:
    join(town, exact)
    body = ask(town, exact).body.decode()
    assert subject(exact) not in body
    payload = body.split('"token":"')[1].split(".")[1]
    import base64

    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    assert set(claims) == {"aud", "exp", "jti", "policy"}
    assert str(THRESHOLD) not in json.dumps({**claims, "exp": 0, "jti": ""})


def test_each_request_gives_another_voucher(town: Service, exact: str) -> None:
    join(town, exact)
    assert ask(town, exact).json()["token"] != ask(town, exact).json()["token"]


def test_the_log_has_a_line_for_each_voucher_in_her_own_words(town: Service, exact: str) -> None:
    join(town, exact)
    ask(town, exact)
    (line,) = accesses(town, exact)
    assert (line.initiator_kind, line.on_behalf_of, line.policy) == (
        "citizen",
        "bus_partner",
        "bus",
    )
    assert len(line.response_digest) == 64
    shown = town.get("/v1/me/accesses", town.signer.token(exact)).json()["items"][0]
    assert shown["purpose_code"] == "own_voucher"
    assert "您自己" in shown["purpose"]


def test_a_repeated_request_gives_the_same_voucher_and_no_second_line(
    town: Service, exact: str
) -> None:
    join(town, exact)
    first, again = (ask(town, exact, key="ride-1") for _ in range(2))
    assert (first.status, again.status) == (201, 201)
    assert first.body == again.body
    assert len(accesses(town, exact)) == 1
    other = ask(town, exact, policy="book", key="ride-1")
    assert (other.status, other.code) == (422, "idempotency_conflict")


def test_two_citizens_with_the_same_idempotency_key_have_different_vouchers(
    town: Service, exact: str
) -> None:
    join(town, exact)
    join(town, "rich")
    tokens = {ask(town, name, key="same").json()["token"] for name in (exact, "rich")}
    assert len(tokens) == 2


def test_the_ledger_keeps_nothing_that_a_gates_memory_could_be_joined_with(
    own_town: Service, exact: str, tmp_path: Path
) -> None:
    town = own_town
    join(town, exact)
    token = ask(town, exact, key="ride-2").json()["token"]
    voucher = verified_voucher(
        token, keys_of(town), audience="bus_partner", policy="bus", now=int(time.time())
    )
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("ledger.sqlite*"))
    assert b"own_voucher" in stored
    assert voucher.jti.encode() not in stored
    assert token.split(".")[2].encode() not in stored


@pytest.mark.parametrize(
    ("name", "policy", "status", "code"),
    [
        ("stranger", "bus", 404, "not_enrolled"),
        ("late", "water_supply", 422, "unknown_policy"),
        ("outside", "bus", 503, "record_corrupt"),
        ("nonsense", "bus", 503, "record_corrupt"),
    ],
)
def test_refusals_have_their_code(
    town: Service, name: str, policy: str, status: int, code: str
) -> None:
    if name != "stranger":
        join(town, name)
    reply = ask(town, name, policy)
    assert (reply.status, reply.code) == (status, code)


def test_who_is_in_the_snapshot_but_left_gets_none(town: Service, exact: str) -> None:
    join(town, exact)
    town.ask("DELETE", "/v1/me/enrolment", town.signer.token(exact))
    assert ask(town, exact).code == "not_enrolled"


def test_who_the_ledger_does_not_know_gets_none_whatever_the_snapshot_says(
    town: Service, exact: str
) -> None:
    assert ask(town, exact).code == "not_enrolled"


def test_who_waits_for_a_score_is_told_so(town: Service) -> None:
    join(town, "fresh")
    assert ask(town, "fresh").code == "not_scored_yet"


def test_without_store_or_log_there_is_no_voucher(own_town: Service, exact: str) -> None:
    town = own_town
    join(town, exact)
    town.reader.is_down = True
    assert (ask(town, exact).status, ask(town, exact).code) == (503, "store_unavailable")
    town.reader.is_down = False
    town.run(town.ledger.close())
    reply = ask(town, exact)
    assert (reply.status, reply.code) == (503, "ledger_unavailable")
    assert b"token" not in reply.body


@pytest.mark.parametrize("body", [{}, {"policy": 1}, {"policy": "bus", "sub": "x"}, {"policy": ""}])
def test_any_other_body_is_refused(town: Service, exact: str, body: dict[str, object]) -> None:
    reply = town.post("/v1/me/vouchers", body, town.signer.token(exact))
    assert (reply.status, reply.code) == (400, "invalid_body")


def test_the_published_key_is_the_one_that_signs(own_town: Service, tmp_path: Path) -> None:
    town = own_town
    served = json.loads(town.get("/.well-known/jwks.json").body)
    own = jwks_of(load_signing_key(tmp_path / "api_signing.pem"))
    assert own["keys"][0] in served["keys"]
