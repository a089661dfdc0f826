"""An operator's first command: a data directory gets its keys, once."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.commands import app
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
