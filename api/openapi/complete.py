"""From Litestar's document to ours: a pure function of that document and the operations' Access."""

from collections.abc import Mapping
from typing import Any

import msgspec

from api.access import Access
from api.openapi.about import BEARER_SCHEME, about, security_schemes
from api.openapi.headers import header_components
from api.openapi.limits import TEXT, bounded
from api.openapi.operation_words import OperationWords
from api.openapi.refusals import (
    header_references,
    problem_examples,
    problem_responses,
    problem_schema,
)
from api.openapi.words import OPERATIONS
from api.requests import MAX_FORM_PARAMETERS

JSON_TYPE = "application/json"
FORM_TYPE = "application/x-www-form-urlencoded"
JSON_RULES = "UTF-8 编码的 JSON，成员不得重复。"
FORM_RULES = "UTF-8 编码的表单，参数不得重复；未约定的参数不予理会。"

METHODS = ("get", "put", "post", "delete", "patch")
IDEMPOTENCY_PROBLEM = "invalid_idempotency_key"

_VISIBLE = "^[ -~]*$"

_TEXT_SCHEMA = {"type": "string", "maxLength": 1 << 20, "pattern": TEXT}

# 1 to 255 characters as a bare word, or as a structured-field string (RFC 9651 3.3.3).
_KEY_PATTERN = r'^(?:[!#-~][!-~]{0,254}|"(?:[ !#-\[\]-~]|\\["\\]){1,255}")$'

Document = dict[str, Any]
Accesses = Mapping[tuple[str, str], Access]  # (method, path template) -> Access


def complete_document(raw: Document, accesses: Accesses) -> Document:
    """`raw` is not changed. Raises KeyError for an operation without words, MemberWithoutLimit for
    a member without a bound."""
    paths = {
        path: {
            method: _operation(path, method, item[method], accesses)
            for method in METHODS
            if method in item
        }
        for path, item in sorted(raw["paths"].items())
    }
    used = _schemas_in_use(paths, raw["components"].get("schemas", {}))
    asked = _asked_as(paths, JSON_TYPE)
    forms = _asked_as(paths, FORM_TYPE)
    schemas = {
        name: _form(_schema(schema, is_asked=False))
        if name in forms
        else _schema(schema, is_asked=name in asked)
        for name, schema in used.items()
    }
    components = {
        "schemas": {**schemas, "Problem": problem_schema()},
        "headers": header_components(),
        "examples": problem_examples(),
        "securitySchemes": security_schemes(),
    }
    return {**about(raw["info"]["version"]), "paths": paths, "components": components}


def _operation(path: str, method: str, raw: Document, accesses: Accesses) -> Document:
    access = accesses[method.upper(), path]
    is_public_path = any(a.cache == "public" for (_, other), a in accesses.items() if other == path)
    words = OPERATIONS[raw["operationId"]]
    parameters = [_parameter(parameter) for parameter in raw.get("parameters", [])]
    if IDEMPOTENCY_PROBLEM in access.problems:
        parameters.append(_idempotency_key())
    operation = {
        **_members(raw, "tags", "summary", "operationId"),
        "description": words.description,
        "security": [{BEARER_SCHEME: [access.scope]}] if access.scope else [{}],
        "responses": {
            **_successes(raw["responses"], access, words),
            **problem_responses(method.upper(), access, is_readable_anywhere=is_public_path),
        },
    }
    if parameters:
        operation["parameters"] = parameters
    if "requestBody" in raw:
        operation["requestBody"] = _request_body(raw["requestBody"], words)
    return operation


def _asked_as(paths: Document, media_type: str) -> set[str]:
    """Components that requests of this media type refer to."""
    bodies = [op.get("requestBody", {}) for item in paths.values() for op in item.values()]
    return _references([body.get("content", {}).get(media_type) for body in bodies])


def _members(part: Document, *names: str) -> Document:
    return {name: part[name] for name in names if name in part}


def _parameter(raw: Document) -> Document:
    """Without the members OpenAPI deprecates, and never null: a query has no null."""
    schema = {key: value for key, value in raw["schema"].items() if key != "description"}
    schema = bounded(raw["name"], _never_null(schema))
    return {**_members(raw, "name", "in", "description", "required"), "schema": schema}


def _never_null(schema: Document) -> Document:
    branches = [branch for branch in schema.get("oneOf", []) if branch.get("type") != "null"]
    rest = {key: value for key, value in schema.items() if key != "oneOf"}
    return {**branches[0], **rest} if branches else schema


def _form(schema: Document) -> Document:
    """A form has no null; it stays open, since RFC 6749 3.2 has unknown parameters ignored; but
    each is text without control characters and there only once, known or not."""
    members = {name: _never_null(member) for name, member in schema["properties"].items()}
    return {
        **schema,
        "properties": members,
        "maxProperties": MAX_FORM_PARAMETERS,
        "propertyNames": {"type": "string", "maxLength": 255, "pattern": _VISIBLE},
        "additionalProperties": {"type": "string", "maxLength": 4_096, "pattern": _VISIBLE},
    }


def _idempotency_key() -> Document:
    return {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "每次新的操作换一个；网络中断后以同一个值重发，不会重复办理。",
        "schema": {"type": "string", "minLength": 1, "maxLength": 512, "pattern": _KEY_PATTERN},
        "example": "f47ac10b-58cc-4372-a567-0e02b2c3d479",
    }


def _request_body(raw: Document, words: OperationWords) -> Document:
    content = {
        media_type: {**part, "example": _without_nulls(msgspec.to_builtins(words.request))}
        for media_type, part in raw["content"].items()
    }
    is_form = FORM_TYPE in content
    return {**raw, "content": content, "description": FORM_RULES if is_form else JSON_RULES}


def _without_nulls(example: Document) -> Document:
    """A member that need not be sent is not sent."""
    return {name: value for name, value in example.items() if value is not None}


def _successes(raw: Document, access: Access, words: OperationWords) -> Document:
    found = {
        status: _success(response, access, words)
        for status, response in raw.items()
        if status < "300"
    }
    if access.cache == "public":
        found["304"] = {
            "description": "没有变化（If-None-Match 与 ETag 相同）",
            "headers": header_references(*_success_headers(access)),
        }
    return found


def _success(raw: Document, access: Access, words: OperationWords) -> Document:
    response = {
        "description": words.success,
        "headers": header_references(*_success_headers(access)),
    }
    if words.answer is None:
        return response
    (part,) = raw["content"].values()
    schema = part["schema"] if access.media_type.endswith("json") else _TEXT_SCHEMA
    content = {"schema": schema, "example": msgspec.to_builtins(words.answer)}
    return {**response, "content": {access.media_type: content}}


def _success_headers(access: Access) -> list[str]:
    if access.cache != "public":
        return ["Cache-Control-Private"]
    names = ["Cache-Control-Public", "ETag", "Access-Control-Allow-Origin"]
    return [*names, "Chengxin-Snapshot"] if "store_unavailable" in access.problems else names


def _schema(raw: Document, *, is_asked: bool) -> Document:
    """A component: bounds on every member; titles dropped, since they repeat the name. What is
    asked is closed, because unknown members are refused; answers may grow."""
    properties = {name: bounded(name, member) for name, member in raw.get("properties", {}).items()}
    kept = {key: value for key, value in raw.items() if key != "title"}
    if is_asked:
        kept["additionalProperties"] = False
    return {**kept, "properties": properties} if properties else kept


def _schemas_in_use(paths: Document, schemas: Document) -> Document:
    """What the operations refer to, directly or through one another, in the order of names."""
    reached: set[str] = set()
    waiting = _references(paths)
    while waiting:
        name = waiting.pop()
        if name in schemas and name not in reached:
            reached.add(name)
            waiting |= _references(schemas[name])
    return {name: schemas[name] for name in sorted(reached)}


def _references(part: object) -> set[str]:
    if isinstance(part, dict):
        own = part.get("$ref")
        names = {own.rsplit("/", 1)[1]} if isinstance(own, str) else set()
        return names.union(*(_references(value) for value in part.values()))
    if isinstance(part, list):
        return set().union(*(_references(value) for value in part))
    return set()
