"""Snapshot files into the store and back: verify, publish, rollback, prune.

Exit codes: 0 done (also where the snapshot is served already), 3 another publisher was first,
5 a part or the signature is wrong, 6 a gate refused, 7 the store is not there or full.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from api.commands.existing import StoreUrl, store_url
from scoring.contract.served import SERVED_FILE

if TYPE_CHECKING:
    from scoring.publish.prune import Pruned

Data = Annotated[
    Path, typer.Option("--data", help="Data directory: keys and snapshots.", metavar="DIR")
]
SnapshotId = Annotated[
    str | None, typer.Argument(help="Snapshot id; default: the newest in the data directory.")
]
Accept = Annotated[
    list[str] | None,
    typer.Option("--accept-shift", help="Gate that a person has looked into; may be repeated."),
]


def _snapshot_dir(data: Path, snapshot: str | None) -> Path:
    """Newest by as-of day, then ledger position, as the manifests say; names say nothing."""
    from scoring.ended import whole_version
    from scoring.publish.folders import newest_snapshot

    return whole_version(data, snapshot) if snapshot else newest_snapshot(data / "snapshots")


class _Bar:
    """Steps of a publish as one line that moves."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("verify", total=None)

    def enter(self, step: str, total: int) -> None:
        self._progress.reset(self._task, description=step, total=total or None)

    def advance(self, done: int) -> None:
        self._progress.advance(self._task, done)


def verify(data: Data = Path("data"), snapshot: SnapshotId = None) -> None:
    """Check a snapshot's signature, sizes, SHA-256 and counts."""
    from scoring.keys import key_files
    from scoring.publish.verify import verify as verify_files
    from scoring.signing import read_verifying_key

    public_key = read_verifying_key(key_files(data).signing_public)
    checked = verify_files(_snapshot_dir(data, snapshot), public_key).manifest
    Console().print(
        f"{checked.snapshot}: {len(checked.parts)} parts, {checked.citizens:,} citizens, "
        f"{checked.items:,} items, as of {checked.as_of}: as signed",
        soft_wrap=True,
    )


def publish(
    data: Data = Path("data"),
    store: StoreUrl = None,
    snapshot: SnapshotId = None,
    accept_shift: Accept = None,
) -> None:
    """Verify, load, read back and serve a snapshot; the old one is served until the last moment."""
    from scoring.keys import key_files
    from scoring.publish.publish import publish as publish_files
    from scoring.signing import read_verifying_key
    from scoring.store.connection import StoreConnection

    columns = (TextColumn("{task.description:<10}"), BarColumn(), DownloadColumn())
    public_key = read_verifying_key(key_files(data).signing_public)
    with (
        StoreConnection.open(store_url(data, store)) as connection,
        Progress(*columns, TimeElapsedColumn(), transient=True) as progress,
    ):
        done = publish_files(
            _snapshot_dir(data, snapshot),
            connection,
            public_key,
            accepted=accept_shift or (),
            steps=_Bar(progress),
        )
    _tell_of_file(data / "snapshots", done.is_told)
    if done.outcome == "already_served":
        Console().print(f"{done.snapshot} is being served already")
        return
    Console().print(f"serving {done.snapshot}, before {done.before or 'nothing'}")
    if done.pruned is not None:
        _tell(done.pruned)


def rollback(data: Data = Path("data"), store: StoreUrl = None) -> None:
    """Serve the version before this one; works in a full store and during a publish."""
    from scoring.publish.pointers import rollback as roll_back
    from scoring.publish.served import forget_served, tell_served
    from scoring.store.connection import StoreConnection

    snapshots = data / "snapshots"
    with StoreConnection.open(store_url(data, store)) as connection:
        forget_served(snapshots)
        before, now = roll_back(connection)
        is_told = tell_served(snapshots, connection)
    Console().print(f"serving {now} again, after {before}")
    _tell_of_file(snapshots, is_told)


def _tell_of_file(snapshots: Path, is_told: bool) -> None:
    if not is_told:
        where = snapshots / SERVED_FILE
        Console().print(f"{where} cannot be written: remove it if it is there", soft_wrap=True)


def prune(data: Data = Path("data"), store: StoreUrl = None) -> None:
    """Remove all but the served version and the two before it, and live marks folded into them."""
    from scoring.publish.prune import prune as prune_store
    from scoring.store.connection import StoreConnection

    with StoreConnection.open(store_url(data, store)) as connection:
        _tell(prune_store(connection))


def _tell(pruned: "Pruned") -> None:
    versions = ", ".join(pruned.versions) or "no version"
    Console().print(f"removed {versions} and {pruned.marks:,} live marks")
    if pruned.waiting:
        Console().print(f"{', '.join(pruned.waiting)} stays until its readers have left")
