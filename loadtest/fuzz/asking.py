"""One role's run of schemathesis, and what came of it."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import msgspec

from loadtest.fuzz.roles import Role
from loadtest.fuzz.tools import Tools

SETTINGS = Path(__file__).with_name("schemathesis.toml")
RULES = Path(__file__).with_name("accepted.py")
PHASES = "examples,coverage,fuzzing,stateful"
SCHEME = "cityIdentity"  # as the document names it
SHARE_OF_KNOWN_VALUES = 0.6  # the others are made up


class Counts(msgspec.Struct, frozen=True):
    """`asked`: operation, status, how often. `accepted`: rule of accepted.py, how often."""

    asked: list[tuple[str, int, int]]
    accepted: dict[str, int]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """`is_whole`: every operation was asked in every phase. `text`: what schemathesis printed."""

    role: str
    failures: list[dict[str, Any]]
    is_whole: bool
    counts: Counts
    text: str

    @property
    def is_good(self) -> bool:
        return self.is_whole and not self.failures


def asked_as(
    role: Role, document: str, *, tools: Tools, folder: Path, examples: int, seed: int
) -> Outcome:
    """`document`: address of the OpenAPI document. `folder` gets the settings, log and report."""
    folder.mkdir(parents=True, exist_ok=True)
    settings, report, counts = (folder / name for name in ("st.toml", "report.json", "counts.json"))
    settings.write_text(SETTINGS.read_text("utf-8") + tables_for(role), "utf-8")
    command = [tools.command("st"), "--config-file", str(settings), "run", document]
    command += ["--mode", "all", "--phases", PHASES, "-n", str(examples), "--seed", str(seed)]
    command += ["--no-color", "--report", "json", "--report-json-path", str(report)]
    for operation in role.not_as:
        command += ["--exclude-operation-id", operation]
    environment = {
        **os.environ,
        "SCHEMATHESIS_HOOKS": str(RULES),
        "CHENGXIN_FUZZ_TOKEN": role.token or "",
        "CHENGXIN_FUZZ_COUNTS": str(counts),
    }
    done = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    (folder / "log.txt").write_text(done.stdout + done.stderr, "utf-8")
    return _outcome(role, report, counts, done)


def tables_for(role: Role) -> str:
    """The role's part of the settings, TOML. A JSON string is a TOML string."""
    lines = [""]
    if role.token:
        lines += [f"[auth.openapi.{SCHEME}]", 'bearer = "${CHENGXIN_FUZZ_TOKEN}"']
    for number, values in enumerate(role.values.values()):
        lines += [f"[dictionaries.known_{number}]", f"values = {json.dumps(values)}"]
    lines.append("[parameters]")
    for number, binding in enumerate(role.values):
        lines.append(
            f'"{binding}" = {{ dictionary = "known_{number}", probability = {SHARE_OF_KNOWN_VALUES} }}'
        )
    return "\n".join([*lines, ""])


def _outcome(
    role: Role, report: Path, counts: Path, done: "subprocess.CompletedProcess[str]"
) -> Outcome:
    if not (report.exists() and counts.exists()):
        raise RuntimeError(f"schemathesis did not run as {role.name}:\n{done.stdout}{done.stderr}")
    told = json.loads(report.read_text("utf-8"))
    operations = told["operations"]
    is_whole = (
        told["complete"] and not told["errors"] and operations["tested"] == operations["selected"]
    )
    return Outcome(
        role=role.name,
        failures=told["failures"],
        is_whole=is_whole,
        counts=msgspec.json.decode(counts.read_bytes(), type=Counts),
        text=done.stdout,
    )
