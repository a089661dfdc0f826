"""An answer kept for its repetition: all its members but the word that it is about.

The ledger holds no content. The line's digest fits one of the two texts there are, and so tells
which of them was given, as when a decision is reproduced.
"""

import hashlib

import msgspec

from api.ledger.protocol import IdempotencyClaim
from api.ledger.repeated import Idempotency
from api.partner.decision import answer_bytes
from scoring.contract.snapshot import RecordCorrupt

ANSWERED_STATUS = 200


class KeptAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`digest`: SHA-256 of the answer's bytes as hex."""

    policy: str
    valid_until: str
    decision_id: str
    snapshot: str
    digest: str

    def text(self) -> bytes:
        """The answer's bytes. Raises RecordCorrupt."""
        for word in (True, False):
            text = answer_bytes(
                eligible=word,
                policy=self.policy,
                valid_until=self.valid_until,
                decision_id=self.decision_id,
                snapshot=self.snapshot,
            )
            if hashlib.sha256(text).hexdigest() == self.digest:
                return text
        raise RecordCorrupt("the digest of a kept answer fits neither text")


class KeptRefusal(msgspec.Struct, frozen=True, kw_only=True):
    """A question of a batch that was refused."""

    code: str
    status: int


class KeptBatch(msgspec.Struct, frozen=True, kw_only=True):
    """In the order of the questions."""

    items: list[KeptAnswer | None]
    refusals: dict[int, KeptRefusal]


def one_scope(partner: str) -> str:
    return f"eligibility {partner}"


def batch_scope(partner: str) -> str:
    return f"eligibility batch {partner}"


def item_scope(partner: str, index: int) -> str:
    """Of a question of a batch: a batch that was cut short is taken up where it was."""
    return f"eligibility batch {partner} {index}"


def claim_of(scope: str, asked: Idempotency, body: msgspec.Struct) -> IdempotencyClaim:
    return asked.claim(scope, ANSWERED_STATUS, msgspec.json.encode(body))
