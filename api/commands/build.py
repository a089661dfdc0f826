"""`chengxin build`: lake and ledger export to a signed snapshot.

Exit codes: 0 built (or there already), 1 another build or a retention run is at work, 4 rules, benefits or
catalogue refused, 5 a lake file or the export is not what its manifest says: nothing was written;
7 the cluster is not there.
"""

import datetime as dt
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from api.commands.private import write_for_owner_alone
from scoring.errors import InputRefused, VerificationFailed

if TYPE_CHECKING:
    from scoring.policy.coverage import NoticeCoverage

Data = Annotated[
    Path, typer.Option("--data", help="Data directory: keys, lake, exports.", metavar="DIR")
]
AsOf = Annotated[str, typer.Option("--as-of", help="Day the score is of, ISO.", metavar="DAY")]
Export = Annotated[
    int | None, typer.Option(help="Position of the ledger export; default: the newest.")
]
Previous = Annotated[
    str | None,
    typer.Option(
        help="Snapshot whose histories go on; default: the newest before; `none`: begin anew.",
        metavar="SNAPSHOT",
    ),
]
BucketsPerJob = Annotated[
    int | None, typer.Option(help="Lake buckets read at a time, 1…64; default: by size.")
]
Cluster = Annotated[
    str | None,
    typer.Option(help="Scheduler of a Dask cluster to build on.", metavar="tcp://HOST:PORT"),
]


def build(
    *,
    as_of: AsOf,
    data: Data = Path("data"),
    export: Export = None,
    previous: Previous = None,
    buckets_per_job: BucketsPerJob = None,
    cluster: Cluster = None,
) -> None:
    """Score every enrolled citizen and write the snapshot's files; prints its id."""
    from api.commands.told import notice_problems
    from scoring.benefits import load_benefits
    from scoring.build import BuildKeys
    from scoring.build import build as build_snapshot
    from scoring.build.cluster import cluster_executor
    from scoring.catalogue import load_catalogue, published_document
    from scoring.keys import key_files, read_symmetric_key
    from scoring.lint.everything import lint, refuse_problems
    from scoring.rulebook import load_rulebook
    from scoring.signing import read_signing_key

    write_for_owner_alone()
    refuse_problems(lint())
    refuse_problems(notice_problems(load_rulebook(), load_benefits(), day_of(as_of)))
    files = key_files(data)
    console = Console(stderr=True)
    data = data.resolve()  # other machines have other working folders
    exported = _export_folder(data / "exports", export)
    with (
        Progress(console=console, transient=True) as bars,
        cluster_executor(cluster) if cluster else nullcontext() as executor,
    ):
        tasks = {stage: bars.add_task(stage, total=None) for stage in ("gather", "score")}
        folder = build_snapshot(
            lake=data / "lake",
            export=exported,
            previous=_previous_folder(
                data / "snapshots", previous, day_of(as_of), int(exported.name)
            ),
            out=data / "snapshots",
            rulebook=load_rulebook(),
            benefits=load_benefits(),
            catalogue=published_document(load_catalogue()),
            as_of=day_of(as_of),
            notices=_coverage(day_of(as_of)),
            keys=BuildKeys(read_symmetric_key(files.snapshot), read_signing_key(files.signing)),
            buckets_per_job=buckets_per_job,
            executor=executor,
            progress=lambda stage, done, total: bars.update(
                tasks[stage], completed=done, total=total
            ),
        )
    typer.echo(folder.name)


def _coverage(day: dt.date) -> "NoticeCoverage":
    from api.ledger.notice import NoticeBroken, load_notices

    try:
        return load_notices().coverage_on(day)
    except NoticeBroken as error:
        raise InputRefused(
            "no_notice",
            str(error),
            where=str(day),
            do="nobody has agreed to anything on that day: name a later one",
        ) from error


def _export_folder(exports: Path, position: int | None) -> Path:
    if position is not None:
        return exports / str(position)
    from scoring.ledger_export import exported_positions

    positions = exported_positions(exports)
    if not positions:
        raise VerificationFailed(
            "export_missing", "no ledger export", where=str(exports), do="chengxin ledger export"
        )
    return exports / str(max(positions))


def _previous_folder(
    snapshots: Path, previous: str | None, as_of: dt.date, position: int
) -> Path | None:
    from scoring.history.previous import newest_before

    if previous is None:
        return newest_before(snapshots, as_of, position)
    return None if previous == "none" else snapshots / previous


def day_of(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise InputRefused("day_unreadable", str(error), where=text) from error
