"""`chengxin lint`: rules, words, benefits and catalogue before anybody is scored by them.

Exit codes: 0 nothing to refuse, 4 at least one entry is refused, 5 a snapshot cannot be read.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from scoring.errors import InputRefused, VerificationFailed

if TYPE_CHECKING:
    from scoring.lint.problem import LintProblem

OwnFile = Annotated[Path | None, typer.Option(help="Instead of the edition in the package.")]


Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="Data directory: no day of its snapshots may come to have other rules.",
        metavar="DIR",
    ),
]


Notices = Annotated[
    Path | None, typer.Option(help="Folder of notices instead of the package's.", metavar="DIR")
]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", help="Day whose notice must cover what is done; default: today."),
]


def lint(
    *,
    rulebook: OwnFile = None,
    benefits: OwnFile = None,
    notices: Notices = None,
    as_of: AsOf = None,
    data: Data = None,
) -> None:
    """Refuse entries without basis, checker or dates, forbidden inputs, changes without notice or
    backwards in time, sums out of range, and what no notice told citizens."""
    from scoring.benefits.load import BENEFITS_PATH
    from scoring.lint.everything import lint as lint_all
    from scoring.rulebook.load import RULEBOOK_PATH

    rules_path, benefits_path = rulebook or RULEBOOK_PATH, benefits or BENEFITS_PATH
    problems = lint_all(rulebook=rules_path, benefits=benefits_path)
    if not problems:  # terms mean nothing while an entry of them is refused
        problems = _untold(rules_path, benefits_path, notices, as_of)
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
        _refuse_backward_changes(data, rulebook or RULEBOOK_PATH)
    console.print("rules, benefits and catalogue keep every promise the linter knows")


def _untold(
    rulebook: Path, benefits: Path, notices: Path | None, as_of: str | None
) -> "list[LintProblem]":
    import time

    from api.commands.build import day_of
    from api.commands.told import notice_problems
    from api.ledger.enrolment import city_day
    from scoring.benefits import load_benefits
    from scoring.rulebook import load_rulebook

    return notice_problems(
        load_rulebook(rulebook),
        load_benefits(benefits),
        day_of(as_of) if as_of else city_day(int(time.time() * 1_000)),
        notices=notices,
        is_looking_ahead=True,
    )


def _refuse_backward_changes(data: Path, path: Path) -> None:
    """Also for versions that have ended: their rules stay."""
    import msgspec

    from scoring.contract.documents import RulesDocument
    from scoring.contract.snapshot import Manifest
    from scoring.ended.remains import ENDED
    from scoring.rulebook import load_rulebook
    from scoring.rulebook.past import refuse_backward_changes

    rulebook = load_rulebook(path)
    versions = [
        *(data / "snapshots").glob("*/manifest.json"),
        *(data / ENDED).glob("*/manifest.json"),
    ]
    for file in sorted(versions):
        try:
            manifest = msgspec.json.decode(file.read_bytes(), type=Manifest)
            content = (file.parent / "documents" / "rules.json").read_bytes()
            rules = msgspec.json.decode(content, type=RulesDocument)
        except (OSError, msgspec.DecodeError) as error:
            raise VerificationFailed(
                "snapshot_unreadable", str(error), where=str(file.parent)
            ) from error
        refuse_backward_changes(rulebook, rules, manifest.as_of)
