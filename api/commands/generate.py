"""`chengxin generate`: the files a synthetic city's departments would send.

Exit codes: 0 written, 4 refused (folder in use, too few people, impossible day), 2 wrong usage.
"""

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from scoring.city.generation import CitySummary


def generate(
    people: Annotated[int, typer.Option(min=1, help="how many people live there")],
    out: Annotated[Path, typer.Option(help="folder for <kind>/<department>-<nnn>.csv and notes")],
    seed: Annotated[int, typer.Option(help="same seed, same bytes")] = 7,
    as_of: Annotated[
        str, typer.Option(help="the city's day, YYYY-MM-DD; a fixed one where not given")
    ] = "",
) -> None:
    """Write the departments' files of a synthetic city: same people, seed and day, same bytes."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from scoring.city.generation import STANDARD_DAY
    from scoring.city.generation import generate as generate_city

    day = _day(as_of) if as_of else STANDARD_DAY
    columns = (
        TextColumn("people"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[records]:,} records"),
        TimeElapsedColumn(),
    )
    with Progress(*columns) as progress:
        task = progress.add_task("people", total=people, records=0)

        def show(done: int, records: int) -> None:
            progress.update(task, completed=done, records=records)

        summary = generate_city(people=people, seed=seed, out=out, as_of=day, on_progress=show)
    _print(summary)


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter("a day YYYY-MM-DD is expected", param_hint="--as-of") from error


def _print(summary: "CitySummary") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{summary.people:,} people, seed {summary.seed}, {summary.as_of}")
    table.add_column("kind")
    for name in ("files", "rows", "to be refused"):
        table.add_column(name, justify="right")
    for kind, rows in summary.rows.items():
        files = sum(file.kind == kind for file in summary.files)
        refused = sum(summary.expected_rejects.get(kind, {}).values())
        table.add_row(kind, f"{files:,}", f"{rows:,}", f"{refused:,}")
    console = Console(highlight=False)
    console.print(table)
    console.print(f"late: {', '.join(summary.late_files)}")
    console.print(f"digest {summary.digest}", soft_wrap=True)
