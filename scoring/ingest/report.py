"""What became of a delivered file."""

from pathlib import Path
from typing import Literal

import msgspec


class IngestReport(msgspec.Struct, frozen=True, kw_only=True):
    """An accepted file, now or earlier. `rejects_by_rule`: cells per broken rule, most frequent
    first; `rejects_path`: relative to the lake, None where every row was accepted."""

    file: str
    file_id: str
    kind: str
    department: str
    status: Literal["accepted", "already_loaded"]
    submitted: int
    accepted: int
    rejected: int
    rejects_by_rule: dict[str, int]
    rejects_path: str | None


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A file of which nothing was taken; members as in `scoring.errors.ChengxinError`."""

    file: Path
    code: str
    what: str
    where: str
    do: str


class TreeReport(msgspec.Struct, frozen=True, kw_only=True):
    files: list[IngestReport]
    refused: list[Refusal]
