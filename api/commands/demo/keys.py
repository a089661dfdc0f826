"""The demo's own keys: made at its first start, readable by their owner alone."""

import secrets

from api.identity.keys import make_signing_key, write_signing_key
from api.identity.private_file import write_private_file
from scoring.contract.pseudonyms import KEY_BYTES
from scoring.keys import KeyFiles
from scoring.signing import make_keypair


def make_missing_keys(files: KeyFiles) -> None:
    files.lake.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    for path in (files.lake, files.snapshot):
        if not path.exists():
            write_private_file(path, secrets.token_hex(KEY_BYTES).encode())
    for path in (files.identity, files.api_signing):
        if not path.exists():
            write_signing_key(make_signing_key(), path)
    for private, public in (
        (files.signing, files.signing_public),
        (files.log, files.log_public),
    ):
        if not private.exists():
            make_keypair(private, public)
