"""What was laid over a snapshot, and when: without it no decision of that day could be repeated.

`overlays/<snapshot>.jsonl` beside the snapshots: a line for each citizen laid, on the disk before
the store has it. Any number of overlays append to one file. As secret as the snapshot's own files:
pseudonyms and scores, no names.
"""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from scoring.contract.snapshot import HotRecord, decode_hot, tag_of
from scoring.overlay.rebuild import OverlaidCitizen

# A reader asks the store a moment after it reads the clock, and clocks differ.
MARGIN_MS = 2_000


class LaidRecord(msgspec.Struct, frozen=True, kw_only=True):
    """`at_ms`: UTC milliseconds, just before it was laid. `position`: of the ledger. `hot`: as in
    the store, empty where she has none any more."""

    at_ms: int
    position: int
    subject: str
    hot: str

    def record(self) -> HotRecord | None:
        """Raises RecordCorrupt."""
        return decode_hot(self.hot.encode(), tag_of(self.subject)) if self.hot else None


_LINE = msgspec.json.Decoder(LaidRecord)


def journal_path(overlays: Path, snapshot: str) -> Path:
    return overlays / f"{snapshot}.jsonl"


def note(
    overlays: Path,
    snapshot: str,
    position: int,
    citizens: Sequence[OverlaidCitizen],
    *,
    at_ms: int,
) -> None:
    """Durable when it returns. Raises OSError."""
    overlays.mkdir(exist_ok=True, mode=0o700)
    lines = [
        msgspec.json.encode(
            LaidRecord(
                at_ms=at_ms, position=position, subject=citizen.snapshot_subject, hot=citizen.hot
            )
        )
        for citizen in citizens
    ]
    path = journal_path(overlays, snapshot)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        # In one write, so that two overlays do not tear each other's lines; a line cut by a crash
        # was not laid, and the next one begins on a line of its own.
        content = b"\n" + b"\n".join(lines) + b"\n"
        while content:
            content = content[os.write(descriptor, content) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def laid_before(overlays: Path, snapshot: str, subject: str, *, at_ms: int) -> LaidRecord | None:
    """What lay over `subject` (the snapshot's pseudonym) at that moment; None: nothing did."""
    newest: LaidRecord | None = None
    for line in lines_of(overlays, snapshot):
        if line.subject == subject and line.at_ms <= at_ms:
            newest = line if newest is None or line.position >= newest.position else newest
    return newest


def lines_of(overlays: Path, snapshot: str) -> Iterable[LaidRecord]:
    """In the order in which they were written; none where nothing was ever laid."""
    path = journal_path(overlays, snapshot)
    if not path.exists():
        return
    with path.open("rb") as file:
        for text in file:
            try:
                yield _LINE.decode(text)
            except msgspec.DecodeError:
                continue  # empty, or cut by a crash before it was laid
