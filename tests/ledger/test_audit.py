"""Rewriting the log is found, and so is lying about it; proofs hold for others' eyes."""

import datetime as dt
import itertools
import random
import shutil
import sqlite3
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.ledger.audit.auditing import AuditReport, audit
from api.ledger.audit.folders import head_paths, heads_folder, stored_heads, tree_folder
from api.ledger.audit.heads import DEFAULT_ORIGIN, HeadWrong, TreeHead, signed_head, verify_head
from api.ledger.audit.keeping import HeadRefused, make_head
from api.ledger.audit.log import SqliteLog
from api.ledger.audit.proving import (
    EventProof,
    NotYetSigned,
    prove_continuity,
    prove_event,
    verify_continuity_proof,
    verify_event_proof,
)
from api.ledger.canonical import event_in
from api.ledger.merkle.hashing import SHA256, SM3
from api.ledger.merkle.verifying import ProofWrong
from api.ledger.protocol import Event
from loadtest.tampering import HEAD_SIZES, NOON, WAYS, SignedLog, audited, signed_log, tampered

EVENTS = HEAD_SIZES[-1]
LATER = NOON + dt.timedelta(days=1)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> SignedLog:
    return signed_log(tmp_path_factory.mktemp("signed"))


@pytest.fixture
def own(log: SignedLog, tmp_path: Path) -> SignedLog:
    """A copy of the signed log with all that belongs to it."""
    data = tmp_path / "own"
    shutil.copytree(log.data, data)
    return SignedLog(data, data / log.ledger.name, log.key)


def event(log: SignedLog, seq: int) -> Event:
    with SqliteLog(log.ledger) as events:
        return event_in(events.leaf(seq))


def changed(log: SignedLog, statement: str) -> None:
    connection = sqlite3.connect(log.ledger)
    connection.execute("DROP TRIGGER event_is_never_updated")
    connection.execute("DROP TRIGGER event_is_never_deleted")
    connection.execute(statement)
    connection.commit()
    connection.close()


def test_an_untouched_log_holds_under_every_head(log: SignedLog) -> None:
    expected = AuditReport(events=EVENTS, heads=len(HEAD_SIZES), covered=EVENTS, broken=None)
    assert audited(log, log.ledger) == expected


@pytest.mark.parametrize("way", WAYS)
def test_a_rewritten_copy_is_found_and_its_first_broken_index_named(
    log: SignedLog, tmp_path: Path, way: str
) -> None:
    chance = random.Random(way)
    for number in range(10):
        done = tampered(log, tmp_path / f"{number}.sqlite", way, chance)
        assert done.is_found, f"index {done.index}: {done.report}"


def test_without_kept_hashes_the_broken_index_lies_between_two_heads(own: SignedLog) -> None:
    changed(own, "UPDATE event SET at_ms = 1 WHERE seq = 150")
    heads = stored_heads(heads_folder(own.data), own.key.public_key(), DEFAULT_ORIGIN)
    with SqliteLog(own.ledger) as events:
        broken = audit(events, heads).broken
    assert broken is not None
    assert (broken.index, broken.before, broken.what) == (41, 200, "changed")
    assert not broken.is_exact


def test_kept_hashes_changed_with_the_log_are_not_believed(own: SignedLog) -> None:
    changed(own, "UPDATE event SET at_ms = 1 WHERE seq = 150")
    kept = bytearray((tree_folder(own.data) / "level-00").read_bytes())
    with SqliteLog(own.ledger) as events:
        kept[32 * 149 : 32 * 150] = SHA256.leaf(events.leaf(150))
    (tree_folder(own.data) / "level-00").write_bytes(kept)
    broken = audited(own, own.ledger).broken
    assert broken is not None
    assert (broken.index, broken.before) == (41, 200)


def test_damaged_kept_hashes_do_not_accuse_a_whole_log(own: SignedLog) -> None:
    kept = tree_folder(own.data) / "level-00"
    kept.write_bytes(bytes(len(kept.read_bytes())))
    assert audited(own, own.ledger).broken is None


def test_a_log_that_cannot_be_read_to_its_end_is_broken_where_reading_ends(
    own: SignedLog,
) -> None:
    content = bytearray(own.ledger.read_bytes())
    page_of_the_last = content.rfind(b'{"n":299}') // 4096 * 4096
    content[page_of_the_last : page_of_the_last + 4096] = b"\xff" * 4096
    own.ledger.write_bytes(content)
    broken = audited(own, own.ledger).broken
    assert broken is not None
    assert broken.what == "unreadable"
    assert 0 < broken.index < 299


def test_a_rewritten_log_is_not_signed_again(own: SignedLog) -> None:
    changed(own, "UPDATE event SET at_ms = 1 WHERE seq = 300")
    with SqliteLog(own.ledger) as events, pytest.raises(HeadRefused):
        make_head(own.data, events, own.key, LATER)
    changed_log = sqlite3.connect(own.ledger)
    changed_log.execute("DELETE FROM event WHERE seq > 250")
    changed_log.commit()
    changed_log.close()
    with SqliteLog(own.ledger) as events, pytest.raises(HeadRefused):
        make_head(own.data, events, own.key, LATER)
    assert len(head_paths(heads_folder(own.data))) == len(HEAD_SIZES)


def test_a_log_with_another_beginning_is_not_signed_when_the_kept_hashes_are_lost(
    own: SignedLog,
) -> None:
    changed(own, "UPDATE event SET at_ms = 1 WHERE seq = 7")
    shutil.rmtree(tree_folder(own.data))
    with SqliteLog(own.ledger) as events, pytest.raises(HeadRefused, match="other events"):
        make_head(own.data, events, own.key, LATER)


def test_kept_hashes_that_are_lost_are_made_again(own: SignedLog) -> None:
    before = (tree_folder(own.data) / "level-00").read_bytes()
    shutil.rmtree(tree_folder(own.data))
    with SqliteLog(own.ledger) as events:
        _, head = make_head(own.data, events, own.key, LATER)
    assert head.size == EVENTS
    assert (tree_folder(own.data) / "level-00").read_bytes() == before
    assert audited(own, own.ledger).heads == len(HEAD_SIZES) + 1


def test_a_head_is_never_replaced_and_never_goes_back_in_time(own: SignedLog) -> None:
    with SqliteLog(own.ledger) as events:
        first, _ = make_head(own.data, events, own.key, LATER)
        written = first.read_bytes()
        with pytest.raises(FileExistsError):
            make_head(own.data, events, own.key, LATER)
        with pytest.raises(HeadRefused, match="later time"):
            make_head(own.data, events, own.key, NOON)
    assert first.read_bytes() == written
    assert [path for path in first.parent.iterdir() if path.suffix != ".head"] == []


def test_two_heads_that_no_single_log_can_have_are_named(own: SignedLog) -> None:
    heads = stored_heads(heads_folder(own.data), own.key.public_key(), DEFAULT_ORIGIN)
    forked = msgspec.structs.replace(heads[-1].head, root=bytes(32), at=LATER)
    shrunk = msgspec.structs.replace(heads[0].head, at=LATER)
    for lie, index in ((forked, EVENTS), (shrunk, HEAD_SIZES[0])):
        path = heads_folder(own.data) / "29990101T000000Z.head"
        path.write_text(signed_head(lie, own.key))
        broken = audited(own, own.ledger).broken
        assert broken is not None
        assert (broken.what, broken.index, broken.head) == ("heads_disagree", index, path.name)


def test_the_form_of_a_signed_head_is_this_one() -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    head = TreeHead(origin="city.example/log", size=0, root=SM3.empty, at=NOON, tree_hash=SM3)
    note = signed_head(head, key)
    assert note == (
        "city.example/log\n0\nGrIdg1XPoX+OYRlIMegajyK+yMco/vt0ftA161CCqis=\n"
        "time 2026-04-01T04:00:00Z\nhash SM3\n\n"
        "— city.example/log SIGNATURE\n"
    ).replace("SIGNATURE", note.split()[-1])
    assert verify_head(note, key.public_key(), "city.example/log") == head


@pytest.mark.parametrize("place", ["size", "root", "time", "signature", "key", "origin", "rest"])
def test_a_head_that_is_not_as_signed_is_refused(log: SignedLog, place: str) -> None:
    note = head_paths(heads_folder(log.data))[-1].read_text()
    origin, size, root, time, *rest = note.split("\n")
    key = log.key.public_key()
    forged = {
        "size": [origin, "301", root, time, *rest],
        "root": [origin, size, "A" * 43 + "=", time, *rest],
        "time": [origin, size, root, "time 2026-04-01T04:00:01Z", *rest],
        "signature": [*note.split("\n")[:6], note.split("\n")[6][:-12] + "AAAAAAAAAAA="],
        "origin": ["other.example/log", *note.split("\n")[1:]],
        "rest": [origin, size, root, time],
        "key": note.split("\n"),
    }[place]
    if place == "key":
        key = Ed25519PrivateKey.generate().public_key()
    with pytest.raises(HeadWrong):
        verify_head("\n".join(forged), key)


def test_a_witness_may_sign_beside_the_city(log: SignedLog) -> None:
    note = head_paths(heads_folder(log.data))[-1].read_text()
    text, _, signatures = note.partition("\n\n")
    both = f"{text}\n\n— witness.example AAAAAAAAAAAA\n{signatures}"
    assert verify_head(both, log.key.public_key()).size == EVENTS


def test_every_event_is_proved_to_stand_in_the_signed_log(log: SignedLog) -> None:
    for seq in range(1, EVENTS + 1, 13):
        mine = event(log, seq)
        proof = prove_event(log.data, mine, log.key.public_key())
        kept = msgspec.json.decode(msgspec.json.encode(proof), type=EventProof)
        found, head = verify_event_proof(kept, log.key.public_key())
        assert (found, head.size) == (mine, EVENTS)


def test_a_proof_for_another_event_or_of_a_changed_one_is_refused(log: SignedLog) -> None:
    proof = prove_event(log.data, event(log, 20), log.key.public_key())
    other = prove_event(log.data, event(log, 21), log.key.public_key())
    for members in (
        {"event": other.event},
        {"path": other.path},
        {"path": proof.path[:-1]},
        {"path": ["?", *proof.path[1:]]},
        {"seq": 21},
        {"leaf_index": 20},
        {"leaf_hash": other.leaf_hash},
        {"event": proof.event[:-8] + "AAAAAAA="},
    ):
        with pytest.raises(ProofWrong):
            verify_event_proof(msgspec.structs.replace(proof, **members), log.key.public_key())


def test_an_event_after_the_last_head_is_not_yet_proved(own: SignedLog) -> None:
    later = msgspec.structs.replace(event(own, EVENTS), seq=EVENTS + 1)
    with pytest.raises(NotYetSigned):
        prove_event(own.data, later, own.key.public_key())


def test_every_head_is_proved_to_continue_every_earlier_one(log: SignedLog) -> None:
    key = log.key.public_key()
    for first, second in itertools.combinations(HEAD_SIZES, 2):
        proof = prove_continuity(log.data, first, second, key)
        heads = verify_continuity_proof(proof, key)
        assert [head.size for head in heads] == [first, second]
        with pytest.raises(ProofWrong):
            verify_continuity_proof(msgspec.structs.replace(proof, path=[]), key)
    with pytest.raises(NotYetSigned):
        prove_continuity(log.data, 42, 200, key)
