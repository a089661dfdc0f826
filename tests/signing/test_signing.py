"""Signatures of manifests."""

import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from scoring.errors import VerificationFailed
from scoring.signing import (
    make_keypair,
    read_signing_key,
    read_verifying_key,
    sign,
    verify,
)

MESSAGE = b'{"snapshot":"20260630-0123456789ab"}'


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    private, public = tmp_path / "keys" / "signing.pem", tmp_path / "keys" / "signing.pub.pem"
    make_keypair(private, public)
    return private, public


def test_a_signature_holds_for_its_message_alone(pair: tuple[Path, Path]) -> None:
    signature = sign(read_signing_key(pair[0]), MESSAGE)
    verify(read_verifying_key(pair[1]), MESSAGE, signature)
    with pytest.raises(VerificationFailed, match="signature_wrong"):
        verify(read_verifying_key(pair[1]), MESSAGE + b" ", signature)


def test_equal_messages_have_equal_signatures(pair: tuple[Path, Path]) -> None:
    key = read_signing_key(pair[0])
    assert sign(key, MESSAGE) == sign(key, MESSAGE)


def test_the_private_half_is_its_owners_alone_and_never_replaced(pair: tuple[Path, Path]) -> None:
    assert pair[0].stat().st_mode & 0o777 == 0o600
    before = pair[0].read_bytes()
    with pytest.raises(FileExistsError):
        make_keypair(*pair)
    assert pair[0].read_bytes() == before


def test_a_key_of_another_sort_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.pem"
    key = ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    with pytest.raises(VerificationFailed, match="key_unreadable"):
        read_signing_key(path)
    with pytest.raises(VerificationFailed, match="key_unreadable"):
        read_verifying_key(tmp_path / "missing.pem")


def test_openssl_agrees(pair: tuple[Path, Path], tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl command on this machine: its second opinion is not asked for")
    message, signature = tmp_path / "manifest.json", tmp_path / "manifest.sig"
    message.write_bytes(MESSAGE)
    signature.write_bytes(sign(read_signing_key(pair[0]), MESSAGE))
    told = subprocess.run(
        [openssl, "pkeyutl", "-verify", "-pubin", "-inkey", pair[1], "-rawin", "-in", message,
         "-sigfile", signature],
        capture_output=True, check=False, text=True,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
