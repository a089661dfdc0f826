"""自我检验: claims against the ban on social scoring, each beside the source of the tests that hold
it. A test that is gone or renamed stops the build."""

import ast
from functools import cache
from html import escape
from pathlib import Path

import msgspec

from scoring.errors import InputRefused

ROOT = Path(__file__).resolve().parents[2]
CLAIMS = ROOT / "site" / "self_test.toml"


class Claim(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`tests`: `path::name` each, at least one."""

    text: str
    tests: list[str]


class Element(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    title: str
    question: str
    answer: str
    claims: list[Claim] = msgspec.field(name="claim")


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    element: list[Element]


def elements(path: Path = CLAIMS) -> list[Element]:
    try:
        return msgspec.toml.decode(path.read_bytes(), type=_File).element
    except (OSError, msgspec.DecodeError) as error:
        raise InputRefused("site_self_test_unreadable", str(error), where=str(path)) from error


def page(path: Path = CLAIMS) -> str:
    """Raises InputRefused `site_self_test_stale`."""
    return "\n\n".join(_element(element) for element in elements(path))


def sources(path: Path = CLAIMS) -> str:
    names = sorted(
        {name for element in elements(path) for claim in element.claims for name in claim.tests}
    )
    return "\n\n".join(_source(name) for name in names)


def source_of(name: str) -> str:
    """Source of the test `path::function`. Raises InputRefused `site_self_test_stale`."""
    path, _, function = name.partition("::")
    found = _functions(path).get(function)
    if found is None:
        raise InputRefused(
            "site_self_test_stale",
            f"no test {name}",
            where=str(CLAIMS),
            do="name the test that holds the claim now, or withdraw the claim",
        )
    return found


@cache
def _functions(path: str) -> dict[str, str]:
    file = ROOT / path
    if not file.is_file():
        return {}
    text = file.read_text("utf-8")
    return {
        node.name: ast.get_source_segment(text, node) or ""
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    }


def _element(element: Element) -> str:
    claims = "".join(_claim(claim) for claim in element.claims)
    return (
        f"## {escape(element.title)} {{#{element.id}}}\n\n{escape(element.question)}\n\n"
        f'**{escape(element.answer)}**\n\n<ul class="claims">{claims}</ul>'
    )


def _claim(claim: Claim) -> str:
    if not claim.tests:
        raise InputRefused("site_self_test_stale", f"a claim without a test: {claim.text}")
    links = "、".join(f'<a href="#{_anchor(name)}">{_words(name)}</a>' for name in claim.tests)
    return f"<li>{escape(claim.text)}<br>由检验保证：{links}</li>"


def _source(name: str) -> str:
    path, _, _ = name.partition("::")
    code = escape(source_of(name))
    return (
        f'<details class="fields" id="{_anchor(name)}"><summary>{_words(name)}</summary>'
        f"<p><code>{escape(path)}</code></p><pre><code>{_unbroken(code)}</code></pre></details>"
    )


def _unbroken(code: str) -> str:
    """Markdown ends a block of HTML at an empty line."""
    return "\n".join(line or "&#8203;" for line in code.split("\n"))


def _anchor(name: str) -> str:
    return "proof-" + name.partition("::")[2].removeprefix("test_").replace("_", "-")


def _words(name: str) -> str:
    """The tests' names are sentences."""
    return escape(name.partition("::")[2].removeprefix("test_").replace("_", " "))
