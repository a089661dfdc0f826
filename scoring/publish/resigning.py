"""A snapshot of a replaced signing key, signed with the new one; its manifest stays as it is."""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from scoring import signing
from scoring.durable import write_whole
from scoring.errors import VerificationFailed
from scoring.publish.verify import MANIFEST_FILE, SIGNATURE_FILE, verify


def resign_snapshot(folder: Path, old: Ed25519PublicKey, key: Ed25519PrivateKey) -> bool:
    """False where it is of the new key already. Raises VerificationFailed where it is of neither,
    or any byte is not what its manifest says."""
    if _is_signed_by(folder, key.public_key()):
        return False
    body = verify(folder, old).manifest_bytes
    write_whole(folder / SIGNATURE_FILE, signing.sign(key, body))
    return True


def _is_signed_by(folder: Path, key: Ed25519PublicKey) -> bool:
    try:
        body, signature = ((folder / name).read_bytes() for name in (MANIFEST_FILE, SIGNATURE_FILE))
        signing.verify(key, body, signature)
    except (OSError, VerificationFailed):
        return False
    return True
