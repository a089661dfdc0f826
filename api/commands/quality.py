"""`chengxin quality`: what departments send, how much of it is right, whole and in time.

    0  done
    5  a reject list or a part of the lake is damaged; with --recount: the lake's manifest counts
       otherwise than its rows and reject lists

Files refused whole left nothing behind and are not counted; their senders were told.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from api.commands.private import write_for_owner_alone

if TYPE_CHECKING:
    import polars as pl

    from scoring.quality import Deliveries, QualityReport

TABLE_CHARS = 120


def quality(
    *,
    data: Annotated[Path, typer.Option(help="Data directory: the lake.")] = Path("data"),
    period: Annotated[
        Literal["day", "week", "month", "quarter", "all"],
        typer.Option(help="By the day of sending; weeks begin on Monday."),
    ] = "month",
    department: Annotated[str | None, typer.Option(help="Code; default: every one.")] = None,
    form: Annotated[
        Literal["table", "csv", "json"], typer.Option("--format", help="table, csv or json.")
    ] = "table",
    out: Annotated[Path | None, typer.Option(help="File to write; default: stdout.")] = None,
    is_recount: Annotated[
        bool,
        typer.Option("--recount", help="Count rows and reject lists, not the manifest's sums."),
    ] = False,
) -> None:
    """Acceptance, timeliness, completeness, errors and duplicates of departments' deliveries."""
    import msgspec

    from scoring.durable import write_durably
    from scoring.quality import csv_of

    write_for_owner_alone()
    report = _report(data, period, department, is_recount=is_recount)
    if form == "table" and out is None:
        _print(report)
        return
    content = csv_of(report) if form == "csv" else msgspec.json.encode(report) + b"\n"
    if out is None:
        typer.echo(content.decode(), nl=False)
    else:
        write_durably(out, content)


def _report(
    data: Path,
    period: Literal["day", "week", "month", "quarter", "all"],
    department: str | None,
    *,
    is_recount: bool,
) -> "QualityReport":
    import msgspec

    from scoring.calendar.working_days import load_calendar
    from scoring.catalogue import load_catalogue
    from scoring.quality import (
        coverage,
        figures,
        load_deadlines,
        read_deliveries,
        rejects_by_rule,
        report_of,
    )

    catalogue, deadlines = load_catalogue(), load_deadlines()
    if department is not None and department not in {d.code for d in catalogue.departments}:
        raise typer.BadParameter("no department of the catalogue", param_hint="--department")
    deliveries = read_deliveries(data / "lake", catalogue)
    if is_recount:
        deliveries = msgspec.structs.replace(deliveries, files=_recounted(deliveries, data))
    counted = figures(deliveries, period, deadlines, load_calendar())
    covered = coverage(counted, catalogue)
    return report_of(
        counted if department is None else _of(counted, department),
        covered,
        rejects_by_rule(deliveries, period),
        period=period,
        catalogue=catalogue,
        deadlines_version=deadlines.version,
    )


def _of(counted: "pl.DataFrame", department: str) -> "pl.DataFrame":
    import polars as pl

    return counted.filter(pl.col("department") == department)


def _recounted(deliveries: "Deliveries", data: Path) -> "pl.DataFrame":
    """Fewer accepted rows than the manifest says have been erased at the end of their time; any
    other difference is a fault. Raises VerificationFailed."""
    import polars as pl

    from scoring.errors import VerificationFailed
    from scoring.quality import recounted

    again = recounted(deliveries)
    both = again.join(deliveries.files, on="sequence", suffix="_said")
    rejected = pl.col("submitted") - pl.col("accepted")
    rejected_said = pl.col("submitted_said") - pl.col("accepted_said")
    is_other = (rejected != rejected_said) | (pl.col("accepted") > pl.col("accepted_said"))
    wrong = both.filter(is_other)
    if wrong.height:
        raise VerificationFailed(
            "lake_counts_differ",
            f"{wrong.height} files have other counts than the lake's manifest says",
            where=str(data / "lake"),
            do="restore reject lists and parts from backup, or take the files in anew",
        )
    return again


def _print(report: "QualityReport") -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    console.width = max(console.width, TABLE_CHARS)
    for each in report.coverage:
        share = each.covered
        console.print(
            f"{each.period or 'all'}: {share.numerator} of {share.denominator} "
            "pairs of department and kind sent something"
        )
    columns = ("accepted", "on_time", "complete", "wrong", "duplicate")
    table = Table("period", "department", "kind", "files", "rows", *columns, box=None)
    for line in report.lines:
        shares = [getattr(line, name).rate for name in columns]
        cells = ["-" if share is None else f"{share:.2%}" for share in shares]
        names = (str(line.period or "all"), line.department, line.kind)
        table.add_row(*names, str(line.files), str(line.accepted.denominator), *cells)
    console.print(table)
