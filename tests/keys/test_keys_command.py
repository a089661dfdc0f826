"""An operator's first command: a data directory gets its keys, once."""

import errno
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.commands import app
from api.commands.keys import make_missing_keys
from scoring import signing
from scoring.keys import key_files, read_symmetric_key
from scoring.signing import read_signing_key, read_verifying_key, sign, verify


def make(data: Path) -> None:
    done = CliRunner().invoke(app, ["keys", "make", "--data", str(data)])
    assert done.exit_code == 0, done.output


def contents(data: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (data / "keys").iterdir()}


def test_every_key_a_city_needs_is_made(tmp_path: Path) -> None:
    make(tmp_path)
    files = key_files(tmp_path)
    assert read_symmetric_key(files.lake) != read_symmetric_key(files.snapshot)
    signature = sign(read_signing_key(files.signing), b"x")
    verify(read_verifying_key(files.signing_public), b"x", signature)


def test_a_second_run_replaces_nothing(tmp_path: Path) -> None:
    make(tmp_path)
    before = contents(tmp_path)
    make(tmp_path)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("name", ["signing.pub.pem", "log.pub.pem"])
def test_a_public_half_that_a_kill_left_out_is_written_again(tmp_path: Path, name: str) -> None:
    make(tmp_path)
    before = contents(tmp_path)
    (tmp_path / "keys" / name).unlink()
    make(tmp_path)
    assert contents(tmp_path) == before


def test_nobody_else_can_read_a_private_key(tmp_path: Path) -> None:
    make(tmp_path)
    public = {"signing.pub.pem", "log.pub.pem"}
    modes = {p.name: p.stat().st_mode & 0o077 for p in (tmp_path / "keys").iterdir()}
    assert {name for name, mode in modes.items() if mode} <= public


def test_of_two_who_make_keys_at_once_the_first_makes_each_and_both_have_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one comes at the last moment: after it was looked whether a key is there."""
    first_made: dict[str, bytes] = {}
    link = os.link

    def late(source: Path, target: Path) -> None:
        if not first_made:
            monkeypatch.setattr(os, "link", link)
            make(tmp_path)
            first_made.update(contents_of_whole(tmp_path))
        link(source, target)

    monkeypatch.setattr(os, "link", late)
    make(tmp_path)
    assert contents(tmp_path) == first_made


def contents_of_whole(data: Path) -> dict[str, bytes]:
    """Without what the one who was overtaken still writes."""
    return {name: body for name, body in contents(data).items() if not name.startswith(".")}


@pytest.mark.parametrize("overtaken", ["write_public_half", "make_private_half"])
def test_a_pair_made_meanwhile_by_another_stays_a_pair(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overtaken: str
) -> None:
    own = getattr(signing, overtaken)

    def late(*paths: Path) -> None:
        monkeypatch.undo()
        make(tmp_path)
        own(*paths)

    monkeypatch.setattr(signing, overtaken, late)
    make(tmp_path)
    files = key_files(tmp_path)
    for private, public in ((files.signing, files.signing_public), (files.log, files.log_public)):
        verify(read_verifying_key(public), b"x", sign(read_signing_key(private), b"x"))


def test_a_key_whose_making_was_cut_short_is_no_key_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        make_missing_keys(key_files(tmp_path))
    assert contents(tmp_path) == {}
    with pytest.raises(OSError, match="No space left"):
        signing.make_private_half(key_files(tmp_path).signing)
    assert contents(tmp_path) == {}
