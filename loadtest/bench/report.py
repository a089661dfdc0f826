"""Figures beside their targets, and where they were measured."""

import os
import platform
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """`target`: the design's number in words; `peer`: the same work done another way, same run."""

    name: str
    value: str
    target: str
    peer: str = ""


def machine() -> str:
    model = "unknown processor"
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        model = next(
            (line.split(":", 1)[1].strip() for line in lines if "model name" in line), model
        )
    return f"{os.cpu_count()} cores, {model}, Python {platform.python_version()}"


def show(figures: list[Figure]) -> None:
    table = Table(title=f"Chengxin · {machine()}", title_justify="left")
    for heading in ("what", "measured", "target", "peer in the same run"):
        table.add_column(heading, overflow="fold")
    for figure in figures:
        table.add_row(figure.name, figure.value, figure.target, figure.peer)
    Console(width=130).print(table)
