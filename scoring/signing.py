"""Ed25519 signatures of snapshot manifests (RFC 8032), raw and detached.

Anyone can check one without this software:
`openssl pkeyutl -verify -pubin -inkey signing.pub.pem -rawin -in manifest.json -sigfile manifest.sig`
"""

from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from scoring.durable import write_new
from scoring.errors import VerificationFailed


def make_keypair(private: Path, public: Path) -> None:
    """Write a new pair as PEM (PKCS 8, SubjectPublicKeyInfo); an existing file is never replaced:
    FileExistsError. The private half is readable by its owner alone."""
    make_private_half(private)
    write_public_half(private, public)


def make_private_half(private: Path) -> None:
    """Raises FileExistsError."""
    secret = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    private.parent.mkdir(parents=True, exist_ok=True)
    write_new(private, secret, mode=0o600)


def write_public_half(private: Path, public: Path) -> None:
    """Raises FileExistsError, VerificationFailed."""
    pem = _public_pem(read_signing_key(private))
    public.parent.mkdir(parents=True, exist_ok=True)
    write_new(public, pem, mode=0o644)


def _public_pem(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def read_signing_key(private: Path) -> Ed25519PrivateKey:
    """Raises VerificationFailed `key_unreadable`."""
    try:
        key = serialization.load_pem_private_key(private.read_bytes(), password=None)
    except (OSError, ValueError) as error:
        raise _unreadable(private, str(error)) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _unreadable(private, "not an Ed25519 key")
    return key


def read_verifying_key(public: Path) -> Ed25519PublicKey:
    """Raises VerificationFailed `key_unreadable`."""
    try:
        key = serialization.load_pem_public_key(public.read_bytes())
    except (OSError, ValueError) as error:
        raise _unreadable(public, str(error)) from error
    if not isinstance(key, Ed25519PublicKey):
        raise _unreadable(public, "not an Ed25519 key")
    return key


def sign(key: Ed25519PrivateKey, message: bytes) -> bytes:
    """64 bytes; the same key and message give the same signature."""
    return key.sign(message)


def verify(key: Ed25519PublicKey, message: bytes, signature: bytes) -> None:
    """Raises VerificationFailed `signature_wrong`."""
    try:
        key.verify(signature, message)
    except InvalidSignature as error:
        raise VerificationFailed(
            "signature_wrong",
            "the signature does not belong to this content and key",
            do="build again, or check that the public key is the office's current one",
        ) from error


def _unreadable(path: Path, why: str) -> VerificationFailed:
    return VerificationFailed(
        "key_unreadable", why, where=str(path), do="restore the key from its safe"
    )
