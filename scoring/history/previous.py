"""The snapshot before: what its files say of some of its citizens."""

import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import msgspec
import polars as pl
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from scoring.build.citizens import layout_of
from scoring.build.folder import MANIFEST_NAME, is_complete
from scoring.build.plan import Plan, plan_of
from scoring.contract.documents import HistoryDocument, RulesDocument, TablesDocument
from scoring.contract.snapshot import (
    HISTORY_DOCUMENT,
    RULES_DOCUMENT,
    TABLES_DOCUMENT,
    Manifest,
)
from scoring.errors import InputRefused, VerificationFailed

# `at`: the day the score changed; `snapshot`: the first that shows it. Newest first.
HISTORY: dict[str, pl.DataType] = {
    "snapshot_subject": pl.String(),
    "at": pl.Date(),
    "change_points": pl.Int32(),
    "cause": pl.String(),  # scoring.contract.snapshot.HISTORY_CAUSES
    "record_id": pl.String(),  # null: the change has no single record
    "rule_id": pl.String(),  # null: no single rule
    "snapshot": pl.String(),
}
SCORES = ("snapshot_subject", "score_points")
ITEMS: dict[str, pl.DataType] = {
    "snapshot_subject": pl.String(),
    "record_id": pl.String(),
    "fact_index": pl.UInt8(),
    "rule_index": pl.Int32(),
    "status_index": pl.UInt8(),
    "measure": pl.Int32(),
    "happened_on": pl.Date(),
    "expires_on": pl.Date(),
}
NO_HISTORY = HistoryDocument(snapshots=[], rules=[])
DO = "name another one with --previous, or `none` to begin histories anew"

_Document = TypeVar("_Document", RulesDocument, TablesDocument, HistoryDocument)


class Share(msgspec.Struct, frozen=True):
    """What the snapshot says of some citizens: SCORES, ITEMS, HISTORY."""

    previous: "Previous"
    scores: pl.DataFrame
    items: pl.DataFrame
    rows: pl.DataFrame


class Previous(msgspec.Struct, frozen=True, kw_only=True):
    """Small enough to travel with a job; the tables stay in the folder."""

    folder: Path
    snapshot: str
    as_of: dt.date
    part_count: int
    plan: Plan
    rules: RulesDocument
    rule_ids: list[str]
    fact_names: list[tuple[str, str]]
    document: HistoryDocument
    has_histories: bool

    def share(self, people: pl.DataFrame, parts: Iterable[int]) -> Share:
        """`people`: column `snapshot_subject`; all of them lie in these parts."""
        numbers = sorted(set(parts))
        return Share(
            self,
            self._of(people, "scores", numbers).select(SCORES).collect(),
            self._of(people, "items", numbers).select(*ITEMS).collect(),
            self._of(people, "history", numbers).select(*HISTORY).collect()
            if self.has_histories
            else pl.DataFrame(schema=HISTORY),
        )

    def parts_under(self, number: int, part_count: int) -> range:
        """Parts that hold the people of part `number` of another layout."""
        if self.part_count <= part_count:
            own = number * self.part_count // part_count
            return range(own, own + 1)
        each = self.part_count // part_count
        return range(number * each, (number + 1) * each)

    def _of(self, people: pl.DataFrame, role: str, parts: list[int]) -> pl.LazyFrame:
        paths = [self.folder / f"{role}.parquet" / f"{number:02d}.parquet" for number in parts]
        names = people.lazy().select("snapshot_subject")
        return pl.scan_parquet(paths).join(
            names, on="snapshot_subject", how="semi", maintain_order="left"
        )


def verified_previous(folder: Path, key: Ed25519PublicKey) -> Previous:
    """Raises VerificationFailed where it is not what its signed manifest says."""
    if not is_complete(folder, key):
        raise VerificationFailed(
            "previous_wrong", "the snapshot before is not as signed", where=str(folder), do=DO
        )
    return read_previous(folder)


def read_previous(folder: Path) -> Previous:
    """Of a folder whose hashes hold."""
    manifest = msgspec.json.decode((folder / MANIFEST_NAME).read_bytes(), type=Manifest)
    rules = _document(folder, RULES_DOCUMENT, RulesDocument)
    tables = _document(folder, TABLES_DOCUMENT, TablesDocument)
    has_histories = any(part.role == "history" for part in manifest.parts)
    return Previous(
        folder=folder,
        snapshot=manifest.snapshot,
        as_of=manifest.as_of,
        part_count=layout_of(manifest.bucket_count).part_count,
        plan=plan_of(rules, tables),
        rules=rules,
        rule_ids=[rule.id for rule in rules.rules],
        fact_names=[(fact.kind, fact.outcome) for fact in tables.facts],
        document=_document(folder, HISTORY_DOCUMENT, HistoryDocument)
        if has_histories
        else NO_HISTORY,
        has_histories=has_histories,
    )


def require_earlier(previous: Previous, as_of: dt.date) -> None:
    """Raises InputRefused `previous_later`."""
    if previous.as_of > as_of:
        raise InputRefused(
            "previous_later",
            f"{previous.snapshot} is as of {previous.as_of}, this one as of {as_of}",
            where=str(previous.folder),
            do=DO,
        )


def newest_before(snapshots: Path, as_of: dt.date, position: int) -> Path | None:
    """The snapshot a build as of this day and ledger position follows: the newest of an earlier
    day, or of the same day and a lower position, so that repeating a build finds the same one."""
    found = []
    for file in snapshots.glob(f"*/{MANIFEST_NAME}"):
        try:
            manifest = msgspec.json.decode(file.read_bytes(), type=Manifest)
        except (FileNotFoundError, msgspec.DecodeError):  # one that is just ending is none
            continue
        found.append((manifest.as_of, manifest.ledger_position, file.parent.name))
    earlier = [entry for entry in found if entry[:2] < (as_of, position)]
    return snapshots / max(earlier)[-1] if earlier else None


def _document(folder: Path, name: str, kind: type[_Document]) -> _Document:
    return msgspec.json.decode((folder / "documents" / f"{name}.json").read_bytes(), type=kind)
