"""The document is valid, complete in both directions, bounded everywhere, and its examples hold."""

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from openapi_spec_validator import validate

from api.access import Access
from api.idempotency import key_of
from api.openapi.limits import MemberWithoutLimit, bounded
from api.openapi.refusals import BESIDE_OPERATIONS
from api.openapi.words import OPERATIONS
from api.problems import PROBLEMS, Problem
from scoring.benefits.document import benefits_document
from scoring.benefits.load import load_benefits
from scoring.catalogue.loading import load_catalogue
from scoring.catalogue.publishing import published_document as catalogue_document
from scoring.rulebook.document import published_document as rules_document
from scoring.rulebook.load import load_rulebook
from tests.api.service import Service

from .conftest import Checker

Document = dict[str, Any]
OWN_ADDRESS = "/schema/openapi.json"  # the document does not describe itself


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


def accesses(service: Service) -> dict[tuple[str, str], Access]:
    return {
        (method, route.template): access
        for route in service.app.table.routes
        for method, access in route.operations.items()
        if method != "HEAD"  # HEAD is GET without a body, on every address
    }


def test_the_document_is_valid_openapi_3_1(document: Document) -> None:
    assert document["openapi"] == "3.1.0"
    validate(document)


def test_what_is_served_and_what_is_documented_are_the_same(
    service: Service, document: Document
) -> None:
    documented = {(method, path) for method, path, _ in operations(document)}
    served = {key for key in accesses(service) if key[1] != OWN_ADDRESS}
    assert documented == served


def test_words_exist_for_the_operations_there_are_and_no_others(document: Document) -> None:
    assert {operation["operationId"] for *_, operation in operations(document)} == set(OPERATIONS)


def test_every_operation_has_words_a_known_tag_and_an_id_of_its_own(document: Document) -> None:
    tags = {tag["name"] for tag in document["tags"]}
    found = [operation for *_, operation in operations(document)]
    assert all(op["summary"] and op["description"] for op in found)
    assert {tag for op in found for tag in op["tags"]} <= tags
    assert len({op["operationId"] for op in found}) == len(found)


def test_only_operations_that_need_a_token_ask_for_one(
    service: Service, document: Document
) -> None:
    for (method, path), access in accesses(service).items():
        if path != OWN_ADDRESS:
            asked = document["paths"][path][method.lower()]["security"]
            assert asked == ([{"cityIdentity": [access.scope]}] if access.scope else [{}])


def test_every_problem_of_an_operation_is_documented_with_its_example(
    service: Service, document: Document
) -> None:
    for (method, path), access in accesses(service).items():
        if path == OWN_ADDRESS:
            continue
        responses = document["paths"][path][method.lower()]["responses"]
        for code in (*access.problems, "internal_error"):
            content = responses[str(PROBLEMS[code].status)]["content"]["application/problem+json"]
            assert content["examples"][code] == {"$ref": f"#/components/examples/{code}"}


def test_every_problem_belongs_to_an_operation_or_to_none_at_all(document: Document) -> None:
    documented = {
        code
        for *_, operation in operations(document)
        for response in operation["responses"].values()
        for content in response.get("content", {}).values()
        for code in content.get("examples", {})
    }
    assert documented | BESIDE_OPERATIONS == set(PROBLEMS)


def schemas_in(part: object, place: str) -> Iterator[tuple[str, Document]]:
    if isinstance(part, list):
        for number, value in enumerate(part):
            yield from schemas_in(value, f"{place}/{number}")
    if isinstance(part, dict):
        if isinstance(part.get("type"), str | list) and "in" not in part:
            yield place, part
        for name, value in part.items():
            if name not in ("example", "examples"):
                yield from schemas_in(value, f"{place}/{name}")


def test_every_string_list_and_number_is_bounded(document: Document) -> None:
    unbounded = []
    for place, schema in schemas_in({k: document[k] for k in ("paths", "components")}, ""):
        kind = schema["type"]
        is_bounded = {
            "string": schema.keys() & {"maxLength", "enum", "const"}
            and schema.keys() & {"format", "pattern", "enum", "const"},
            "array": "maxItems" in schema,
            "integer": {"format", "minimum", "maximum"} <= schema.keys(),
        }
        if not is_bounded.get(str(kind), True):
            unbounded.append(place)
    assert unbounded == []


def test_a_new_member_without_a_bound_stops_the_document() -> None:
    with pytest.raises(MemberWithoutLimit):
        bounded("never_heard_of", {"type": "string"})


def examples_in(document: Document, checker: Checker) -> Iterator[tuple[str, Document, object]]:
    for method, path, operation in operations(document):
        where = f"{method} {path}"
        parts = [("request", operation.get("requestBody", {}))]
        parts += [(status, response) for status, response in operation["responses"].items()]
        for name, part in parts:
            for content in part.get("content", {}).values():
                if "example" in content:
                    yield f"{where} {name}", content["schema"], content["example"]
                for code, example in content.get("examples", {}).items():
                    value = checker.resolved(example)["value"]
                    yield f"{where} {name} {code}", content["schema"], value
    for name, header in document["components"]["headers"].items():
        yield name, header["schema"], header["example"]


def test_every_example_fits_its_schema(document: Document, checker: Checker) -> None:
    wrong = {
        where: errors
        for where, schema, value in examples_in(document, checker)
        if (errors := checker.errors(schema, value))
    }
    assert wrong == {}


def test_the_problem_examples_name_the_status_they_stand_under(
    document: Document, checker: Checker
) -> None:
    for *_, operation in operations(document):
        for status, response in operation["responses"].items():
            for content in response.get("content", {}).values():
                for code, example in content.get("examples", {}).items():
                    value = checker.resolved(example)["value"]
                    assert (str(value["status"]), value["code"]) == (status, code)


TODAY = dt.date(2026, 11, 20)
PUBLISHED = {
    "RulesDocument": lambda: rules_document(load_rulebook(), TODAY),
    "BenefitsDocument": lambda: benefits_document(load_benefits(), TODAY),
    "CatalogueDocument": lambda: catalogue_document(load_catalogue()),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_what_the_city_publishes_keeps_within_the_limits(checker: Checker, name: str) -> None:
    published = json.loads(msgspec.json.encode(PUBLISHED[name]()))
    assert checker.errors({"$ref": f"#/components/schemas/{name}"}, published) == []


def test_nothing_in_the_document_is_unused(document: Document) -> None:
    text = json.dumps(document)
    unused = [
        f"{kind}/{name}"
        for kind in ("schemas", "headers", "examples")
        for name in document["components"][kind]
        if f'"#/components/{kind}/{name}"' not in text
    ]
    assert unused == []


KEYS = ["k", "a,b;c", "x" * 255, "x" * 256, '"quoted key"', '"a\\"b"', '"', '"open', "a b", "é", ""]


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key[:12] or "empty")
def test_the_pattern_of_an_idempotency_key_is_what_the_service_takes(
    document: Document, checker: Checker, key: str
) -> None:
    (parameter,) = document["paths"]["/v1/me/enrolment"]["post"]["parameters"]
    try:
        key_of(key.encode("latin-1"))
    except Problem:
        assert checker.errors(parameter["schema"], key) != []
    else:
        assert checker.errors(parameter["schema"], key) == []


def test_request_bodies_are_closed_but_for_a_form(document: Document, checker: Checker) -> None:
    for *_, operation in operations(document):
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
            schema = checker.resolved(content["schema"])
            if media_type == "application/json":
                assert schema["additionalProperties"] is False
            else:  # RFC 6749 3.2: unknown parameters are ignored; and a form knows no null
                assert schema["additionalProperties"]["type"] == "string"
                assert "null" not in json.dumps(schema)


def test_the_same_service_describes_itself_in_the_same_bytes(service: Service) -> None:
    first, second = (service.get(OWN_ADDRESS) for _ in range(2))
    assert first.body == second.body
    assert first.headers["etag"] == second.headers["etag"]
    unchanged = service.get(OWN_ADDRESS, if_none_match=first.headers["etag"])
    assert (unchanged.status, unchanged.body) == (304, b"")
