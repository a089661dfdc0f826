"""The commands as an operator runs them: what they say and how they end."""

import datetime as dt
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from api.commands import main
from scoring.keys import key_files
from scoring.publish import pointers, prune
from scoring.publish.folders import newest_snapshot
from scoring.store.embedded import EmbeddedStore
from tests.support.snapshots import AS_OF, PUBLIC_KEY, city, write_snapshot
from tests.support.stores import connected


@pytest.fixture
def data(tmp_path: Path) -> Path:
    public = key_files(tmp_path).signing_public
    public.parent.mkdir()
    public.write_bytes(
        PUBLIC_KEY.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """Exit code of `chengxin <words>`."""
    monkeypatch.setattr(sys, "argv", ["chengxin", *words])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


def test_publish_roll_back_and_prune_say_what_is_served(
    data: Path,
    server: EmbeddedStore,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(prune, "GRACE_SECONDS", 0.0)
    place = ("--data", str(data), "--store", server.url)
    write_snapshot(data / "snapshots", "s1", city(50, 1))
    assert run(monkeypatch, "verify", "--data", str(data)) == 0
    assert run(monkeypatch, "publish", *place) == 0
    write_snapshot(data / "snapshots", "s2", city(50, 2), as_of=AS_OF + dt.timedelta(days=1))
    assert run(monkeypatch, "publish", *place) == 0
    assert run(monkeypatch, "publish", *place) == 0
    assert run(monkeypatch, "rollback", *place) == 0
    assert run(monkeypatch, "prune", *place) == 0
    said = capsys.readouterr().out
    for words in (
        "s1: 4 parts, 50 citizens",
        "serving s1, before nothing",
        "serving s2, before s1",
        "s2 is being served already",
        "serving s1 again, after s2",
        "removed s2",
    ):
        assert words in said
    with connected(server) as store:
        assert pointers.served_id(store) == "s1"
    assert (data / "snapshots" / "served.json").read_bytes() == b'{"snapshot":"s1"}'


def test_each_refusal_has_its_exit_code(
    data: Path, server: EmbeddedStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place = ("--data", str(data), "--store", server.url)
    assert run(monkeypatch, "publish", *place) == 4  # no snapshot
    folder = write_snapshot(data / "snapshots", "s1", city(50, 1))
    nobody = f"unix://{tmp_path}/nobody.sock"
    assert run(monkeypatch, "publish", "--data", str(data), "--store", nobody) == 7
    assert run(monkeypatch, "rollback", *place) == 1
    assert run(monkeypatch, "publish", *place) == 0
    write_snapshot(data / "snapshots", "s0", city(50, 2), as_of=AS_OF - dt.timedelta(days=1))
    assert run(monkeypatch, "publish", *place, "s0") == 6
    accepted = ("s0", "--accept-shift", "as_of_backwards")
    assert run(monkeypatch, "publish", *place, *accepted) == 0
    (folder / "documents.resp").unlink()
    assert run(monkeypatch, "verify", "--data", str(data), "s1") == 5


def test_the_newest_snapshot_is_told_by_its_manifest_not_by_its_name(tmp_path: Path) -> None:
    write_snapshot(tmp_path, "z-old", city(5, 1))
    write_snapshot(tmp_path, "a-new", city(5, 1), as_of=AS_OF + dt.timedelta(days=1))
    write_snapshot(tmp_path, "b-newer", city(5, 1), as_of=AS_OF + dt.timedelta(days=1),
                   ledger_position=9)  # fmt: skip
    (tmp_path / "zz-unfinished").mkdir()
    assert newest_snapshot(tmp_path).name == "b-newer"


def test_the_store_is_named_by_the_same_variable_as_for_the_service(
    data: Path, server: EmbeddedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHENGXIN_STORE_URL", server.url)
    write_snapshot(data / "snapshots", "s1", city(50, 1))
    assert run(monkeypatch, "publish", "--data", str(data)) == 0
    with connected(server) as store:
        assert pointers.served_id(store) == "s1"


def test_what_the_machine_refuses_ends_with_its_code_and_the_whole_path_on_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / ("a-folder-of-a-rather-long-name-" * 4)
    make_lake_key(data)
    (data / "lake").write_text("a file where a folder belongs")
    (tmp_path / "in").mkdir()
    assert run(monkeypatch, "ingest", str(tmp_path / "in"), "--data", str(data)) == 7
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert f"where: {data / 'lake'}\n" in said
    assert "disk_unavailable" in said


def make_lake_key(data: Path) -> None:
    (data / "keys").mkdir(parents=True)
    (data / "keys" / "lake.key").write_text("00" * 32)
