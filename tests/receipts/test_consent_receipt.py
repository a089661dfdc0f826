"""A receipt holds everything the standard asks for, is the same when made again, and shows every
change."""

import base64
import json
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from api.commands.receipt import app
from api.ledger.enrolment import enrolled_draft
from api.ledger.notice import LANGUAGES, Language, load_notices
from api.receipts.record import PublicKey, SignedReceipt, load_controller
from api.receipts.signing import receipt_maker, verified_receipt
from api.signing_keys import jwks_of, make_signing_key
from scoring.errors import VerificationFailed
from tests.ledger.drafts import AT_MS, pseudonym

KEY, OTHER_KEY = make_signing_key(), make_signing_key()
NOTICES = load_notices()
RUN = CliRunner()


def receipt(language: Language = "zh-CN", key=KEY) -> bytes:
    notice = NOTICES.document("2026-01", language)
    draft = enrolled_draft(pseudonym(1), notice, "0f" * 16, AT_MS)
    return receipt_maker(key)(draft, notice)


def published(*keys) -> dict[str, PublicKey]:
    return {
        key["kid"]: PublicKey(**{name: key[name] for name in ("kty", "crv", "x", "y")})
        for key in jwks_of(*keys)["keys"]
    }


# clause 6 of ISO/IEC TS 27560:2023, as the W3C's guide lists what is mandatory
MANDATORY = {
    "": ["receipt_schema_version", "receipt_id"],
    "consent_record": ["schema_version", "record_id", "pii_principal_id"],
    "consent_record.processing": [
        "privacy_notice",
        "language",
        "purpose",
        "pii_information",
        "pii_controllers",
        "storage_locations",
        "retention",
        "jurisdiction",
        "recipient_third_parties",
        "withdrawal_method",
    ],
    "consent_record.processing.pii_information.0": ["pii_type"],
    "consent_record.parties.0": [
        "party_id",
        "party_address",
        "party_name",
        "party_contact",
        "party_type",
    ],
    "consent_record.events.0": [
        "event_time",
        "validity_duration",
        "entity_id",
        "event_type",
        "event_state",
    ],
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("place", MANDATORY, ids=lambda place: place or "receipt")
def test_every_mandatory_member_is_there_and_says_something(place: str, language: Language) -> None:
    part = json.loads(receipt(language))
    for step in filter(None, place.split(".")):
        part = part[int(step)] if step.isdigit() else part[step]
    assert [name for name in MANDATORY[place] if not part.get(name)] == []


@pytest.mark.parametrize(
    ("place", "name"),
    [(place, name) for place, names in MANDATORY.items() for name in names],
    ids=lambda part: part or "receipt",
)
def test_a_receipt_without_a_mandatory_member_is_refused(place: str, name: str) -> None:
    whole = json.loads(receipt())
    part = whole
    for step in filter(None, place.split(".")):
        part = part[int(step)] if step.isdigit() else part[step]
    del part[name]
    data = json.dumps(whole, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    with pytest.raises(VerificationFailed) as refused:
        verified_receipt(data)
    assert refused.value.code in ("receipt_malformed", "receipt_changed")


def test_made_again_it_is_the_same_bytes() -> None:
    assert receipt() == receipt()


def test_the_plain_members_stay_where_they_were() -> None:
    plain = json.loads(receipt())
    assert plain["status"] == "active"
    assert plain["subject"] == pseudonym(1)
    assert plain["notice_version"] == "2026-01"
    assert plain["withdrawal_method"] == "DELETE /v1/me/enrolment"


def test_it_verifies_with_its_own_and_with_the_published_key_alone() -> None:
    assert verified_receipt(receipt()).subject == pseudonym(1)
    assert verified_receipt(receipt(), published(OTHER_KEY, KEY)).subject == pseudonym(1)
    with pytest.raises(VerificationFailed) as refused:
        verified_receipt(receipt(), published(OTHER_KEY))
    assert refused.value.code == "receipt_key_unknown"


def test_no_byte_can_change_unnoticed() -> None:
    data = receipt()
    for position in range(0, len(data), 3):
        for change in (0x01, 0x20):
            flipped = bytearray(data)
            flipped[position] ^= change
            with pytest.raises(VerificationFailed):
                verified_receipt(bytes(flipped))


@pytest.mark.parametrize("changed", [b"", b" ", b"\n"], ids=["cut", "space", "newline"])
def test_what_is_appended_or_cut_is_noticed(changed: bytes) -> None:
    data = receipt() + changed if changed else receipt()[:-1]
    with pytest.raises(VerificationFailed):
        verified_receipt(data)


def test_another_key_under_the_offices_name_is_noticed() -> None:
    forged = json.loads(receipt(key=OTHER_KEY))
    forged["proof"]["kid"] = KEY.kid
    data = json.dumps(forged, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    with pytest.raises(VerificationFailed):
        verified_receipt(data, published(KEY))


def test_a_second_spelling_of_the_signature_is_noticed() -> None:
    whole = json.loads(receipt())
    signature = whole["proof"]["signature"]
    raw = base64.urlsafe_b64decode(signature + "==")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    other = signature[:-1] + alphabet[alphabet.index(signature[-1]) | 1]
    assert base64.urlsafe_b64decode(other + "==") == raw
    whole["proof"]["signature"] = other
    data = json.dumps(whole, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    with pytest.raises(VerificationFailed):
        verified_receipt(data)


def test_the_kinds_a_receipt_names_are_those_of_the_catalogue() -> None:
    from scoring.catalogue.loading import load_catalogue

    persons = {e.id for e in load_catalogue().kinds if e.subject_class == "person"}
    assert {pii.pii_type for pii in load_controller().pii} == persons


def test_the_command_tells_a_whole_receipt_from_one_with_a_flipped_byte(tmp_path: Path) -> None:
    file, keys = tmp_path / "receipt.json", tmp_path / "jwks.json"
    file.write_bytes(receipt())
    keys.write_text(json.dumps(jwks_of(KEY)))
    assert RUN.invoke(app, ["verify", str(file)]).exit_code == 0
    assert RUN.invoke(app, ["verify", str(file), "--jwks", str(keys)]).exit_code == 0
    data = bytearray(receipt())
    data[len(data) // 2] ^= 1
    file.write_bytes(bytes(data))
    assert RUN.invoke(app, ["verify", str(file)]).exit_code == 1
    assert RUN.invoke(app, ["verify", str(tmp_path / "none.json")]).exit_code == 1


def test_a_receipt_is_read_back_as_the_type_the_interface_shows() -> None:
    assert msgspec.json.decode(receipt(), type=SignedReceipt).proof.kid == KEY.kid
