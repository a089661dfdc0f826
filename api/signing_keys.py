"""ES256 keys of ours: made once into a file, published as JWKs."""

import base64
import hashlib
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from api.private_file import make_private_file, write_private_file

COORDINATE_BYTES = 32  # P-256


class KeyUnusable(ValueError):
    """The file holds no P-256 private key."""


class SigningKey(msgspec.Struct, frozen=True):
    """`kid` is the key's RFC 7638 thumbprint, so two provider processes name it alike."""

    kid: str
    private_key: ec.EllipticCurvePrivateKey


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _thumbprint(members: dict[str, str]) -> str:
    return _base64url(hashlib.sha256(msgspec.json.encode(members, order="sorted")).digest())


def _public_members(private_key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    numbers = private_key.public_key().public_numbers()
    return {
        "crv": "P-256",
        "kty": "EC",
        "x": _base64url(numbers.x.to_bytes(COORDINATE_BYTES, "big")),
        "y": _base64url(numbers.y.to_bytes(COORDINATE_BYTES, "big")),
    }


def signing_key(private_key: ec.EllipticCurvePrivateKey) -> SigningKey:
    return SigningKey(_thumbprint(_public_members(private_key)), private_key)


def make_signing_key() -> SigningKey:
    return signing_key(ec.generate_private_key(ec.SECP256R1()))


def write_signing_key(key: SigningKey, path: Path) -> None:
    """PKCS 8 PEM, unencrypted."""
    write_private_file(path, _pem(key))


def make_signing_key_file(path: Path) -> None:
    """A new key where there is none. Raises FileExistsError."""
    make_private_file(path, _pem(make_signing_key()))


def _pem(key: SigningKey) -> bytes:
    return key.private_key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def load_signing_key(path: Path) -> SigningKey:
    """Raises KeyUnusable, naming the file but never its content."""
    try:
        private_key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError) as error:
        raise KeyUnusable(f"{path}: not an unencrypted PEM private key") from error
    if not isinstance(private_key, ec.EllipticCurvePrivateKey) or private_key.key_size != 256:
        raise KeyUnusable(f"{path}: not a P-256 key")
    return signing_key(private_key)


def jwks_of(*keys: SigningKey) -> dict[str, Any]:
    """RFC 7517 key set; public members only."""
    return {
        "keys": [
            {**_public_members(key.private_key), "kid": key.kid, "alg": "ES256", "use": "sig"}
            for key in keys
        ]
    }
