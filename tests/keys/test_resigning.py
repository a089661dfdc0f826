"""Snapshots of a replaced signing key: signed anew when whole, left alone when not."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from api.commands import app
from scoring import signing
from scoring.errors import VerificationFailed
from scoring.keys import key_files
from scoring.publish.resigning import resign_snapshot
from scoring.publish.verify import verify
from scoring.signing import make_keypair
from tests.support.snapshots import PUBLIC_KEY, city, write_snapshot

NEW = Ed25519PrivateKey.from_private_bytes(bytes([7] * 32))


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    return write_snapshot(tmp_path / "snapshots", "first", city(20, 1))


def test_a_whole_snapshot_is_signed_anew_and_stays_what_it_was(snapshot: Path) -> None:
    before = (snapshot / "manifest.json").read_bytes()
    assert resign_snapshot(snapshot, PUBLIC_KEY, NEW)
    assert (snapshot / "manifest.json").read_bytes() == before
    assert verify(snapshot, NEW.public_key()).manifest.snapshot == "first"
    with pytest.raises(VerificationFailed):
        verify(snapshot, PUBLIC_KEY)
    signed = (snapshot / "manifest.sig").stat().st_mtime_ns
    assert not resign_snapshot(snapshot, PUBLIC_KEY, NEW)
    assert (snapshot / "manifest.sig").stat().st_mtime_ns == signed


@pytest.mark.parametrize("part", ["records-00.resp", "manifest.json", "manifest.sig"])
def test_what_is_not_whole_keeps_its_signature(snapshot: Path, part: str) -> None:
    content = (snapshot / part).read_bytes()
    (snapshot / part).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    signature = (snapshot / "manifest.sig").read_bytes()
    with pytest.raises(VerificationFailed):
        resign_snapshot(snapshot, PUBLIC_KEY, NEW)
    assert (snapshot / "manifest.sig").read_bytes() == signature


def test_the_command_signs_the_others_and_names_the_wrong_ones(tmp_path: Path) -> None:
    files = key_files(tmp_path)
    files.signing.parent.mkdir()
    make_keypair(files.signing, files.signing_public)
    old = tmp_path / "old.pub.pem"
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    old.write_bytes(PUBLIC_KEY.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    good = write_snapshot(tmp_path / "snapshots", "good", city(20, 1))
    bad = write_snapshot(tmp_path / "snapshots", "bad", city(20, 2))
    (bad / "manifest.sig").write_bytes(signing.sign(NEW, b"something else"))
    words = ["keys", "resign", str(old), "--data", str(tmp_path)]
    done = CliRunner().invoke(app, words)
    assert isinstance(done.exception, VerificationFailed)
    assert (done.exception.code, done.exception.exit_code) == ("snapshots_not_resigned", 5)
    assert "bad: signature_wrong, left as it was" in done.output
    assert "good: signed anew" in done.output
    public = signing.read_verifying_key(files.signing_public)
    assert verify(good, public).manifest.snapshot == "good"
    (bad / "manifest.json").unlink()
    again = CliRunner().invoke(app, words)
    assert again.exit_code == 0
    assert "good: of the new key already" in again.output
