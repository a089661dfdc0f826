"""`chengxin ingest`: departments' files into the lake.

Exit codes: 0 every file taken (or there already), 4 at least one file refused, the others taken;
5 the lake was made with another key; 7 another ingest is running.
"""

import datetime as dt
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.private import write_for_owner_alone

if TYPE_CHECKING:
    from rich.console import Console

    from scoring.ingest import IngestReport, Refusal, TreeReport

_REFUSED = 4


def ingest(
    path: Annotated[
        Path, typer.Argument(help="A file, or a folder of files with their notes.", exists=True)
    ],
    data: Annotated[
        Path, typer.Option(help="Data directory: keys and lake.", file_okay=False)
    ] = Path("data"),
    digest: Annotated[str, typer.Option(help="Hash of the pseudonyms: sha256 or sm3.")] = "sha256",
    received_on: Annotated[
        str | None, typer.Option(help="Day of receipt, ISO; default: today.", metavar="DAY")
    ] = None,
) -> None:
    """Take departments' files into the lake; refused files leave nothing behind."""
    from rich.console import Console

    write_for_owner_alone()
    report = _ingest_with_progress(path, data, digest, _day(received_on))
    lake = data / "lake"
    _print_files(Console(), report, lake)
    _print_refusals(Console(stderr=True, highlight=False), report.refused)
    if report.refused:
        raise typer.Exit(_REFUSED)


def _day(received_on: str | None) -> dt.date:
    """In the city."""
    from api.commands.build import day_of
    from api.ledger.enrolment import city_day

    return day_of(received_on) if received_on else city_day(time.time_ns() // 1_000_000)


def _ingest_with_progress(
    path: Path, data: Path, digest: str, received_on: dt.date
) -> "TreeReport":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from scoring.catalogue import load_catalogue
    from scoring.ingest import ingest_tree
    from scoring.ingest.tree import rows_announced
    from scoring.keys import key_files, read_symmetric_key

    if digest not in ("sha256", "sm3"):
        raise typer.BadParameter("sha256 or sm3 is expected", param_hint="--digest")
    columns = (
        TextColumn("rows"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[last]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("rows", total=rows_announced(path), last="")

        def heard(one: "IngestReport | Refusal") -> None:
            name = one.file if isinstance(one.file, str) else one.file.name
            progress.update(task, last=name)

        return ingest_tree(
            path,
            lake=data / "lake",
            catalogue=load_catalogue(),
            lake_key=read_symmetric_key(key_files(data).lake),
            digest="sm3" if digest == "sm3" else "sha256",
            received_on=received_on,
            on_rows=lambda rows: progress.advance(task, rows),
            on_file=heard,
        )


def _print_files(console: "Console", report: "TreeReport", lake: Path) -> None:
    from rich.table import Table

    taken = sum(one.status == "accepted" for one in report.files)
    earlier = len(report.files) - taken
    table = Table(
        title=f"{taken} files taken, {earlier} there already, {len(report.refused)} refused"
    )
    table.add_column("kind", overflow="fold")
    for heading in ("files", "rows", "accepted", "rejected"):
        table.add_column(heading, justify="right")
    table.add_column("broken rules", overflow="fold")
    for kind in sorted({one.kind for one in report.files}):
        table.add_row(kind, *_summary([one for one in report.files if one.kind == kind]))
    console.print(table)
    for one in report.files:
        if one.rejects_path is not None:
            console.print(
                f"rejects of {one.kind}/{one.file}: {lake / one.rejects_path}", soft_wrap=True
            )


def _summary(files: "list[IngestReport]") -> list[str]:
    rules: Counter[str] = Counter()
    for one in files:
        rules.update(one.rejects_by_rule)
    sums = (
        len(files),
        sum(one.submitted for one in files),
        sum(one.accepted for one in files),
        sum(one.rejected for one in files),
    )
    return [f"{count:,}" for count in sums] + [
        ", ".join(f"{r} {n}" for r, n in rules.most_common())
    ]


def _print_refusals(console: "Console", refused: "list[Refusal]") -> None:
    for one in refused:
        console.print(f"refused {one.file}: {one.code}", style="bold", markup=False, soft_wrap=True)
        for label, text in (("what", one.what), ("where", one.where), ("do", one.do)):
            if text:
                console.print(f"  {label}: {text}", markup=False, soft_wrap=True)
