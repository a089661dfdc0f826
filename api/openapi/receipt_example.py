"""A receipt as the interface description shows it: real words, a key and a signature of nobody."""

import msgspec

from api.ledger.enrolment import Receipt
from api.ledger.notice import DEFAULT_LANGUAGE, load_notices
from api.receipts.record import (
    Proof,
    PublicKey,
    SignedReceipt,
    consent_record_of,
    load_controller,
)

_THUMBPRINT = "nobody-can-sign-with-this-example-key-000000"
_COORDINATE = "A" * 43
_SIGNATURE = "A" * 86


def signed_example(plain: Receipt) -> SignedReceipt:
    notice = load_notices().document(plain.notice_version, DEFAULT_LANGUAGE)
    return SignedReceipt(
        **msgspec.structs.asdict(plain),
        consent_record=consent_record_of(plain, notice, load_controller()),
        proof=Proof(
            alg="ES256",
            kid=_THUMBPRINT,
            jwk=PublicKey(kty="EC", crv="P-256", x=_COORDINATE, y=_COORDINATE),
            signature=_SIGNATURE,
        ),
    )
