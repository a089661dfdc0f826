"""What stays of a version that has ended, enough to repeat every answer given from it.

An answer rests on one number of one person, on what lay over it at that moment, and on the public
documents of the day. All else, and everybody nobody asked about, goes.
"""

import datetime as dt
import os
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

import msgspec
import polars as pl

from scoring.contract.pseudonyms import snapshot_subject_of
from scoring.durable import sync_folder
from scoring.errors import InputRefused
from scoring.overlay.journal import journal_path, lines_of

ENDED = "ended"
ANSWERS_FILE = "answers.json"
SCORES = "scores.parquet"
_WHAT_IT_WAS = ("manifest.json", "manifest.sig")


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """Who was asked about while the version was served, by the ledger's pseudonyms, and the city's
    day of the last answer."""

    subjects: Collection[str]
    last_on: dt.date


class AnswersFile(msgspec.Struct, frozen=True, kw_only=True):
    last_on: dt.date
    people: int


class KeptVersion(msgspec.Struct, frozen=True):
    """Where a version's manifest, documents and scores are, and the journals of what was laid."""

    folder: Path
    overlays: Path


def kept_version(data: Path, snapshot: str) -> KeptVersion:
    """In full, or what remains of it; a folder that is not there where there is neither."""
    folder, remains = data / "snapshots" / snapshot, data / ENDED / snapshot
    if not folder.exists() and remains.exists():
        return KeptVersion(remains, remains)
    return KeptVersion(folder, data / "overlays")


def whole_version(data: Path, snapshot: str) -> Path:
    """`snapshots/<snapshot>`, there or not. Raises InputRefused where only remains of it are."""
    kept = kept_version(data, snapshot)
    if kept.folder == kept.overlays:
        raise InputRefused(
            "snapshot_ended",
            "its time is over by the retention table: people's scores and records in it are gone",
            where=str(kept.folder),
            do="an answer given from it can be repeated: chengxin decision",
        )
    return kept.folder


def keep_remains(data: Path, snapshot: str, answers: Answers | None, snapshot_key: bytes) -> None:
    """`ended/<snapshot>` is whole when it returns; before, it was not there, or was as before."""
    folder, target = data / "snapshots" / snapshot, data / ENDED / snapshot
    unfinished, former = target.with_name(f".{snapshot}.new"), target.with_name(f".{snapshot}.old")
    clear_unfinished(data)
    unfinished.mkdir(parents=True)
    for name in _WHAT_IT_WAS:
        shutil.copyfile(folder / name, unfinished / name)
    shutil.copytree(folder / "documents", unfinished / "documents")
    if answers is not None and answers.subjects:
        _keep_answers(data, snapshot, answers, snapshot_key, unfinished)
    _sync_all(unfinished)
    if target.exists():
        target.rename(former)
    unfinished.rename(target)
    sync_folder(target.parent)
    sync_folder(data)
    clear_unfinished(data)


def _keep_answers(
    data: Path, snapshot: str, answers: Answers, snapshot_key: bytes, into: Path
) -> None:
    files = data / "snapshots" / snapshot / SCORES / "*.parquet"
    of_them = pl.col("subject").is_in(sorted(answers.subjects))
    scores = pl.scan_parquet(files).filter(of_them).select("subject", "score_points").collect()
    (into / SCORES).mkdir()
    scores.sort("subject").write_parquet(into / SCORES / "answered.parquet")
    named = {snapshot_subject_of(snapshot_key, subject) for subject in answers.subjects}
    laid = [line for line in lines_of(data / "overlays", snapshot) if line.subject in named]
    content = b"".join(msgspec.json.encode(line) + b"\n" for line in laid)
    journal_path(into, snapshot).write_bytes(content)
    told = AnswersFile(last_on=answers.last_on, people=len(answers.subjects))
    (into / ANSWERS_FILE).write_bytes(msgspec.json.encode(told))


def answers_over(data: Path, day: dt.date, days: int) -> list[str]:
    """Versions in `ended/` whose answers are over on `day`: `days` after the last one."""
    last_day = day - dt.timedelta(days=days)
    return sorted(
        file.parent.name
        for file in (data / ENDED).glob(f"[!.]*/{ANSWERS_FILE}")
        if msgspec.json.decode(file.read_bytes(), type=AnswersFile).last_on <= last_day
    )


def erase_answers(data: Path, snapshot: str) -> None:
    """What says that there is something to erase goes last."""
    folder = data / ENDED / snapshot
    shutil.rmtree(folder / SCORES, ignore_errors=True)
    journal_path(folder, snapshot).unlink(missing_ok=True)
    sync_folder(folder)
    (folder / ANSWERS_FILE).unlink(missing_ok=True)
    sync_folder(folder)


def clear_unfinished(data: Path) -> None:
    """What a killed run left in `ended/`."""
    for leftover in (data / ENDED).glob(".*"):
        shutil.rmtree(leftover)


def _sync_all(folder: Path) -> None:
    for path in _files(folder):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    for each, _, _ in os.walk(folder):
        sync_folder(Path(each))


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())
