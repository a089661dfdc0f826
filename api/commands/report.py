"""`chengxin report fairness`: benefit rates of groups that are never inputs.

Exit codes: 0 no ratio is below 0.8; 1 one is, between groups large enough (scoring/fairness/rates.py
says how large) or between smaller ones where chance does not explain it; 4 groups refused, 5 snapshot
missing.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.report_benefits import benefits
from scoring.errors import ChengxinError, VerificationFailed

if TYPE_CHECKING:
    import polars as pl

    from scoring.fairness import Comparison, GroupRate

app = typer.Typer(name="report", help="Reports on a snapshot and on its use.", no_args_is_help=True)


@app.callback()
def report() -> None:
    """Reports on a snapshot and on its use."""


app.command()(benefits)


@app.command()
def fairness(
    data: Annotated[Path, typer.Option("--data", help="Data directory.", metavar="DIR")],
    snapshot: Annotated[str | None, typer.Option(help="Snapshot id; default: the newest.")] = None,
    groups: Annotated[
        Path | None, typer.Option(help="CSV subject,dimension,group; default: the demo's city.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Result as JSON.")] = False,
) -> None:
    """Benefit rate per group and the lowest ÷ the highest; groups join the finished scores only."""
    import msgspec
    import polars as pl

    from scoring.contract.documents import BenefitsDocument
    from scoring.fairness import compare
    from scoring.publish.folders import newest_snapshot

    folder = data / "snapshots" / snapshot if snapshot else newest_snapshot(data / "snapshots")
    try:
        scores = pl.read_parquet(folder / "scores.parquet")
        document = (folder / "documents" / "benefits.json").read_bytes()
    except OSError as error:
        raise VerificationFailed("snapshot_unreadable", str(error), where=str(folder)) from error
    benefits = msgspec.json.decode(document, type=BenefitsDocument)
    live = [benefit for benefit in benefits.items if benefit.status == "live"]
    found = compare(scores, _groups(data, groups, scores["subject"]), live)
    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
    else:
        _show(found)
    unfair = [each for each in found if not each.is_fair]
    if unfair:
        raise ChengxinError(
            "benefit_unfair",
            ", ".join(f"{each.benefit} by {each.dimension}" for each in unfair) + ": below 0.8",
            do="find the rule that works as a proxy before this snapshot is published",
        )


def _groups(data: Path, path: Path | None, subjects: "pl.Series") -> "pl.DataFrame":
    """The file's, or the synthetic city's; always a keyed split beside them, as a control."""
    import polars as pl

    from api.commands.demo.city import read_state
    from scoring.fairness.groups import control_groups, groups_of_city, groups_of_file
    from scoring.keys import key_files, read_symmetric_key

    if path is not None:
        return groups_of_file(path)
    lake_key = read_symmetric_key(key_files(data).lake)
    tables = [control_groups(subjects, lake_key)]
    state = read_state(data)
    if state is not None:
        tables.append(groups_of_city(state.people, state.seed, state.as_of, lake_key))
    return pl.concat(tables)


def _show(found: "list[Comparison]") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("benefit", "by", "rate per group (people)", "lowest ÷ highest", "verdict")
    for each in found:
        rates = "  ".join(_in_words(group) for group in each.groups)
        ratio = "not shown" if each.ratio is None else f"{each.ratio:.3f}"
        if each.standard_error is not None:
            ratio += f" ± {each.standard_error:.3f}"
        verdict = "fair" if each.is_fair else "NOT FAIR"
        table.add_row(each.benefit, each.dimension, rates, ratio, verdict)
    console = Console(width=150, highlight=False)
    console.print(table)
    console.print("Not fair: below 0.8; between groups so small that fewer than 400 would have the")
    console.print(
        "benefit at the city's rate (marked *), where chance does not explain it. ± is one"
    )
    console.print(
        "standard error. Fewer than 10 people are never counted out; groups under 100 are"
    )
    console.print("not judged; control is drawn by lot.")


def _in_words(rate: "GroupRate") -> str:
    people = "< 10" if rate.people is None else f"{rate.people:,}"
    share = "hidden" if rate.rate is None else f"{rate.rate:.3f}"
    return f"{rate.group}{'' if rate.is_large else '*'} {share} ({people})"
