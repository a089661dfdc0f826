"""What anybody gets of the log over HTTP, and what a citizen gets of her own lines in it."""

import datetime as dt
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from api.accesses.log import LedgerAccessLog
from api.accesses.protocol import AccessEvent
from api.ledger.audit.heads import verify_head
from api.ledger.audit.keeping import make_head
from api.ledger.audit.log import SqliteLog
from api.ledger.audit.proving import (
    ContinuityProof,
    EventProof,
    verify_continuity_proof,
    verify_event_proof,
)
from scoring.keys import key_files
from scoring.signing import make_keypair, read_signing_key
from tests.api.city import make_city, subject
from tests.api.service import Reply, Service, service_of
from tests.rights.town import REASON, citizen, join, make_town, officer, opened, reviewer

NOON = dt.datetime(2026, 4, 1, 4, tzinfo=dt.UTC)
HEADS = "/v1/log/heads"


def line(name: str, **changes: Any) -> AccessEvent:
    values: dict[str, Any] = {
        "subject": subject(name),
        "at_ms": 1_790_000_000_000,
        "initiator_kind": "partner",
        "initiator": "city_library",
        "purpose": "xinyiyue_deposit",
        "legal_basis": "个人信息保护法第十三条",
        "response_digest": "ab" * 32,
    }
    return AccessEvent(**{**values, **changes})


def accessed(service: Service, name: str = "rich", **changes: Any) -> int:
    """Number of the stored line."""
    return int(service.run(LedgerAccessLog(service.ledger).record(line(name, **changes))))


def sign(service: Service, hour: int = 0) -> int:
    """Size of the head."""
    key = read_signing_key(key_files(service.folder).log)
    with SqliteLog(service.folder / "ledger.sqlite") as log:
        _, head = make_head(service.folder, log, key, NOON + dt.timedelta(hours=hour))
    return head.size


@pytest.fixture
def signing(tmp_path: Path) -> Iterator[Service]:
    """A service whose log has a key and no head yet."""
    files = key_files(tmp_path)
    make_keypair(files.log, files.log_public)
    with service_of(make_city(), tmp_path) as service:
        yield service


def public_key(service: Service) -> Any:
    return load_pem_public_key(service.get(HEADS).json()["public_key"].encode())


def proof_of(service: Service, seq: object, name: str = "rich") -> Reply:
    return service.get(f"/v1/me/events/{seq}/proof", service.signer.token(name))


def test_heads_are_listed_newest_first_and_verify_with_the_published_key(signing: Service) -> None:
    sizes = []
    for hour in range(3):
        accessed(signing)
        sizes.append(sign(signing, hour))
    reply = signing.get(HEADS)
    assert reply.headers["cache-control"].startswith("public, max-age=60")
    items = reply.json()["items"]
    assert [item["size"] for item in items] == sizes[::-1]
    for item in items:
        head = verify_head(item["signed_head"], public_key(signing))
        assert (head.size, head.root.hex()) == (item["size"], item["root_hash"])
    assert signing.get(HEADS, if_none_match=reply.headers["etag"]).status == 304


def test_a_head_signed_while_the_service_runs_is_there_at_once(signing: Service) -> None:
    assert signing.get(HEADS).json()["items"] == []
    for hour in range(3):
        accessed(signing)
        size = sign(signing, hour)
        assert signing.get(HEADS).json()["items"][0]["size"] == size


def test_pages_of_heads_lose_nothing(signing: Service) -> None:
    accessed(signing)
    for hour in range(7):
        sign(signing, hour)
    found, query = [], "?limit=3"
    while query:
        page = signing.get(HEADS + query).json()
        found += [item["file_name"] for item in page["items"]]
        query = f"?limit=3&cursor={page['next_cursor']}" if page["next_cursor"] else ""
    hours = [f"{NOON + dt.timedelta(hours=hour):%Y%m%dT%H%M%SZ}.head" for hour in range(7)]
    assert found == hours[::-1]


def test_two_heads_are_proved_to_be_of_one_log(signing: Service) -> None:
    sizes = []
    for hour in range(4):
        for _ in range(hour + 2):
            accessed(signing)
        sizes.append(sign(signing, hour))
    key = public_key(signing)
    for first in sizes:
        for second in sizes:
            reply = signing.get(f"/v1/log/consistency?from={first}&to={second}")
            proof = msgspec.json.decode(reply.body, type=ContinuityProof)
            heads = verify_continuity_proof(proof, key)
            assert [head.size for head in heads] == sorted([first, second])


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("from=1&to=3", 404, "head_not_found"),
        ("from=1&to=999999999", 404, "head_not_found"),
        ("from=0&to=2", 400, "invalid_parameter"),
        ("from=-1&to=2", 400, "invalid_parameter"),
        ("from=1.0&to=2", 400, "invalid_parameter"),
        ("from=1", 400, "invalid_parameter"),
        ("to=2", 400, "invalid_parameter"),
        ("from=1&to=" + "9" * 30, 400, "invalid_parameter"),
        ("from=1&to=2&to=2", 400, "invalid_parameter"),
        ("from=a&to=2", 400, "invalid_parameter"),
    ],
)
def test_what_cannot_be_proved_is_refused(
    signing: Service, query: str, status: int, code: str
) -> None:
    for hour in range(2):
        accessed(signing)
        sign(signing, hour)
    reply = signing.get(f"/v1/log/consistency?{query}")
    assert (reply.status, reply.code) == (status, code)


@pytest.mark.parametrize("cursor", ["x", "20260401", "../../etc", "20260401T040000Z.head", ""])
def test_a_cursor_that_is_none_is_400(signing: Service, cursor: str) -> None:
    assert signing.get(f"{HEADS}?cursor={cursor}").code == "invalid_parameter"


def test_before_there_is_a_key_or_a_head_the_list_is_empty(tmp_path: Path) -> None:
    with service_of(make_city(), tmp_path) as service:
        answer = service.get(HEADS).json()
        assert (answer["items"], answer["public_key"]) == ([], None)
        assert service.get("/v1/log/consistency?from=1&to=2").code == "head_not_found"
        assert proof_of(service, accessed(service)).code == "not_yet_signed"


@pytest.mark.parametrize("what", ["head", "key", "hashes"])
def test_what_is_damaged_on_disk_is_503_and_never_a_wrong_proof(
    signing: Service, what: str
) -> None:
    seqs = [accessed(signing) for _ in range(3)]
    sign(signing)
    (head,) = (signing.folder / "heads").glob("*.head")
    if what == "head":
        head.write_text(head.read_text().replace("\n3\n", "\n4\n"))
    if what == "key":
        key_files(signing.folder).log_public.write_text("no key")
    if what == "hashes":
        (signing.folder / "tree" / "level-00").write_bytes(b"")
    replies = [proof_of(signing, seqs[0])]
    if what != "hashes":
        replies.append(signing.get(HEADS))
    for reply in replies:
        assert (reply.status, reply.code) == (503, "ledger_unavailable")
        assert reply.headers["retry-after"]


# a citizen's own lines


def test_a_line_of_her_access_log_is_proved_and_checked_with_the_public_key_alone(
    signing: Service,
) -> None:
    for _ in range(5):
        accessed(signing, "other")
        accessed(signing)
    sign(signing)
    for item in signing.get("/v1/me/accesses", signing.signer.token("rich")).json()["items"]:
        reply = proof_of(signing, item["seq"])
        assert reply.headers["cache-control"] == "private, no-store"
        proof = msgspec.json.decode(reply.body, type=EventProof)
        event, head = verify_event_proof(proof, public_key(signing))
        assert (event.seq, event.subject, head.size) == (item["seq"], subject("rich"), 10)
        assert json.loads(event.body)["response_digest"] == item["response_digest"]


def test_anothers_line_is_refused_just_as_one_that_does_not_exist(signing: Service) -> None:
    theirs = accessed(signing, "other")
    sign(signing)
    replies = [proof_of(signing, seq) for seq in (theirs, theirs + 1, 0, 1 << 53, 10**18)]
    bodies = set()
    for reply in replies:
        answer = {**reply.json(), "trace_id": ""}
        bodies.add((reply.status, json.dumps(answer, sort_keys=True)))
    assert len(bodies) == 1
    assert (replies[0].status, replies[0].code) == (404, "event_not_found")


@pytest.mark.parametrize("seq", ["x", "-1", "1.5", "9" * 5_000, "%31", "1%2F"])
def test_a_number_that_is_none_is_404(signing: Service, seq: str) -> None:
    accessed(signing)
    sign(signing)
    assert proof_of(signing, seq).status == 404


def test_a_line_not_signed_yet_says_when_to_ask_again(signing: Service) -> None:
    accessed(signing)
    sign(signing)
    reply = proof_of(signing, accessed(signing))
    assert (reply.status, reply.code) == (404, "not_yet_signed")
    assert reply.headers["retry-after"] == "3600"
    sign(signing, 1)
    assert proof_of(signing, 2).status == 200


def test_a_line_kept_secret_by_law_does_not_exist_before_its_day(signing: Service) -> None:
    day = dt.datetime.now(dt.UTC).date()
    secret = accessed(signing, hidden_until=day + dt.timedelta(days=9), hidden_reason="刑事诉讼法")
    known = accessed(signing, hidden_until=day - dt.timedelta(days=9), hidden_reason="刑事诉讼法")
    sign(signing)
    assert proof_of(signing, secret).code == "event_not_found"
    assert proof_of(signing, known).status == 200


def test_a_decision_is_proved_and_the_offices_own_steps_are_not(tmp_path: Path) -> None:
    files = key_files(tmp_path)
    make_keypair(files.log, files.log_public)
    with service_of(make_town(), tmp_path) as town:
        join(town, "ann")
        case_id = opened(town, "ann", "pen1")
        path = f"/v1/staff/disputes/{case_id}"
        officer(town, f"{path}/decision", {"outcome": "upheld", "reason": REASON})
        (proposal,) = town.run(town.ledger.events_after(0, limit=100, kinds=("dispute_proposed",)))
        reviewer(town, f"{path}/confirmation", {"agrees": True})
        sign(town)
        (told,) = citizen(town, "ann", "/v1/me/events").json()["items"]
        proof = msgspec.json.decode(proof_of(town, told["seq"], "ann").body, type=EventProof)
        event, _ = verify_event_proof(proof, public_key(town))
        assert event.kind == "dispute_decided"
        assert proof_of(town, proposal.seq, "ann").code == "event_not_found"


def test_with_the_ledger_gone_nothing_is_proved(signing: Service) -> None:
    seq = accessed(signing)
    sign(signing)
    signing.run(signing.ledger.close())
    assert proof_of(signing, seq).code == "ledger_unavailable"
    assert signing.get(HEADS).status == 200


def test_a_line_rewritten_since_it_was_signed_is_not_passed_off(signing: Service) -> None:
    seq = accessed(signing)
    accessed(signing)
    sign(signing)
    connection = sqlite3.connect(signing.folder / "ledger.sqlite")
    connection.execute("DROP TRIGGER event_is_never_updated")
    connection.execute("UPDATE event SET at_ms = at_ms + 1 WHERE seq = ?", (seq,))
    connection.commit()
    connection.close()
    assert proof_of(signing, seq).code == "ledger_unavailable"
    assert proof_of(signing, seq + 1).status == 200
