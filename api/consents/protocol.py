"""What an eligibility check asks of consents: one read by handle, pipelined with the record's.

    consent = await live_consents.live(handle)       # None: no partner was ever given this handle
    refusal = consent.refusal(partner=…, policy=…, purpose=…, now_ms=…)   # None: she allows it

The owner of a handle never changes, so `remembered` tells from memory whose record to ask for: the
consent's own bytes are read beside it, and what was remembered holds only if they are the same.
"""

from typing import Literal

import msgspec

ConsentStatus = Literal["awaiting", "active", "paused", "revoked", "rejected", "expired"]
ENDED: frozenset[ConsentStatus] = frozenset({"revoked", "rejected", "expired"})

ConsentRefusal = Literal[
    "consent_foreign",  # another partner's: to be told exactly as one that does not exist
    "consent_mismatch",  # this partner's, for another policy or purpose
    "consent_not_active",  # awaiting, paused or not valid yet
    "consent_expired",
    "consent_revoked",
]


class Owner(msgspec.Struct, frozen=True):
    """`subject`: as the ledger knows her; `snapshot_subject`: as the snapshot does."""

    subject: str
    snapshot_subject: str


class LiveConsent(msgspec.Struct, frozen=True, kw_only=True):
    """A consent as the store has it. Instants in UTC milliseconds. `max_uses_per_day` counts days
    of the city's clock. `seq`: ledger event this state comes from."""

    seq: int
    id: str
    status: ConsentStatus
    owner: Owner
    partner: str
    policy: str
    purpose: str
    not_before_ms: int
    expires_at_ms: int
    max_uses_per_day: int

    def refusal(
        self, *, partner: str, policy: str, purpose: str, now_ms: int
    ) -> ConsentRefusal | None:
        """None where she allows this partner this policy for this purpose at this moment."""
        if partner != self.partner:
            return "consent_foreign"
        if policy != self.policy or purpose != self.purpose:
            return "consent_mismatch"
        if self.status in ("revoked", "rejected"):
            return "consent_revoked"
        if self.status == "expired" or now_ms >= self.expires_at_ms:
            return "consent_expired"
        if self.status != "active" or now_ms < self.not_before_ms:
            return "consent_not_active"
        return None
