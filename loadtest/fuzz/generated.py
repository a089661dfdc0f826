"""The client that openapi-python-client makes of the document, loaded and called by operation id."""

import importlib
import pkgutil
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from loadtest.fuzz.tools import Tools

SETTINGS = Path(__file__).with_name("generator.yml")
PACKAGE = "chengxin_client"
METHODS = ("get", "put", "post", "delete", "patch")


class GenerationIncomplete(Exception):
    """The generator left something out; its words say what."""


def generated_from(document: Path, tools: Tools, folder: Path) -> "GeneratedClient":
    """Raises GenerationIncomplete."""
    command = [tools.command("openapi-python-client"), "generate", "--path", str(document)]
    command += ["--output-path", str(folder), "--config", str(SETTINGS), "--overwrite"]
    done = subprocess.run(
        [*command, "--fail-on-warning"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise GenerationIncomplete(done.stdout + done.stderr)
    return GeneratedClient(folder)


class GeneratedClient:
    """`statuses`: of all calls, by operation id."""

    def __init__(self, folder: Path) -> None:
        sys.path.insert(0, str(folder))
        package = importlib.import_module(PACKAGE)
        self.models = importlib.import_module(f"{PACKAGE}.models")
        self._client = package.Client
        self._calls = {
            found.name.rpartition(".")[2]: found.name
            for found in pkgutil.walk_packages(package.__path__, f"{PACKAGE}.")
            if found.name.startswith(f"{PACKAGE}.api.") and not found.ispkg
        }
        self.statuses: dict[str, Counter[int]] = {}

    def knows(self, operation_id: str) -> bool:
        return _snake_case(operation_id) in self._calls

    def model(self, name: str, content: dict[str, Any]) -> Any:
        return getattr(self.models, name).from_dict(content)

    def call(
        self, operation_id: str, api: str, headers: dict[str, str], **arguments: Any
    ) -> tuple[int, Any]:
        """Status, and the answer as the client's type. Raises whatever the client cannot read."""
        module = importlib.import_module(self._calls[_snake_case(operation_id)])
        client = self._client(base_url=api, headers=headers, raise_on_unexpected_status=True)
        reply = module.sync_detailed(client=client, **arguments)
        self.statuses.setdefault(operation_id, Counter())[int(reply.status_code)] += 1
        return int(reply.status_code), reply.parsed


def _snake_case(operation_id: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", operation_id).lower()


def operation_ids(document: dict[str, Any]) -> list[str]:
    return [
        item[method]["operationId"]
        for item in document["paths"].values()
        for method in METHODS
        if method in item
    ]
