"""`chengxin decision DECISION_ID`: repeat an eligibility decision from snapshot, overlay and log."""

import asyncio
import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.existing import LedgerPlace, existing_ledger, ledger_place
from scoring.errors import InputRefused, VerificationFailed

if TYPE_CHECKING:
    from api.ledger.protocol import Ledger
    from api.partner.reproduction import Reproduced
    from scoring.contract.documents import Benefit


def decision(
    decision_id: Annotated[str, typer.Argument(help="22 characters, as the partner got it.")],
    data: Annotated[Path, typer.Option(help="Data directory.")] = Path("data"),
    ledger: LedgerPlace = None,
) -> None:
    """Whether the answer given is the one that snapshot, overlay and log demand."""
    from rich.console import Console

    found = asyncio.run(_reproduced(data, ledger_place(data, ledger), decision_id))
    words = {True: "yes", False: "no", None: "neither text has this digest"}
    when = dt.datetime.fromtimestamp(found.at_ms / 1_000, dt.UTC).isoformat(timespec="milliseconds")
    console = Console(highlight=False)
    console.print(f"decision  {found.decision_id} · ledger event {found.seq} · {when}")
    console.print(f"asked by  {found.partner} for {found.policy}")
    console.print(f"snapshot  {found.snapshot}")
    console.print(f"given     {words[found.given]}")
    console.print(f"due       {words[found.due]}")
    if not found.agrees:
        raise VerificationFailed(
            "decision_differs",
            "the answer given is not the one the snapshot's files lead to",
            where=found.snapshot,
            do="look for a changed file, or for an overlay that could not note what it laid",
        )


class SnapshotFolder:
    """Implements KeptSnapshot over the files of a snapshot, or what remains of one that has ended,
    and what lay over it at a moment."""

    def __init__(self, data: Path, snapshot: str, at_ms: int) -> None:
        import msgspec

        from scoring.contract.snapshot import Manifest
        from scoring.ended import kept_version

        self._data = data
        self._snapshot = snapshot
        self._at_ms = at_ms
        self._kept = kept_version(data, snapshot)
        folder = self._kept.folder
        manifest = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)
        self.ledger_position = manifest.ledger_position

    def benefit(self, policy: str) -> "Benefit":
        import msgspec

        from scoring.contract.documents import BenefitsDocument

        text = (self._kept.folder / "documents" / "benefits.json").read_bytes()
        items = msgspec.json.decode(text, type=BenefitsDocument).items
        return next(benefit for benefit in items if benefit.id == policy)

    def score_points(self, subject: str) -> int | None:
        import polars as pl

        from scoring.contract.pseudonyms import snapshot_subject_of
        from scoring.keys import key_files, read_symmetric_key
        from scoring.overlay.journal import laid_before

        key = read_symmetric_key(key_files(self._data).snapshot)
        named = snapshot_subject_of(key, subject)
        laid = laid_before(self._kept.overlays, self._snapshot, named, at_ms=self._at_ms)
        if laid is not None:
            record = laid.record()
            return record.score_points if record is not None else None
        files = sorted((self._kept.folder / "scores.parquet").iterdir())
        found = pl.scan_parquet(files).filter(pl.col("subject") == subject).collect()
        return int(found["score_points"][0]) if found.height else None


async def _reproduced(data: Path, place: str, decision_id: str) -> "Reproduced":
    from api.partner.reproduction import DecisionUnknown

    try:
        async with existing_ledger(place) as ledger:
            return await _found(ledger, data, decision_id)
    except (DecisionUnknown, ValueError) as error:
        raise InputRefused(
            "decision_unknown",
            "no line of the access log has this id",
            where=decision_id,
            do="compare it with the partner's answer, all 22 characters",
        ) from error
    except OSError as error:
        raise InputRefused(
            "snapshot_missing",
            "what the decision rests on is no longer in the data directory",
            where=str(error.filename or data / "snapshots"),
            do="look into the retention table: `answers` says how long it is kept; else restore "
            "the snapshot from the backup",
        ) from error


async def _found(ledger: "Ledger", data: Path, decision_id: str) -> "Reproduced":
    from api.accesses.events import access_body
    from api.ledger.notice import load_notices
    from api.partner.reproduction import line_of, reproduced
    from scoring.overlay.journal import MARGIN_MS

    event = await line_of(ledger, decision_id)
    snapshot = access_body(event.body).snapshot or ""
    for shift in (0, -MARGIN_MS, MARGIN_MS):  # an overlay was being laid just then
        folder = SnapshotFolder(data, snapshot, event.at_ms + shift)
        found = await reproduced(ledger, event, folder, load_notices())
        if found.agrees:
            return found
    folder = SnapshotFolder(data, snapshot, event.at_ms)
    return await reproduced(ledger, event, folder, load_notices())
