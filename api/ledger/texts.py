"""What people wrote, apart from the log that can never forget.

An event keeps a digest over a random salt and the words; both stand beside it and can be erased,
and then the digest tells nobody anything.
"""

import hashlib
import secrets

from api.ledger.protocol import Text

SALT_BYTES = 16


def text_digest(salt: bytes, words: str) -> str:
    return hashlib.sha256(salt + words.encode()).hexdigest()


def text_of(words: str, salt: bytes | None = None) -> Text:
    """A new salt for each text: the same words twice have nothing in common."""
    drawn = secrets.token_bytes(SALT_BYTES) if salt is None else salt
    return Text(digest=text_digest(drawn, words), salt=drawn, words=words)
