"""Workers that start without the store are told what it serves, or nothing."""

from pathlib import Path

import msgspec
import pytest

from scoring.contract.served import SERVED_FILE, ServedSnapshot
from scoring.errors import PublishLost
from scoring.publish import pointers, served
from scoring.publish.served import forget_served, tell_served
from scoring.store.embedded import EmbeddedStore
from tests.support.snapshots import city, write_snapshot
from tests.support.stores import connected, publish_to


def told(snapshots: Path) -> str | None:
    path = snapshots / SERVED_FILE
    if not path.exists():
        return None
    return msgspec.json.decode(path.read_bytes(), type=ServedSnapshot).snapshot


def test_a_publish_tells_what_it_made_served_also_when_it_was_served_before(
    server: EmbeddedStore, snapshots: Path
) -> None:
    for name in ("s1", "s2"):
        folder = write_snapshot(snapshots, name, city(50, 1))
        assert publish_to(server, folder).is_told
        assert told(snapshots) == name
    forget_served(snapshots)
    assert publish_to(server, folder).is_told
    assert told(snapshots) == "s2"
    assert not list(snapshots.glob(f".{SERVED_FILE}*"))


def test_between_a_flip_and_its_word_there_is_no_word(
    server: EmbeddedStore, snapshots: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_to(server, write_snapshot(snapshots, "s1", city(50, 1)))

    def killed(*_: object) -> None:
        assert told(snapshots) is None
        raise PublishLost("publish_moved", "killed", do="")

    monkeypatch.setattr(pointers, "flip", killed)
    with pytest.raises(PublishLost):
        publish_to(server, write_snapshot(snapshots, "s2", city(50, 2)))
    assert told(snapshots) is None


def test_of_two_at_once_the_later_flip_is_told(
    server: EmbeddedStore, snapshots: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("s1", "s2"):
        publish_to(server, write_snapshot(snapshots, name, city(50, 1)))
    write, written = served._write, []

    def slow(folder: Path, snapshot: ServedSnapshot) -> None:
        if not written:  # somebody goes back before this word is on the disk
            with connected(server) as other:
                pointers.rollback(other)
        written.append(snapshot.snapshot)
        write(folder, snapshot)

    monkeypatch.setattr(served, "_write", slow)
    with connected(server) as store:
        assert tell_served(snapshots, store)
    assert written == ["s2", "s1"]
    assert told(snapshots) == "s1"


def test_a_folder_that_cannot_be_written_to_holds_no_publish_up(
    server: EmbeddedStore, snapshots: Path
) -> None:
    (snapshots / SERVED_FILE / "in the way").mkdir(parents=True)
    done = publish_to(server, write_snapshot(snapshots, "s1", city(50, 1)))
    assert (done.outcome, done.is_told) == ("flipped", False)
