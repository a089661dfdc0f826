"""Upper bounds of what the service answers: strings, lists and whole numbers, by member name.

They are promises to whoever reserves memory or columns for an answer. Where a type bounds a member
itself (msgspec.Meta), that bound stands and none is needed here.
"""

from typing import Any

IDENTIFIER = "^[a-z][a-z0-9_]*$"
COMPACT_JWS = r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$"
VERSION = "^[0-9A-Za-z._-]+$"
BASE64 = "^[A-Za-z0-9+/]+=*$"
LINE = r"^[^\x00-\x1F\x7F]*$"  # words on one line: no control characters
TEXT = r"^[^\x00-\x08\x0B-\x1F\x7F]*$"  # words on several lines

# As TEXT, from people: nothing that turns the order of what others read, and no unseen controls.
# Marks of direction (U+200E, U+200F) belong to Uyghur and Arabic names and stay.
WRITTEN = r"^[^\x00-\x08\x0B-\x1F\x7F-\x9F\u202A-\u202E\u2066-\u2069]*$"


def exactly(pattern: str) -> str:
    """The pattern as a type of ours holds a request to it: Python's `$` also matches before a last
    line feed, `\\Z` does not. The document has `$` again, which means the same to its readers."""
    return pattern.removesuffix("$") + r"\Z"


def _string(pattern: str, max_length: int) -> dict[str, Any]:
    return {"maxLength": max_length, "pattern": pattern}


STRINGS: dict[str, dict[str, Any]] = {
    # identifiers
    "id": _string(IDENTIFIER, 64),
    "code": _string(LINE, 64),  # of fields as departments write them: Chinese too
    "kind": _string(IDENTIFIER, 64),
    "outcome": _string(IDENTIFIER, 64),
    "measure": _string(IDENTIFIER, 64),
    "unit": _string(IDENTIFIER, 64),
    "partner": _string(IDENTIFIER, 64),
    "rule_id": _string(IDENTIFIER, 64),
    "status": _string(IDENTIFIER, 32),
    "record_id": _string("^[A-Za-z0-9_-]+$", 64),
    "receipt_id": _string("^[0-9a-f]{32}$", 32),
    "replaces": _string("^[0-9a-f]{32}$", 32),
    "sha256": _string("^[0-9a-f]{64}$", 64),
    "subject": _string("^[!-~]+$", 128),
    "schema": _string("^[a-z0-9-]+$", 64),
    "snapshot": _string(VERSION, 64),
    "version": _string(VERSION, 64),
    "rules_version": _string(VERSION, 64),
    "rule_version": _string(VERSION, 64),
    "notice_version": _string(VERSION, 64),
    "next_cursor": _string("^[A-Za-z0-9_.~-]+$", 512),
    # consent receipts (ISO/IEC TS 27560)
    "pii_principal_id": _string("^[!-~]+$", 128),
    "entity_id": _string("^[!-~]+$", 128),
    "party_id": _string("^[!-~]+$", 128),
    "party_name": _string(LINE, 128),
    "party_address": _string(LINE, 256),
    "party_contact": _string(LINE, 128),
    "pii_type": _string(IDENTIFIER, 64),
    "pii_name": _string(LINE, 128),
    "pii_controllers": _string("^[!-~]+$", 128),
    "address": _string(LINE, 256),
    "language": _string("^[A-Za-z-]+$", 16),
    "lawful_basis": _string(LINE, 1_024),
    "collection_method": _string(LINE, 512),
    "processing_method": _string(TEXT, 4_096),
    "storage_locations": _string(LINE, 256),
    "retention": _string(TEXT, 4_096),
    "jurisdiction": _string("^[A-Z]{2}$", 2),
    "recipient_third_parties": _string(TEXT, 4_096),
    "rights": _string(TEXT, 4_096),
    "signature": _string("^[A-Za-z0-9_-]{86}$", 86),
    # consents and accesses
    # disputes, reviews, repairs
    "case_id": _string("^[A-Za-z0-9_-]+$", 64),
    "reference": _string("^[A-Za-z0-9_.-]+$", 64),
    "proposed_outcome": _string(IDENTIFIER, 32),
    "proposed_by": _string("^[!-~]+$", 128),
    "proposal_id": _string("^[0-9a-f]{64}$", 64),
    "decided_by": _string("^[!-~]+$", 128),
    "confirmed_by": _string("^[!-~]+$", 128),
    "repair_class": _string(IDENTIFIER, 32),
    "repair_policy": _string(VERSION, 64),
    "decision_reason": _string(TEXT, 8_000),
    "proposal_reason": _string(TEXT, 8_000),
    "returned_reason": _string(TEXT, 8_000),
    "pending": _string(LINE, 512),
    "statement": _string(TEXT, 8_000),
    "how": _string(LINE, 512),
    "retention_version": _string(VERSION, 64),
    "schema_address": _string("^/[!-~]*$", 64),
    "handle": _string("^[A-Za-z0-9_-]{22}$", 22),
    "consent_id": _string("^[!-~]+$", 64),
    "cursor": _string("^[A-Za-z0-9_.~-]+$", 512),
    "policy": _string(IDENTIFIER, 64),
    "purpose_code": _string(IDENTIFIER, 64),
    "initiator": _string("^[!-~]+$", 128),
    "decision_id": _string("^[A-Za-z0-9_-]+$", 64),
    "response_digest": _string("^[0-9a-f]{64}$", 64),
    "since": _string("^[0-9-]+$", 10),
    "until": _string("^[0-9-]+$", 10),
    "link": _string("^/[!-~]*$", 256),
    # tree heads and proofs
    "event": _string(BASE64, 65_536),
    "leaf_hash": _string(BASE64, 44),
    "path": _string(BASE64, 44),
    "head": _string(TEXT, 8_192),
    "first_head": _string(TEXT, 8_192),
    "second_head": _string(TEXT, 8_192),
    "signed_head": _string(TEXT, 8_192),
    "root_hash": _string("^[0-9a-f]{64}$", 64),
    "file_name": _string("^[0-9A-Za-z.]+$", 64),
    "origin": _string("^[!-~]+$", 255),
    "public_key": _string(TEXT, 1_024),
    # tokens and keys
    "consent": _string("^[!-~]+$", 128),
    "grant_type": _string("^[!-~]+$", 255),
    "client_assertion_type": _string("^[!-~]+$", 255),
    "client_assertion": _string(COMPACT_JWS, 4_096),
    "client_id": _string("^[!-~]+$", 255),
    "scope": _string("^[!-~]+( [!-~]+)*$", 255),
    "access_token": _string(COMPACT_JWS, 4_096),
    "token_type": _string("^Bearer$", 6),
    "kty": _string("^EC$", 2),
    "crv": _string("^P-256$", 5),
    "x": _string("^[A-Za-z0-9_-]{43}$", 43),
    "y": _string("^[A-Za-z0-9_-]{43}$", 43),
    "kid": _string("^[A-Za-z0-9_-]+$", 128),
    "alg": _string("^ES256$", 5),
    "use": _string("^sig$", 3),
    "issuer": _string("^https?://[!-~]+$", 512),
    "token_endpoint": _string("^https?://[!-~]+$", 512),
    "jwks_uri": _string("^https?://[!-~]+$", 512),
    "scopes_supported": _string("^[A-Za-z0-9_]+$", 64),
    "response_types_supported": _string("^[A-Za-z0-9_]+$", 64),
    "grant_types_supported": _string("^[A-Za-z0-9_]+$", 64),
    "token_endpoint_auth_methods_supported": _string("^[A-Za-z0-9_]+$", 64),
    "token_endpoint_auth_signing_alg_values_supported": _string("^[A-Za-z0-9_]+$", 64),
    # names and sentences
    "initiator_name": _string(LINE, 128),
    "on_behalf_of": _string(LINE, 128),
    "hidden_reason": _string(LINE, 512),
    "name": _string(LINE, 128),
    "name_en": _string(LINE, 128),
    "partner_name": _string(LINE, 128),
    "scene": _string(LINE, 64),
    "tag": _string("^[A-Za-z0-9\u4e00-\u9fff_-]+$", 64),  # a scene: letters, digits, Han
    "title": _string(LINE, 256),
    "source": _string(LINE, 128),
    "author": _string(LINE, 128),
    "second_checker": _string(LINE, 128),
    "withdrawal_method": _string(LINE, 128),
    "values": _string(LINE, 256),
    "what": _string(LINE, 512),
    "reason": _string(TEXT, 8_000),  # of a case: several lines
    "note": _string(LINE, 1_024),
    "legal_basis": _string(LINE, 1_024),
    "basis": _string(LINE, 1_024),
    "purpose": _string(TEXT, 4_096),
    "controller": _string(TEXT, 4_096),
    "withdrawal": _string(TEXT, 4_096),
    "text": _string(TEXT, 65_536),
    "text_en": _string(TEXT, 65_536),
}

ARRAYS: dict[str, int] = {
    "changes": 10_000,
    "pii_information": 64,
    "pii_controllers": 16,
    "storage_locations": 16,
    "parties": 16,
    "events": 16,
    "keys": 4,
    "scopes_supported": 16,
    "response_types_supported": 16,
    "grant_types_supported": 16,
    "token_endpoint_auth_methods_supported": 16,
    "token_endpoint_auth_signing_alg_values_supported": 16,
    "rules": 12,  # the most a rulebook may hold
    "bands": 5,
    "reasons": 4,
    "path": 128,  # hashes from a leaf to the root, and twice as many between two roots
    "points": 32,  # steps of a rule that is a table
    "upcoming": 32,  # announced changes of twelve rules and the scale
    "items": 10_000,
    "departments": 256,
    "fields": 256,
    "values": 1_024,
}

# (least, most); points and scores are bounded by the rulebook's scale, never beyond these.
INTEGERS: dict[str, tuple[int, int]] = {
    "score": (0, 1_000),
    "target": (0, 1_000),
    "reached_score": (0, 1_000),
    "best_score": (0, 1_000),
    "base": (0, 1_000),
    "minimum": (0, 1_000),
    "maximum": (0, 1_000),
    "threshold": (0, 1_000),
    "from": (0, 1_000),
    "to": (0, 1_000),
    "points": (-1_000, 1_000),
    "cap": (-1_000, 1_000),
    "at_least": (0, 36_500),
    "measure": (0, 36_500),
    "validity_days": (1, 36_500),
    "retention_days": (1, 36_500),
    "answer_valid_days": (1, 366),
    "max_chars": (1, 65_536),
    "received": (0, (1 << 31) - 1),
    "decided": (0, (1 << 31) - 1),
    "given": (0, (1 << 31) - 1),
    "overdue": (0, (1 << 31) - 1),
    "least_citizens": (1, 1_000),
    "days": (0, 36_500),
    "max_uses_per_day": (1, 100),
    "data_life_days": (1, 366),
    "uses": (0, (1 << 31) - 1),
    "limit": (1, 100),
    "expires_in": (1, 600),
    "status": (400, 429),
    "ledger_position": (0, (1 << 53) - 1),
    "seq": (1, (1 << 53) - 1),
    "leaf_index": (0, (1 << 53) - 1),
    "size": (0, (1 << 53) - 1),
    "overlaid_at_position": (0, (1 << 53) - 1),
    "change": (-1_000, 1_000),
}

DATE_CHARS = 10
INSTANT_CHARS = 32
INT32_LIMIT = 1 << 31
BRANCHES = frozenset({"oneOf", "anyOf", "allOf"})


class MemberWithoutLimit(KeyError):
    """A new member of an answer has no bound here: add one, with its reason where it has any."""


def bounded(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """A member's schema with bounds on every string, list and whole number in it.
    Raises MemberWithoutLimit."""
    branches: dict[str, Any] = {}
    for key in BRANCHES & schema.keys():
        branches[key] = [bounded(name, branch) for branch in schema[key]]
    kinds = _kinds(schema)
    result = {**schema, **branches}
    if "string" in kinds and not {"enum", "const"} & schema.keys():
        result = {**_string_bounds(name, schema), **result}
    if "integer" in kinds:
        result = {**_integer_bounds(name, schema), **result}
    if "array" in kinds:
        items = bounded(name, schema.get("items", {}))
        most = schema.get("maxItems") or _known(ARRAYS, name)
        result = {**result, "maxItems": most, "items": items}
    if "pattern" in result:
        result["pattern"] = result["pattern"].replace(r"\Z", "$")
    return result


def _kinds(schema: dict[str, Any]) -> list[str]:
    kind = schema.get("type", [])
    return [kind] if isinstance(kind, str) else list(kind)


def _string_bounds(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    if schema.get("format") == "date":
        return {"maxLength": DATE_CHARS}
    if schema.get("format") == "date-time":
        return {"maxLength": INSTANT_CHARS}
    if {"maxLength", "pattern"} <= schema.keys():
        return {}
    return dict(_known(STRINGS, name))


def _integer_bounds(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    if {"minimum", "maximum"} <= schema.keys():
        least, most = schema["minimum"], schema["maximum"]
    else:
        least, most = _known(INTEGERS, name)
    return {"format": "int32" if most < INT32_LIMIT else "int64", "minimum": least, "maximum": most}


def _known(table: dict[str, Any], name: str) -> Any:
    if name not in table:
        raise MemberWithoutLimit(name)
    return table[name]
