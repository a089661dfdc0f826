"""Two snapshots side by side: how many people move and how far, and nothing about anybody.

Given the same day, lake and ledger under two rulebooks, this is what a change of the rules does.
"""

from itertools import pairwise
from pathlib import Path

import msgspec
import polars as pl

from scoring.build.documents import suppressed
from scoring.contract.snapshot import Manifest
from scoring.errors import InputRefused, VerificationFailed
from scoring.policy.material import Material, load_material

LIMITS_PATH = Path(__file__).with_name("moves.toml")


class Figures(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    smallest_group: int
    steps: list[int]


class MoveLimits(msgspec.Struct, frozen=True):
    """`material`: the definition that notices are held against too."""

    version: str
    material: Material
    figures: Figures


class _FiguresFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    figures: Figures


class ChangeClass(msgspec.Struct, frozen=True, kw_only=True):
    """Changes from `from_` to `to` points, both inclusive, None: without end. `citizens`: None where
    so few stand behind it that somebody could be told."""

    from_: int | None = msgspec.field(name="from")
    to: int | None
    citizens: int | None


class BandMove(msgspec.Struct, frozen=True, kw_only=True):
    band: str
    before: int | None
    after: int | None


class Moves(msgspec.Struct, frozen=True, kw_only=True):
    """`compared`: people in both snapshots; those who joined or left are not looked at. Shares are
    of them, None where they would tell of too few. `reasons`: which limits make it material."""

    old: str
    new: str
    limits_version: str
    compared: int
    moved_share: float | None
    raised_share: float | None
    lowered_share: float | None
    band_share: float | None
    changes: list[ChangeClass]
    bands: list[BandMove]
    is_material: bool
    reasons: list[str]


def read_move_limits(path: Path = LIMITS_PATH) -> MoveLimits:
    try:
        shown = msgspec.toml.decode(path.read_bytes(), type=_FiguresFile)
    except (OSError, msgspec.DecodeError) as error:
        raise InputRefused("move_limits_unreadable", str(error), where=str(path)) from error
    material = load_material()
    return MoveLimits(version=material.version, material=material, figures=shown.figures)


def moves(old: Path, new: Path, limits: MoveLimits) -> Moves:
    """Folders of two snapshots made with one snapshot key. Raises InputRefused `too_few_compared`
    where fewer than the smallest group are in both, VerificationFailed `snapshot_unreadable`."""
    before, after = _manifest(old), _manifest(new)
    pairs = _scores(old).join(_scores(new), on="snapshot_subject", suffix="_new")
    smallest = limits.figures.smallest_group
    if pairs.height < smallest:
        raise InputRefused(
            "too_few_compared",
            f"fewer than {smallest} people are in both snapshots",
            where=f"{old.name} {new.name}",
            do="compare snapshots of one city, made with the same snapshot key",
        )
    change = pairs["score_points_new"] - pairs["score_points"]
    has_other_band = pairs["band_index"] != pairs["band_index_new"]
    reasons = _material(change, has_other_band, limits.material)
    count = pairs.height
    return Moves(
        old=before.snapshot,
        new=after.snapshot,
        limits_version=limits.version,
        compared=count,
        moved_share=_share(change != 0, count, smallest),
        raised_share=_share(change > 0, count, smallest),
        lowered_share=_share(change < 0, count, smallest),
        band_share=_share(has_other_band, count, smallest),
        changes=_classes(change, limits.figures.steps),
        bands=_bands(pairs, list(before.score_histogram)),
        is_material=bool(reasons),
        reasons=reasons,
    )


def _material(change: pl.Series, has_other_band: pl.Series, limits: Material) -> list[str]:
    count = len(change)
    largest = int(change.abs().max() or 0)  # type: ignore[arg-type]  # of whole numbers
    found = {
        "moved_share": int((change != 0).sum()) > limits.moved_share * count,
        "band_share": int(has_other_band.sum()) > limits.band_share * count,
        "largest_points": largest > limits.largest_points,
    }
    return [name for name, is_beyond in found.items() if is_beyond]


def _share(who: pl.Series, count: int, smallest: int) -> float | None:
    """Nobody may be told; one to nine people may not, nor all but so few."""
    some = int(who.sum())
    if 0 < some < smallest or 0 < count - some < smallest:
        return None
    return round(some / count, 4)


def _classes(change: pl.Series, steps: list[int]) -> list[ChangeClass]:
    reached = [len(change), *(int((change >= step).sum()) for step in steps), 0]
    counts = [lower - upper for lower, upper in pairwise(reached)]
    edges = pairwise([None, *steps, None])
    return [
        ChangeClass(from_=low, to=None if high is None else high - 1, citizens=shown)
        for (low, high), shown in zip(edges, suppressed(counts), strict=True)
    ]


def _bands(pairs: pl.DataFrame, codes: list[str]) -> list[BandMove]:
    before = [int((pairs["band_index"] == band).sum()) for band in range(len(codes))]
    after = [int((pairs["band_index_new"] == band).sum()) for band in range(len(codes))]
    rows = zip(codes, suppressed(before), suppressed(after), strict=True)
    return [BandMove(band=code, before=was, after=now) for code, was, now in rows]


def _scores(folder: Path) -> pl.DataFrame:
    paths = sorted((folder / "scores.parquet").glob("*.parquet"))
    columns = ["snapshot_subject", "score_points", "band_index"]
    return pl.scan_parquet(paths).select(columns).collect()


def _manifest(folder: Path) -> Manifest:
    try:
        return msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError) as error:
        raise VerificationFailed("snapshot_unreadable", str(error), where=str(folder)) from error
