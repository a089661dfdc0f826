"""A record sent several times: which version is the truth, whoever looks."""

import datetime as dt
import hashlib
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path

import msgspec
import polars as pl
import pytest

from scoring.lake.manifest import LakeManifest, read_manifest
from scoring.lake.tables import FACTS
from scoring.recompute import read_records, recompute
from tests.support.lake import (
    Built,
    Record,
    build_snapshot,
    rebuild,
    record_id,
    subject,
    write_export,
    write_lake,
)
from tests.support.sql_scores import sql_scores

AS_OF = dt.date(2026, 6, 30)
LI, WANG = subject(1), subject(2)
MARCH, APRIL, MAY = (dt.date(2026, month, 10) for month in (3, 4, 5))
SCORES = {"serious": 500, "general": 560, "minor": 600}


def _sent(sent_on: dt.date, file: int, outcome: str, who: str = LI) -> Record:
    return Record(
        subject=who,
        record_id=record_id(1),
        kind="penalty",
        outcome=outcome,
        happened_on=dt.date(2026, 3, 1),
        department="market_regulation",
        file=file,
        sent_on=sent_on,
    )


def _built(data: Path, versions: Sequence[Record]) -> Built:
    return build_snapshot(data, records=versions, enrolled=[LI, WANG], as_of=AS_OF)


CASES = {
    "sent later, accepted later": ([(MARCH, 1, "serious"), (APRIL, 2, "general")], "general"),
    "sent earlier, accepted later": ([(APRIL, 1, "general"), (MARCH, 2, "serious")], "general"),
    "sent on one day": ([(APRIL, 1, "serious"), (APRIL, 2, "minor")], "minor"),
    "three, the middle one late": (
        [(MARCH, 1, "serious"), (MAY, 2, "minor"), (APRIL, 3, "general")],
        "minor",
    ),
    "three, the first one late": (
        [(APRIL, 1, "general"), (MAY, 2, "minor"), (MARCH, 3, "serious")],
        "minor",
    ),
    "put right, then put right again": (
        [(MARCH, 1, "serious"), (APRIL, 2, "general"), (MAY, 3, "serious")],
        "serious",
    ),
}


@pytest.mark.parametrize(("versions", "truth"), CASES.values(), ids=CASES)
def test_build_recomputation_and_sql_take_the_version_sent_last(
    tmp_path: Path, versions: list[tuple[dt.date, int, str]], truth: str
) -> None:
    built = _built(tmp_path, [_sent(*version) for version in versions])
    assert built.scores() == {LI: SCORES[truth], WANG: 600}
    records = read_records(tmp_path / "lake", built.manifest.sources, LI)
    assert [record.outcome for record in records] == [truth]
    assert recompute(built.rules(), records, {}, AS_OF).score == SCORES[truth]
    by_sql = sql_scores(tmp_path / "lake", tmp_path / "exports" / "1", built.rules(), AS_OF)
    assert by_sql == built.scores()


def test_days_of_sending_alone_decide_however_files_come_in(tmp_path: Path) -> None:
    sent = [(MARCH, "serious"), (APRIL, "minor"), (MAY, "general")]
    for number, order in enumerate(permutations(sent)):
        versions = [_sent(day, file, outcome) for file, (day, outcome) in enumerate(order, 1)]
        assert _built(tmp_path / str(number), versions).scores() == {LI: 560, WANG: 600}


def test_a_late_file_does_not_bring_a_record_back_to_whom_it_never_belonged(
    tmp_path: Path,
) -> None:
    corrected = [_sent(APRIL, 1, "serious", WANG), _sent(MARCH, 2, "serious", LI)]
    assert _built(tmp_path, corrected).scores() == {LI: 600, WANG: 500}


def _rows(built: Built) -> list[tuple[int, str]]:
    frame = pl.read_parquet(built.folder / "history.parquet")
    names = pl.read_parquet(built.folder / "scores.parquet").filter(pl.col("subject") == LI)
    own = frame.join(names, on="snapshot_subject", maintain_order="left")
    return list(zip(own["change_points"], own["cause"], strict=True))


def test_a_late_old_file_leaves_no_trace_in_a_history_and_a_correction_does(
    tmp_path: Path,
) -> None:
    lake = tmp_path / "lake"
    first = _sent(APRIL, 1, "general")
    old = _sent(MARCH, 2, "serious")
    new = _sent(MAY, 3, "minor")
    write_export(tmp_path / "exports" / "1", [LI, WANG])
    write_lake(lake, [first])
    one = rebuild(tmp_path, as_of=AS_OF)
    write_lake(lake, [first, old])
    two = rebuild(tmp_path, as_of=AS_OF, previous=one.folder)
    assert _rows(two) == _rows(one) == [(-40, "enrolment")]
    write_lake(lake, [first, old, new])
    three = rebuild(tmp_path, as_of=AS_OF, previous=two.folder)
    assert _rows(three) == [(40, "correction"), (-40, "enrolment")]


def test_a_file_from_before_the_day_was_kept_is_the_oldest(tmp_path: Path) -> None:
    """Lakes only grow: a file once accepted is never written anew."""
    lake = tmp_path / "lake"
    write_lake(lake, [_sent(MAY, 1, "serious"), _sent(MARCH, 2, "general")])
    first, *others = read_manifest(lake).files
    [part] = first.parts
    frame = pl.read_parquet(lake / part.path).drop("sent_on")
    assert set(FACTS) - set(frame.columns) == {"sent_on"}
    frame.write_parquet(lake / part.path)
    _name_anew(lake, part.path, LakeManifest(files=[first, *others]))
    write_export(tmp_path / "exports" / "1", [LI, WANG])
    built = rebuild(tmp_path, as_of=AS_OF)
    assert built.scores() == {LI: 560, WANG: 600}
    records = read_records(lake, built.manifest.sources, LI)
    assert [record.outcome for record in records] == ["general"]


def _name_anew(lake: Path, path: str, manifest: LakeManifest) -> None:
    digest = hashlib.sha256((lake / path).read_bytes()).hexdigest()
    files = [
        msgspec.structs.replace(
            file,
            parts=[
                msgspec.structs.replace(part, sha256=digest) if part.path == path else part
                for part in file.parts
            ],
        )
        for file in manifest.files
    ]
    (lake / "manifest.json").write_bytes(msgspec.json.encode(LakeManifest(files=files)))
