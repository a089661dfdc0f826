"""Every delivered file below a folder, in order of sending; one refused file stops no other."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

from scoring.catalogue.kinds import Catalogue
from scoring.contract.pseudonyms import Digest
from scoring.delivery import NOTE_SUFFIX, note_path
from scoring.errors import InputRefused
from scoring.ingest.delivery_note import read_note
from scoring.ingest.door import Door, take
from scoring.ingest.lake_commit import locked_lake
from scoring.ingest.limits import Limits, standard_limits
from scoring.ingest.report import IngestReport, Refusal, TreeReport


def delivered_files(path: Path) -> list[Path]:
    """`path` itself, or all files below it but notes and hidden ones; a note without a file counts
    as its file, and so does a link that leads nowhere or to a folder: what was meant to be delivered
    is refused, not overlooked. In order of the note's day, kind and name: the order of acceptance."""
    if path.is_file():
        return [path]
    found = [
        file
        for file in path.rglob("*")
        if (file.is_symlink() or not file.is_dir()) and not _is_hidden(file, path)
    ]
    named = {_delivered(file) for file in found}
    return sorted(named, key=_order)


def ingest_tree(
    path: Path,
    *,
    lake: Path,
    catalogue: Catalogue,
    lake_key: bytes,
    digest: Digest = "sha256",
    limits: Limits | None = None,
    received_on: dt.date = dt.date.max,
    on_rows: Callable[[int], None] = lambda rows: None,
    on_file: Callable[[IngestReport | Refusal], None] = lambda report: None,
) -> TreeReport:
    """`ingest_file` for each of `delivered_files`, under one lock. `on_file` hears of each at once."""
    door = Door(
        lake=lake,
        catalogue=catalogue,
        lake_key=lake_key,
        digest=digest,
        limits=limits or standard_limits(),
        received_on=received_on,
    )
    files: list[IngestReport] = []
    refused: list[Refusal] = []
    with locked_lake(lake):
        for file in delivered_files(path):
            try:
                report = take(file, door, on_rows)
            except InputRefused as error:
                refused.append(_refusal(file, error))
                on_file(refused[-1])
            else:
                files.append(report)
                on_file(report)
    return TreeReport(files=files, refused=refused)


def rows_announced(path: Path) -> int:
    """Rows that the notes of `delivered_files` promise; unreadable notes count as none."""
    return sum(_announced(file) for file in delivered_files(path))


def _is_hidden(file: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in file.relative_to(root).parts)


def _delivered(file: Path) -> Path:
    if not file.name.endswith(NOTE_SUFFIX):
        return file
    return file.with_name(file.name.removesuffix(NOTE_SUFFIX))


def _order(file: Path) -> tuple[str, str, str, str]:
    try:
        note = read_note(file)
    except InputRefused:
        return ("", "", file.name, str(file))
    return (note.sent_on.isoformat(), note.kind, file.name, str(file))


def _announced(file: Path) -> int:
    if not note_path(file).is_file():
        return 0
    try:
        return read_note(file).rows
    except InputRefused:
        return 0


def _refusal(file: Path, error: InputRefused) -> Refusal:
    return Refusal(file=file, code=error.code, what=error.what, where=error.where, do=error.do)
