"""范围: what may never feed a score, from the same list the linter refuses entries by."""

from collections.abc import Sequence
from html import escape

from builder.markup import table
from scoring.lint.forbidden import ForbiddenInput


def forbidden(inputs: Sequence[ForbiddenInput]) -> str:
    rows = [
        (f"<strong>{escape(entry.name)}</strong>", escape(entry.reason), escape(entry.legal_basis))
        for entry in inputs
    ]
    return table("不得用于评分的信息", ("不得使用", "为什么", "依据"), rows, frozenset())


def forbidden_english(inputs: Sequence[ForbiddenInput]) -> str:
    rows = [
        (f"<strong>{escape(entry.name_en)}</strong>", escape(entry.reason_en)) for entry in inputs
    ]
    return table("What may never feed a score", ("Never used", "Why"), rows, frozenset())
