"""Every refusal the service knows: one table as data, one body shape (RFC 9457), two languages.

A body never repeats the URL, a header, a token or a member of the request: what went wrong is told
by `code`, which is stable, and by the table's words.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

PROBLEMS_FILE = Path(__file__).with_name("problems.toml")
TYPE_BASE = "https://chengxin.example/problems/"
MEDIA_TYPE = "application/problem+json"

Language = Literal["zh", "en"]
Members = Mapping[str, object]


class ProblemKind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`retry_after_seconds`: sent as Retry-After; a Problem may give a better figure."""

    status: int
    title: str
    detail: str
    title_en: str
    detail_en: str
    retry_after_seconds: int | None = None


def load_problems(path: Path = PROBLEMS_FILE) -> dict[str, ProblemKind]:
    """By code, in the order of the file. Raises msgspec.ValidationError."""
    return msgspec.toml.decode(path.read_bytes(), type=dict[str, ProblemKind])


PROBLEMS = load_problems()


class Problem(Exception):
    """A refusal on its way to the client. `members`: further members of the body, never input, or
    what makes them in the asked language; `headers`: what the status demands beside Retry-After."""

    def __init__(
        self,
        code: str,
        *,
        retry_after_seconds: int | None = None,
        members: Members | Callable[[Language], Members] | None = None,
        headers: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        super().__init__(code)
        self.code = code
        self.kind = PROBLEMS[code]
        self.members = members
        self.headers = headers
        self.retry_after_seconds = retry_after_seconds or self.kind.retry_after_seconds


class ProblemBody(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 9457 members, then ours: `code` is stable, `trace_id` finds the line in our log."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    trace_id: str


def problem_body(problem: Problem, language: Language, trace_id: str) -> bytes:
    kind = problem.kind
    is_english = language == "en"
    body = ProblemBody(
        type=TYPE_BASE + problem.code,
        title=kind.title_en if is_english else kind.title,
        status=kind.status,
        detail=kind.detail_en if is_english else kind.detail,
        code=problem.code,
        trace_id=trace_id,
    )
    if not problem.members:
        return msgspec.json.encode(body)
    members = problem.members(language) if callable(problem.members) else problem.members
    return msgspec.json.encode({**msgspec.structs.asdict(body), **members})


_RANGE = re.compile(
    r"\s*(zh|en|\*)(?:-[a-z0-9-]*)?\s*(?:;\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?\s*\Z"
)


def language_of(accept_language: bytes | None) -> Language:
    """English where it ranks above Chinese (RFC 9110 12.5.4); anything else, odd input included,
    is Chinese."""
    if not accept_language or len(accept_language) > 256:
        return "zh"
    weights = {"zh": -1.0, "en": -1.0}
    for part in accept_language.decode("latin-1").lower().split(","):
        if match := _RANGE.match(part):
            name = "zh" if match[1] == "*" else match[1]
            weights[name] = max(weights[name], float(match[2] or 1))
    return "en" if weights["en"] > max(weights["zh"], 0.0) else "zh"
