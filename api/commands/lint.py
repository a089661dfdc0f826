"""`chengxin lint`: rules, words, benefits and catalogue before anybody is scored by them.

Exit codes: 0 nothing to refuse, 4 at least one entry is refused.
"""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from scoring.errors import InputRefused

OwnFile = Annotated[Path | None, typer.Option(help="Instead of the edition in the package.")]


def lint(rulebook: OwnFile = None, benefits: OwnFile = None) -> None:
    """Refuse entries without basis, checker or dates, forbidden inputs, and sums out of range."""
    from scoring.benefits.load import BENEFITS_PATH
    from scoring.lint.everything import lint as lint_all
    from scoring.rulebook.load import RULEBOOK_PATH

    problems = lint_all(rulebook=rulebook or RULEBOOK_PATH, benefits=benefits or BENEFITS_PATH)
    console = Console(highlight=False)
    for problem in problems:
        console.print(f"{problem.where}: {problem.message} ({problem.rule})", markup=False)
    if problems:
        raise InputRefused(
            "lint_refused",
            f"{len(problems)} problem(s)",
            do="correct them at the places named above; nothing was built",
        )
    console.print("rules, benefits and catalogue keep every promise the linter knows")
