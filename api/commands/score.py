"""`chengxin score …`: what a change of rules or of data does to scores, before it is released.

Exit codes of `diff`: 0 compared, also where the change is material (it is printed), 4 a rulebook is
refused or too few people are in both, 5 a snapshot cannot be read or is not as signed.
"""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from scoring.history.moves import Moves

app = typer.Typer(name="score", help="Scores of two snapshots or two rulebooks.")

RULEBOOK = ".toml"

Place = Annotated[
    str, typer.Argument(help="Snapshot id, or path of a rulebook (TOML).", metavar="OLD|NEW")
]
Data = Annotated[Path, typer.Option("--data", help="Data directory.", metavar="DIR")]
On = Annotated[
    str | None,
    typer.Option(help="Snapshot whose people and day rulebooks are compared on; the newest."),
]
AsOf = Annotated[
    str | None,
    typer.Option(help="Day rulebooks are compared on; default: the snapshot's.", metavar="DAY"),
]


@app.callback()
def score() -> None:
    """Scores of two snapshots or two rulebooks."""


@app.command("diff")
def diff(
    old: Place,
    new: Place,
    *,
    data: Data = Path("data"),
    on: On = None,
    as_of: AsOf = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Who moves and by how much, in aggregate only; no group below ten people is shown."""
    import msgspec

    from scoring.history.moves import moves, read_move_limits
    from scoring.lint.everything import lint, refuse_problems

    for place in (old, new):  # both before either is built: a city's build takes minutes
        if place.endswith(RULEBOOK):
            refuse_problems(lint(rulebook=Path(place)))
    with tempfile.TemporaryDirectory(prefix="chengxin-diff-") as scratch:
        before, after = (_folder(data, place, on, as_of, Path(scratch)) for place in (old, new))
        found = moves(before, after, read_move_limits())
    if json:
        typer.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    else:
        _show(found)


def _folder(data: Path, place: str, on: str | None, as_of: str | None, scratch: Path) -> Path:
    """A snapshot that is there, or one built under this rulebook and thrown away afterwards."""
    from scoring.ended import whole_version

    if not place.endswith(RULEBOOK):
        return whole_version(data, place)
    from scoring.publish.folders import newest_snapshot

    snapshot = whole_version(data, on) if on else newest_snapshot(data / "snapshots")
    return _build_under(data, Path(place), snapshot, as_of, scratch)


def _build_under(
    data: Path, rulebook: Path, snapshot: Path, as_of: str | None, scratch: Path
) -> Path:
    """The same lake and ledger export as a snapshot's, under another rulebook."""
    import msgspec

    from api.commands.build import day_of
    from scoring.benefits import load_benefits
    from scoring.build import BuildKeys, build
    from scoring.catalogue import load_catalogue, published_document
    from scoring.contract.snapshot import Manifest
    from scoring.keys import key_files, read_symmetric_key
    from scoring.rulebook import load_rulebook
    from scoring.signing import read_signing_key

    manifest = msgspec.json.decode((snapshot / "manifest.json").read_bytes(), type=Manifest)
    keys = key_files(data)
    return build(
        lake=data / "lake",
        export=data / "exports" / str(manifest.ledger_position),
        out=scratch,
        rulebook=load_rulebook(rulebook),
        benefits=load_benefits(),
        catalogue=published_document(load_catalogue()),
        as_of=day_of(as_of) if as_of else manifest.as_of,
        keys=BuildKeys(read_symmetric_key(keys.snapshot), read_signing_key(keys.signing)),
    )


def _show(found: "Moves") -> None:
    console = Console()
    table = Table("change", "citizens", title=f"{found.old} → {found.new}")
    for group in found.changes:
        table.add_row(_range(group.from_, group.to), _count(group.citizens))
    console.print(table)
    bands = Table("band", "before", "after")
    for band in found.bands:
        bands.add_row(band.band, _count(band.before), _count(band.after))
    console.print(bands)
    console.print(f"{found.compared:,} citizens compared, moved: {_percent(found.moved_share)}")
    console.print(f"raised {_percent(found.raised_share)}, lowered {_percent(found.lowered_share)}")
    console.print(f"into another band: {_percent(found.band_share)}")
    if found.is_material:
        console.print(
            f"[bold]material[/bold] ({', '.join(found.reasons)}): announce it with a new version "
            "of the notice, so that citizens are asked anew"
        )


def _range(low: int | None, high: int | None) -> str:
    if low is None:
        return f"{high} and less"
    if high is None:
        return f"+{low} and more"
    return f"{low:+d}" if low == high else f"{low:+d} … {high:+d}"


def _count(citizens: int | None) -> str:
    return "fewer than 10" if citizens is None else f"{citizens:,}"


def _percent(share: float | None) -> str:
    return "too few to tell" if share is None else f"{share:.2%}"
