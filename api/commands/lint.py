"""`chengxin lint`: rules, words, benefits and catalogue before anybody is scored by them.

Exit codes: 0 nothing to refuse, 4 at least one entry is refused, 5 a snapshot cannot be read.
"""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from scoring.errors import InputRefused, VerificationFailed

OwnFile = Annotated[Path | None, typer.Option(help="Instead of the edition in the package.")]


Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="Data directory: no day of its snapshots may come to have other rules.",
        metavar="DIR",
    ),
]


def lint(rulebook: OwnFile = None, benefits: OwnFile = None, data: Data = None) -> None:
    """Refuse entries without basis, checker or dates, forbidden inputs, changes without notice or
    backwards in time, and sums out of range."""
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
    if data is not None:
        _refuse_backward_changes(data / "snapshots", rulebook or RULEBOOK_PATH)
    console.print("rules, benefits and catalogue keep every promise the linter knows")


def _refuse_backward_changes(snapshots: Path, path: Path) -> None:
    import msgspec

    from scoring.contract.documents import RulesDocument
    from scoring.contract.snapshot import Manifest
    from scoring.rulebook import load_rulebook
    from scoring.rulebook.past import refuse_backward_changes

    rulebook = load_rulebook(path)
    for file in sorted(snapshots.glob("*/manifest.json")):
        try:
            manifest = msgspec.json.decode(file.read_bytes(), type=Manifest)
            content = (file.parent / "documents" / "rules.json").read_bytes()
            rules = msgspec.json.decode(content, type=RulesDocument)
        except (OSError, msgspec.DecodeError) as error:
            raise VerificationFailed(
                "snapshot_unreadable", str(error), where=str(file.parent)
            ) from error
        refuse_backward_changes(rulebook, rules, manifest.as_of)
