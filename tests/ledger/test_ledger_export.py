"""The tables a build starts from: everyone enrolled at a position, the same bytes every time."""

import asyncio
import datetime as dt
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from api.commands.ledger import export_ledger
from api.ledger.protocol import LedgerUnavailable
from api.ledger.sqlite import ledger_path, open_ledger
from api.ledger_export.tables import LedgerExport
from scoring.build.inputs import read_export
from scoring.contract.ledger_tables import ENROLMENT_COLUMNS, RECORD_STATE_COLUMNS
from scoring.errors import InputRefused, StoreUnavailable, VerificationFailed
from scoring.ledger_export import _is_whole, write_export
from tests.ledger.drafts import AT_MS, enrolled, pseudonym, withdrawn


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Nine events: 0-4 joined, 1 and 2 left, 2 returned under a newer notice, 3 left."""

    async def fill() -> None:
        ledger = await open_ledger(ledger_path(tmp_path))
        await ledger.append_many([enrolled(n, at_ms=AT_MS + n) for n in range(5)])
        await ledger.append_many([withdrawn(1), withdrawn(2)])
        await ledger.append(enrolled(2, "2027-01", AT_MS + 99))
        await ledger.append(withdrawn(3))
        await ledger.close()

    asyncio.run(fill())
    return tmp_path


def test_an_export_holds_who_is_enrolled_sorted_and_as_the_contract_says(data: Path) -> None:
    folder = export_ledger(data)
    export = read_export(folder)
    assert (folder.name, export.manifest.position) == ("9", 9)
    table = export.enrolments()
    joined = {0: (0, "2026-01"), 2: (99, "2027-01"), 4: (4, "2026-01")}
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    expected = [
        (pseudonym(n), epoch + dt.timedelta(milliseconds=AT_MS + ms), version)
        for n, (ms, version) in joined.items()
    ]
    assert table.rows() == sorted(expected)
    assert table.schema == {
        "subject": pl.String(),
        "enrolled_at": pl.Datetime("ms", "UTC"),
        "notice_version": pl.String(),
    }
    assert list(table.columns) == list(ENROLMENT_COLUMNS)
    states = export.record_states()
    assert (states.height, list(states.columns)) == (0, list(RECORD_STATE_COLUMNS))


def test_an_export_at_an_earlier_position_knows_nothing_of_later_events(data: Path) -> None:
    with LedgerExport(ledger_path(data), 5) as ledger:
        rows = [row for batch in ledger.enrolments(2) for row in batch]
    assert [subject for subject, _, _ in rows] == sorted(pseudonym(n) for n in range(5))
    with LedgerExport(ledger_path(data), 7) as ledger:
        rows = [row for batch in ledger.enrolments() for row in batch]
    assert {subject for subject, _, _ in rows} == {pseudonym(n) for n in (0, 3, 4)}
    with LedgerExport(ledger_path(data), 0) as ledger:
        assert list(ledger.enrolments()) == []


def test_the_same_position_gives_the_same_bytes_whatever_the_batches(
    data: Path, tmp_path: Path
) -> None:
    whole = export_ledger(data, 8)
    with LedgerExport(ledger_path(data), 8) as ledger:
        cut = write_export(tmp_path / "cut", 8, enrolments=ledger.enrolments(1), record_states=())
    names = sorted(path.name for path in whole.iterdir())
    assert names == ["enrolments.parquet", "export.json", "record_states.parquet"]
    for name in names:
        assert (whole / name).read_bytes() == (cut / name).read_bytes()


def test_exporting_again_repairs_a_damaged_export_and_leaves_a_whole_one_alone(
    data: Path,
) -> None:
    folder = export_ledger(data)
    good = (folder / "enrolments.parquet").read_bytes()
    before = (folder / "enrolments.parquet").stat().st_ino
    assert export_ledger(data) == folder
    assert (folder / "enrolments.parquet").stat().st_ino == before
    (folder / "enrolments.parquet").write_bytes(good[:-1])
    export_ledger(data)
    assert (folder / "enrolments.parquet").read_bytes() == good
    assert [path.name for path in folder.parent.iterdir()] == ["9"]


@pytest.mark.parametrize("is_damaged", [False, True])
def test_of_two_exports_at_once_both_are_done_and_one_folder_is_left(
    data: Path, monkeypatch: pytest.MonkeyPatch, is_damaged: bool
) -> None:
    """The other one ends when this one is about to put its own in place."""
    if is_damaged:
        (export_ledger(data) / "enrolments.parquet").write_bytes(b"cut")

    def late(folder: Path, target: Path) -> Path:
        monkeypatch.undo()
        export_ledger(data)
        return folder.rename(target)

    monkeypatch.setattr(Path, "rename", late)
    folder = export_ledger(data)
    assert _is_whole(folder, read_export(folder).manifest)
    assert [path.name for path in folder.parent.iterdir()] == ["9"]


def test_one_export_sees_one_state_while_others_write(data: Path) -> None:
    async def write() -> None:
        ledger = await open_ledger(ledger_path(data))
        await ledger.append(withdrawn(0))
        await ledger.close()

    with LedgerExport(ledger_path(data)) as ledger:
        asyncio.run(write())
        rows = [row for batch in ledger.enrolments(1) for row in batch]
    assert pseudonym(0) in {subject for subject, _, _ in rows}


def test_an_export_that_breaks_off_leaves_nothing_behind(data: Path, tmp_path: Path) -> None:
    def batches():  # type: ignore[no-untyped-def]
        yield [(pseudonym(1), AT_MS, "2026-01")]
        raise LedgerUnavailable("io")

    exports = tmp_path / "broken"
    with pytest.raises(LedgerUnavailable):
        write_export(exports, 3, enrolments=batches(), record_states=())
    assert list(exports.iterdir()) == []


def test_a_position_that_was_not_reached_is_refused(data: Path) -> None:
    with pytest.raises(InputRefused) as refused:
        export_ledger(data, 10)
    assert refused.value.code == "position_unknown"


def test_an_export_of_a_longer_ledger_stops_the_next_one(data: Path) -> None:
    """An older backup was restored: a build takes the export of the highest position."""
    export_ledger(data)
    shutil.rmtree(ledger_path(data).parent)

    async def restored() -> None:
        ledger = await open_ledger(ledger_path(data))
        await ledger.append_many([enrolled(n, at_ms=AT_MS + n) for n in range(5)])
        await ledger.close()

    asyncio.run(restored())
    with pytest.raises(VerificationFailed) as refused:
        export_ledger(data)
    assert (refused.value.code, refused.value.where) == (
        "export_beyond_ledger",
        str(data / "exports" / "9"),
    )
    assert [folder.name for folder in (data / "exports").iterdir()] == ["9"]
    assert export_ledger(data, 3).name == "3"  # asked for by name: a person has looked
    shutil.rmtree(data / "exports")
    assert export_ledger(data).name == "5"


def test_without_a_ledger_there_is_no_export_and_no_ledger_is_made(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable) as refused:
        export_ledger(tmp_path)
    assert refused.value.code == "ledger_unavailable"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"no ledger, but long enough to look at\n" * 200])
def test_a_file_that_is_no_ledger_is_told_as_such(tmp_path: Path, content: bytes) -> None:
    other = tmp_path / "other"
    other.write_bytes(content)
    with pytest.raises(StoreUnavailable, match="is no ledger") as refused:
        export_ledger(tmp_path / "data", ledger=f"sqlite:///{other}")
    assert (refused.value.code, refused.value.exit_code) == ("ledger_unavailable", 7)
    assert not (tmp_path / "data").exists()
    assert other.read_bytes() == content


def test_the_services_half_of_an_export_needs_no_polars() -> None:
    program = (
        "import sys, api.ledger_export.tables, api.ledger.sqlite, api.ledger.enrolment,"
        " api.ledger.projection; sys.exit('polars' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize("position", range(10))
def test_the_few_that_changed_are_told_as_the_export_of_all_tells_them(
    data: Path, position: int
) -> None:
    with LedgerExport(ledger_path(data)) as ledger:
        everyone = {row[0]: row for batch in ledger.enrolments() for row in batch}
        changed = [subject for subject, _ in ledger.changed_since(position)]
        assert changed == sorted(set(changed))
        few = ledger.enrolments_of(changed)
        assert few == [everyone[subject] for subject in changed if subject in everyone]
        assert list(ledger.record_states_of(changed)) == []
    people = [0, 1, 2, 3, 4, 1, 2, 2, 3]  # of the nine events
    assert changed == sorted({pseudonym(n) for n in people[position:]})
