"""Rows spilled between the stages of one build."""

from pathlib import Path

import polars as pl

from scoring.durable import unfinished


def spill(frame: pl.DataFrame, folder: Path, by: str, name: str) -> None:
    """Write `folder/<by>=NN/<name>.arrow` for every value of the small integer column `by`.

    Not synced: spilled files live and die within one build.
    """
    for (value,), rows in frame.partition_by(by, as_dict=True).items():
        path = spilled(folder, by, value) / f"{name}.arrow"
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = unfinished(path)
        rows.write_ipc(temporary)
        temporary.replace(path)


def spilled(folder: Path, by: str, value: int) -> Path:
    return folder / f"{by}={value:02d}"


def read_spilled(folder: Path, columns: dict[str, pl.DataType]) -> pl.LazyFrame:
    """All rows spilled into `folder`, in no particular order; none where nothing was spilled."""
    paths = sorted(folder.glob("*.arrow"))
    if not paths:
        return pl.LazyFrame(schema=columns)
    return pl.scan_ipc(paths).select(*columns)
