"""`chengxin pia check`: the impact assessment is complete, in time and fits the notice in force.

Exit codes: 0 it holds, 4 a member is missing or wrong, a review is overdue or the file is no TOML.
"""

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

app = typer.Typer(name="pia", help="The impact assessment.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Commands of the impact assessment."""


@app.command("check")
def check(
    file: Annotated[
        Path | None, typer.Option(help="Instead of the edition in the package.")
    ] = None,
    as_of: Annotated[
        dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Default: the city's today.")
    ] = None,
) -> None:
    """Purpose, impact, measures, dates, checker and retention of every activity; each purpose of
    the notice assessed; the items of Art. 17 and the contact of Art. 52 in the notice."""
    from api.ledger.notice_facts import notice_facts_on
    from scoring.errors import InputRefused
    from scoring.policy.assessment import ASSESSMENT_PATH, check_assessment, load_assessment

    day, path = as_of.date() if as_of else city_today(), file or ASSESSMENT_PATH
    problems = check_assessment(path, day, notice_facts_on(day))
    console = Console(highlight=False, soft_wrap=True)
    for problem in problems:
        console.print(f"{problem.where}: {problem.message} ({problem.rule})", markup=False)
    if problems:
        raise InputRefused(
            "pia_refused",
            f"{len(problems)} problem(s)",
            where=str(path),
            do="complete the assessment at the places named above",
        )
    assessment = load_assessment(path)
    due = min(entry.review_on for entry in assessment.activities)
    number = len(assessment.activities)
    console.print(f"assessment {assessment.version}: {number} activities, next review {due}")


def city_today() -> dt.date:
    import time

    from api.ledger.enrolment import city_day

    return city_day(int(time.time() * 1_000))
