"""`chengxin recompute`: one person's score again, from raw records and published rules alone.

Only of who has a score in the snapshot: nobody else is ever scored. Exit codes: 0 equal, 4 the time
of the snapshot is over, 5 it differs from the snapshot, the person is not in it, or a file is not
the one it was made from.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from api.commands.build import day_of
from scoring.errors import VerificationFailed

if TYPE_CHECKING:
    from scoring.contract.snapshot import Manifest
    from scoring.recompute import Recomputed

Data = Annotated[Path, typer.Option("--data", help="Data directory.", metavar="DIR")]


def recompute(
    subject: Annotated[
        str, typer.Option("--subject", "--citizen", help="Pseudonym, as in the token's `sub`.")
    ],
    snapshot: Annotated[str, typer.Option(help="Snapshot id.")],
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of", help="ISO day; by the snapshot's rules, and compared with nothing."
        ),
    ] = None,
    data: Data = Path("data"),
) -> None:
    """Recompute a score and compare it with the snapshot, point by point."""
    import msgspec

    from scoring import recompute as second
    from scoring.contract.documents import RulesDocument
    from scoring.contract.snapshot import Manifest
    from scoring.ended import whole_version

    folder = whole_version(data, snapshot)
    manifest = msgspec.json.decode(_read(folder / "manifest.json"), type=Manifest)
    rules = msgspec.json.decode(_read(folder / "documents" / "rules.json"), type=RulesDocument)
    scored = _scored(folder, subject)
    records = second.read_records(data / "lake", manifest.sources, subject)
    states = _states(data, manifest, subject)
    day = manifest.as_of if as_of is None else day_of(as_of)
    found = second.recompute(rules, records, states, day)
    _show(found, rules.base)
    if day == manifest.as_of:
        _compare(found, folder, scored)
    else:
        Console().print(f"as of {day}, by the records and rules of {snapshot}")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise VerificationFailed("snapshot_unreadable", str(error), where=str(path)) from error


def _states(data: Path, manifest: "Manifest", subject: str) -> dict[str, str]:
    import polars as pl

    table = data / "exports" / str(manifest.ledger_position) / "record_states.parquet"
    _read(table)
    own = pl.scan_parquet(table).filter(pl.col("subject") == subject).collect()
    return dict(zip(own["record_id"], own["state"], strict=True))


def _show(found: "Recomputed", base: int) -> None:
    table = Table("record", "rule", "happened", "expires", "status", "points")
    for item in found.items:
        expires = item.expires_on.isoformat() if item.expires_on else "-"
        table.add_row(
            item.record_id,
            item.rule_id or "-",
            item.happened_on.isoformat(),
            expires,
            item.status,
            str(item.points),
        )
    console = Console()
    console.print(table)
    console.print(f"base {base} + Σ points = {found.score} ({found.band_code})")


def _scored(folder: Path, subject: str) -> dict[str, Any]:
    """Her row of the snapshot. Raises VerificationFailed where she has none, before any of her
    records is looked at."""
    import polars as pl

    scores = pl.scan_parquet(folder / "scores.parquet").filter(pl.col("subject") == subject)
    rows: list[dict[str, Any]] = scores.collect().to_dicts()
    if not rows:
        raise VerificationFailed(
            "not_in_snapshot",
            "this person has no score in it: not enrolled then, or withdrawn since",
            where=folder.name,
            do="name a snapshot built while she was enrolled",
        )
    return rows[0]


def _compare(found: "Recomputed", folder: Path, scored: dict[str, Any]) -> None:
    import polars as pl

    items = (
        pl.scan_parquet(folder / "items.parquet")
        .filter(pl.col("snapshot_subject") == scored["snapshot_subject"])
        .select("record_id", "points")
        .collect()
    )
    published = dict(items.iter_rows())
    again = {item.record_id: item.points for item in found.items}
    if scored["score_points"] != found.score or published != again:
        raise VerificationFailed(
            "score_differs", "the snapshot says otherwise", do="do not publish it; report this"
        )
    Console().print("equal to the snapshot, point by point")
