"""The consent record and its receipt: members and names of ISO/IEC TS 27560:2023, clause 6.

A receipt is made of the enrolment event and the notice it names, nothing else: made again, it is
the same bytes.
"""

import datetime as dt
import tomllib
from pathlib import Path
from typing import Literal

import msgspec

from api.ledger.enrolment import Receipt, receipt_for
from api.ledger.notice import NoticeDocument
from api.ledger.protocol import EventDraft

CONTROLLER_FILE = Path(__file__).with_name("controller.toml")
WITHDRAWAL_METHOD = "DELETE /v1/me/enrolment"
NOTICE_ADDRESS = "/v1/notice"


class Party(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """27560, 6.4."""

    party_id: str
    party_name: str
    party_address: str
    party_contact: str
    party_type: Literal["pii_controller", "authority", "pii_principal"]


class PiiInformation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """27560, 6.3.7. `pii_type`: a source kind of the catalogue."""

    pii_type: str
    pii_name: str
    is_sensitive: bool


class PrivacyNotice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    notice_version: str
    address: str
    sha256: str


class Processing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """27560, 6.3. Where the words are the notice's, they are its very words."""

    privacy_notice: PrivacyNotice
    language: str
    purpose: str
    lawful_basis: str
    collection_method: str
    processing_method: str
    pii_information: list[PiiInformation]
    pii_controllers: list[str]
    storage_locations: list[str]
    retention_days: int
    retention: str
    jurisdiction: str
    recipient_third_parties: str
    withdrawal_method: str
    rights: str


class ConsentRecordEvent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """27560, 6.5. `validity_duration` is `until_withdrawn`: the score has no term."""

    event_time: dt.datetime
    validity_duration: Literal["until_withdrawn"]
    entity_id: str
    event_type: Literal["explicit"]
    event_state: Literal["consent_given"]


class ConsentRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """27560, 6.2 to 6.5."""

    schema_version: Literal["iso-27560-2023"]
    record_id: str
    pii_principal_id: str
    processing: Processing
    parties: list[Party]
    events: list[ConsentRecordEvent]


class PublicKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """RFC 7517, P-256."""

    kty: Literal["EC"]
    crv: Literal["P-256"]
    x: str
    y: str


class Proof(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`kid`: RFC 7638 thumbprint of `jwk`. `signature`: base64url of R and S over the receipt's
    canonical bytes with an empty signature."""

    alg: Literal["ES256"]
    kid: str
    jwk: PublicKey
    signature: str


class SignedReceipt(Receipt, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The plain receipt, the whole consent record, and a proof over both."""

    receipt_schema_version: Literal["iso-27560-2023"] = "iso-27560-2023"
    consent_record: ConsentRecord
    proof: Proof


class Controller(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    jurisdiction: str
    lawful_basis: str
    storage_location: str
    retention_days: int
    collection_method: str
    controller: Party
    supervisor: Party
    pii: list[PiiInformation]


def load_controller(path: Path = CONTROLLER_FILE) -> Controller:
    """Raises msgspec.ValidationError."""
    return msgspec.convert(tomllib.loads(path.read_text("utf-8")), Controller)


def consent_record_of(
    receipt: Receipt, notice: NoticeDocument, controller: Controller
) -> ConsentRecord:
    words = {item.code: item.text for item in notice.items}
    citizen = Party(
        party_id=receipt.subject,
        party_name=receipt.subject,  # the city knows no other name here
        party_address=NOTICE_ADDRESS.replace("notice", "me/enrolment"),
        party_contact="/v1/me/events",
        party_type="pii_principal",
    )
    return ConsentRecord(
        schema_version="iso-27560-2023",
        record_id=receipt.receipt_id,
        pii_principal_id=receipt.subject,
        processing=Processing(
            privacy_notice=PrivacyNotice(
                notice_version=notice.version, address=NOTICE_ADDRESS, sha256=notice.sha256
            ),
            language=notice.language,
            purpose=words["purpose"],
            lawful_basis=controller.lawful_basis,
            collection_method=controller.collection_method,
            processing_method=words["method"],
            pii_information=controller.pii,
            pii_controllers=[controller.controller.party_id],
            storage_locations=[controller.storage_location],
            retention_days=controller.retention_days,
            retention=words["retention"],
            jurisdiction=controller.jurisdiction,
            recipient_third_parties=words["sharing"],
            withdrawal_method=WITHDRAWAL_METHOD,
            rights=words["rights"],
        ),
        parties=[citizen, controller.controller, controller.supervisor],
        events=[
            ConsentRecordEvent(
                event_time=receipt.enrolled_at,
                validity_duration="until_withdrawn",
                entity_id=receipt.subject,
                event_type="explicit",
                event_state="consent_given",
            )
        ],
    )


def receipt_parts(
    draft: EventDraft, notice: NoticeDocument, controller: Controller
) -> tuple[Receipt, ConsentRecord]:
    plain = receipt_for(draft, notice)
    return plain, consent_record_of(plain, notice, controller)
