"""What a build refuses, and that it leaves nothing behind when it does."""

import datetime as dt
import errno
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scoring.build.inputs import verify_inputs
from scoring.durable import sha256_of
from scoring.errors import ChengxinError, InputRefused, StoreUnavailable, VerificationFailed
from tests.support.lake import Record, build_snapshot, rebuild, record_id, subject, write_export

AS_OF = dt.date(2026, 6, 30)


def _kept(number: int = 1, **members: object) -> Record:
    record = Record(
        subject=subject(1),
        record_id=record_id(number),
        kind="commitment",
        outcome="kept",
        happened_on=dt.date(2026, 3, 1),
    )
    return msgspec.structs.replace(record, **members)


def _left_behind(data: Path) -> list[str]:
    snapshots = data / "snapshots"
    return [path.name for path in snapshots.glob("*")] if snapshots.exists() else []


def _a_facts_file(data: Path) -> Path:
    return next((data / "lake" / "facts").rglob("*.parquet"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    build_snapshot(tmp_path, records=[_kept()], enrolled=[subject(1)], as_of=AS_OF)
    return tmp_path


def test_a_lake_file_that_fails_its_hash_stops_the_build_before_anything_is_written(
    data: Path,
) -> None:
    file = _a_facts_file(data)
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    with pytest.raises(VerificationFailed) as refused:
        rebuild(data, as_of=AS_OF, out="other")
    assert refused.value.code == "hash_differs"
    assert refused.value.exit_code == 5
    assert not (data / "other").exists()


def test_a_missing_lake_file_stops_the_build(data: Path) -> None:
    _a_facts_file(data).unlink()
    with pytest.raises(VerificationFailed, match="file_missing"):
        rebuild(data, as_of=AS_OF, out="other")


def test_a_disk_that_is_full_in_mid_build_leaves_nothing_and_says_where(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("scoring.build.snapshot.write_whole", full)
    with pytest.raises(StoreUnavailable) as refused:
        rebuild(data, as_of=AS_OF, out="other")
    assert (refused.value.code, refused.value.exit_code) == ("snapshot_not_written", 7)
    assert refused.value.where == str(data / "other")
    assert [path.name for path in (data / "other").iterdir()] == [".lock"]


def test_an_export_that_was_changed_stops_the_build(data: Path) -> None:
    table = data / "exports" / "1" / "enrolments.parquet"
    table.write_bytes(table.read_bytes() + b" ")
    with pytest.raises(VerificationFailed, match="hash_differs"):
        rebuild(data, as_of=AS_OF, out="other")


def test_a_person_listed_twice_stops_the_build(data: Path) -> None:
    write_export(data / "exports" / "1", [subject(1), subject(1)])
    with pytest.raises(VerificationFailed, match="enrolments_wrong"):
        rebuild(data, as_of=AS_OF, out="other")
    assert not list((data / "other").glob("[!.]*"))


def test_a_subject_that_is_no_pseudonym_stops_the_build(data: Path) -> None:
    write_export(data / "exports" / "1", ["somebody@example.org"])
    with pytest.raises(VerificationFailed, match="enrolments_wrong"):
        rebuild(data, as_of=AS_OF, out="other")


@pytest.mark.parametrize("wrong", [{"outcome": "half_kept"}, {"department": "nobody"}])
def test_a_word_that_neither_rulebook_nor_catalogue_knows_stops_the_build(
    tmp_path: Path, wrong: dict[str, str]
) -> None:
    with pytest.raises(VerificationFailed, match="lake_word_unknown"):
        build_snapshot(tmp_path, records=[_kept(**wrong)], enrolled=[subject(1)], as_of=AS_OF)
    assert set(_left_behind(tmp_path)) <= {".lock"}


def test_a_day_before_the_first_rule_is_refused(data: Path) -> None:
    with pytest.raises(InputRefused, match="rule_gap"):
        rebuild(data, as_of=dt.date(2025, 12, 31), out="other")


def test_a_file_the_manifest_does_not_name_does_not_exist(data: Path) -> None:
    before = rebuild(data, as_of=AS_OF)
    stray = _a_facts_file(data).with_name("0000000000000000.parquet")
    stray.write_bytes(_a_facts_file(data).read_bytes())
    assert rebuild(data, as_of=AS_OF).scores() == before.scores() == {subject(1): 612}


def test_a_whole_snapshot_is_used_again(data: Path) -> None:
    before = rebuild(data, as_of=AS_OF)
    written = (before.folder / "manifest.json").stat().st_ino
    again = rebuild(data, as_of=AS_OF)
    assert (again.folder / "manifest.json").stat().st_ino == written


def test_what_another_build_made_while_the_inputs_were_verified_is_used(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made anew and put in its place, it would be gone for a moment to whoever serves it."""
    made: list[int] = []

    def late(*inputs: Any) -> None:
        monkeypatch.undo()
        verify_inputs(*inputs)
        made.append(rebuild(data, as_of=AS_OF, out="other").folder.stat().st_ino)

    monkeypatch.setattr("scoring.build.snapshot.verify_inputs", late)
    folder = rebuild(data, as_of=AS_OF, out="other").folder
    assert [folder.stat().st_ino] == made


def test_a_damaged_snapshot_is_replaced_by_a_whole_one(data: Path) -> None:
    built = rebuild(data, as_of=AS_OF)
    part = built.manifest.parts[0]
    (built.folder / part.path).write_bytes(b"damaged")
    again = rebuild(data, as_of=AS_OF)
    assert again.folder == built.folder
    assert sha256_of(again.folder / part.path) == part.sha256


def test_what_a_killed_build_left_is_cleared_away(data: Path) -> None:
    left = data / "other" / ".building" / "work" / "records" / "part=00"
    left.mkdir(parents=True)
    (left / "00.arrow").write_bytes(b"half a file")
    built = rebuild(data, as_of=AS_OF, out="other")
    assert built.scores() == {subject(1): 612}
    assert sorted(path.name for path in (data / "other").glob("*")) == [
        ".lock",
        built.folder.name,
    ]


def test_two_builds_into_one_folder_do_not_meet(data: Path) -> None:
    import fcntl

    (data / "other").mkdir()
    with (data / "other" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ChengxinError, match="build_running"):
            rebuild(data, as_of=AS_OF, out="other")
