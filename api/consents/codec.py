"""A live consent as the store holds it: one line of text under `c:<handle>`.

    seq,status,sealed owner,partner,policy,purpose,not before,expires,uses a day,id

`seq` leads, so that the store's script can compare; instants in UTC milliseconds.
"""

from collections.abc import Callable

from api.consents.handles import HandleKeys
from api.consents.machine import Consent
from api.consents.protocol import ConsentStatus, LiveConsent, Owner
from scoring.contract.snapshot import RecordCorrupt, consent_key

entry_key = consent_key

_LETTERS: dict[ConsentStatus, str] = {
    "awaiting": "w",
    "active": "a",
    "paused": "p",
    "revoked": "r",
    "rejected": "j",
    "expired": "x",
}
_STATUSES = {letter: status for status, letter in _LETTERS.items()}


class ConsentCodec:
    def __init__(self, keys: HandleKeys, snapshot_subject_of: Callable[[str], str]) -> None:
        self._keys = keys
        self._snapshot_subject_of = snapshot_subject_of

    def encode(self, consent: Consent) -> bytes:
        terms, owner = consent.terms, self._keys.seal(consent.handle, consent.subject)
        return (
            f"{consent.seq},{_LETTERS[consent.status]},{owner},{terms.partner},{terms.policy},"
            f"{terms.purpose},{terms.not_before_ms},{terms.expires_at_ms},"
            f"{terms.max_uses_per_day},{consent.id}"
        ).encode()

    def decode(self, handle: str, value: bytes) -> LiveConsent:
        """Raises RecordCorrupt: another handle's value, another key's, or none of ours."""
        try:
            seq, letter, sealed, partner, policy, purpose, start, end, uses, consent_id = (
                value.decode().split(",")
            )
            subject = self._keys.unseal(handle, sealed)
            return LiveConsent(
                seq=int(seq),
                id=consent_id,
                status=_STATUSES[letter],
                owner=Owner(subject, self._snapshot_subject_of(subject)),
                partner=partner,
                policy=policy,
                purpose=purpose,
                not_before_ms=int(start),
                expires_at_ms=int(end),
                max_uses_per_day=int(uses),
            )
        except (ValueError, KeyError) as error:
            raise RecordCorrupt("consent does not parse") from error
