"""One more policy in the benefits register: written whole or not at all, and only after the linter."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

from scoring.benefits.model import BenefitPolicy
from scoring.durable import write_durably
from scoring.errors import ChengxinError, InputRefused
from scoring.lint.benefits import lint_benefits
from scoring.lint.problem import LintProblem

Members = Mapping[str, object]
BASIC = "basic"


class BasicServiceForbidden(ChengxinError):
    """No wording makes it acceptable: the command was used for what it is not for."""

    exit_code = 2


def with_policy(path: Path, members: Members, score_range: tuple[int, int]) -> str:
    """The register's text with one policy more; nothing is written. Raises BasicServiceForbidden,
    InputRefused with the linter's word as code."""
    if members.get("service_class") == BASIC:
        raise _basic("service_class")
    _require_all(members)
    text = path.read_text(encoding="utf-8").rstrip("\n") + "\n\n" + entry_text(members)
    with tempfile.TemporaryDirectory(prefix="chengxin-benefit-") as folder:
        copy = Path(folder) / path.name  # the linter names the file it is about
        copy.write_text(text, encoding="utf-8")
        problems = lint_benefits(copy, score_range)
    if problems:
        raise _refusal(problems)
    return text


def add_policy(path: Path, members: Members, score_range: tuple[int, int]) -> None:
    """Raises as `with_policy`, and OSError."""
    write_durably(path, with_policy(path, members, score_range).encode())


def entry_text(members: Members) -> str:
    """As a TOML table. A string of JSON is one of TOML."""
    lines = [f"{name} = {_value(value)}" for name, value in members.items() if value is not None]
    return "\n".join(["[[benefit]]", *lines, ""])


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)


def _require_all(members: Members) -> None:
    fields = msgspec.structs.fields(BenefitPolicy)
    missing = [f.name for f in fields if f.required and members.get(f.name) is None]
    if missing:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in missing)
        raise InputRefused("member_missing", f"not given: {options}", do="give each of them")


def _refusal(problems: list[LintProblem]) -> ChengxinError:
    listed = "; ".join(f"{p.where}: {p.message} ({p.rule})" for p in problems)
    if any(p.rule == "basic_service" for p in problems):
        return _basic(listed)
    return InputRefused(problems[0].rule, listed, do="nothing was written")


def _basic(where: str) -> BasicServiceForbidden:
    return BasicServiceForbidden(
        "basic_service_forbidden",
        "a basic service has no condition: whoever needs it gets it, whatever the score",
        where=where,
        do="nothing was written; offer something beside the service",
    )
