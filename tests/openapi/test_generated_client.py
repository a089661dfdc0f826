"""A client made of the document by somebody else's generator leaves nothing out and reads every
example. `make fuzz` calls every operation with it."""

import json
from pathlib import Path
from typing import Any

import pytest

from loadtest.fuzz.__main__ import TOOLS
from loadtest.fuzz.generated import GeneratedClient, generated_from, operation_ids
from loadtest.fuzz.tools import Tools

Document = dict[str, Any]
PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def client(document: Document, tmp_path_factory: pytest.TempPathFactory) -> GeneratedClient:
    tools = Tools(PROJECT / TOOLS)
    if not tools.is_ready:
        pytest.skip("openapi-python-client is in no environment here: `make fuzz` makes one")
    folder = tmp_path_factory.mktemp("client")
    (folder / "openapi.json").write_text(json.dumps(document))
    return generated_from(folder / "openapi.json", tools, folder / "made")


def test_no_operation_is_left_out(document: Document, client: GeneratedClient) -> None:
    assert [name for name in operation_ids(document) if not client.knows(name)] == []


def test_every_example_of_an_answer_is_read_and_written_again(
    document: Document, client: GeneratedClient
) -> None:
    seen = 0
    for item in document["paths"].values():
        for operation in item.values():
            for response in operation["responses"].values():
                for content in response.get("content", {}).values():
                    name = content["schema"].get("$ref", "").rpartition("/")[2]
                    if name and "example" in content:
                        seen += 1
                        again = client.model(name, content["example"]).to_dict()
                        assert set(again) == set(content["example"]), operation["operationId"]
    assert seen > 30
