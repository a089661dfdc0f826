"""Key files of a data directory: where they lie and how the symmetric ones are read."""

from pathlib import Path

import msgspec

from scoring.contract.pseudonyms import parse_key
from scoring.errors import VerificationFailed


class KeyFiles(msgspec.Struct, frozen=True, kw_only=True):
    """`lake`, `snapshot`: 32 random bytes as hex. `signing`: Ed25519 of snapshots, PEM, with its
    public half; `log`: likewise, of the ledger's tree heads. `identity`, `api_signing`: P-256, PEM
    (ES256); the first is the demo's alone."""

    lake: Path
    snapshot: Path
    signing: Path
    signing_public: Path
    log: Path
    log_public: Path
    identity: Path
    api_signing: Path


def key_files(data: Path) -> KeyFiles:
    folder = data / "keys"
    return KeyFiles(
        lake=folder / "lake.key",
        snapshot=folder / "snapshot.key",
        signing=folder / "signing.pem",
        signing_public=folder / "signing.pub.pem",
        log=folder / "log.pem",
        log_public=folder / "log.pub.pem",
        identity=folder / "identity.pem",
        api_signing=folder / "api_signing.pem",
    )


def read_symmetric_key(path: Path) -> bytes:
    """32 bytes. Raises VerificationFailed where the file is missing or is not a key."""
    try:
        return parse_key(path.read_text(encoding="ascii"))
    except (OSError, ValueError) as error:
        raise VerificationFailed(
            "key_unreadable", str(error), where=str(path), do="restore the key from its safe"
        ) from error
