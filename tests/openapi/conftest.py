from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator, oas31_format_checker

from tests.api.city import make_city
from tests.api.service import Service, service_of


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder: Path = tmp_path_factory.mktemp("openapi")
    with service_of(make_city(), folder) as running:
        yield running


@pytest.fixture(scope="module")
def document(service: Service) -> dict[str, Any]:
    """As served."""
    reply = service.get("/schema/openapi.json")
    assert reply.status == 200
    found: dict[str, Any] = reply.json()
    return found


class Checker:
    """Validates values against the document's schemas."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    def errors(self, schema: dict[str, Any], value: object) -> list[str]:
        whole = {**schema, "components": self.document["components"]}
        validator = OAS31Validator(whole, format_checker=oas31_format_checker)
        return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]

    def resolved(self, part: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in part:
            found: Any = self.document
            for name in part["$ref"].removeprefix("#/").split("/"):
                found = found[name]
            part = found
        return part


@pytest.fixture(scope="module")
def checker(document: dict[str, Any]) -> Checker:
    return Checker(document)
