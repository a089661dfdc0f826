"""A version or an export may go between the moment it is seen and the moment it is read."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from api.commands.doctor.machine import _newest_bytes
from scoring.ended.ending import is_unfinished
from scoring.history.previous import newest_before
from scoring.publish.folders import newest_snapshot
from tests.support.snapshots import AS_OF, city, write_snapshot

TOMORROW = AS_OF + dt.timedelta(days=1)


@pytest.fixture
def snapshots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of two versions the later one ends when its manifest is about to be read."""
    folder = tmp_path / "snapshots"
    write_snapshot(folder, "stays", city(5, 1))
    write_snapshot(folder, "ends", city(5, 1), as_of=TOMORROW)
    read_bytes = Path.read_bytes

    def late(path: Path) -> bytes:
        if path.parent == folder / "ends":
            path.parent.rename(folder / ".ending")
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", late)
    return folder


@pytest.mark.parametrize(
    "newest",
    [newest_snapshot, lambda folder: newest_before(folder, AS_OF + dt.timedelta(days=9), 9)],
    ids=["for a publisher", "for a build"],
)
def test_a_version_that_ends_while_the_newest_is_looked_for_is_none(
    snapshots: Path, newest: Callable[[Path], Path | None]
) -> None:
    assert newest(snapshots) == snapshots / "stays"
    assert not (snapshots / "ends").exists()


def test_the_doctor_measures_the_newest_version_by_what_its_manifest_says(tmp_path: Path) -> None:
    assert _newest_bytes(tmp_path) == 0
    folder = write_snapshot(tmp_path / "snapshots", "one", city(5, 1))
    files = [path for path in folder.iterdir() if path.stem != "manifest"]
    assert _newest_bytes(tmp_path) == sum(path.stat().st_size for path in files)


def test_the_doctor_goes_on_where_a_version_ends_below_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_snapshot(tmp_path / "snapshots", "one", city(5, 1))

    def ending(_: Path) -> Path:
        folder.rename(folder.with_name(".ending"))
        return folder

    monkeypatch.setattr("scoring.publish.folders.newest_snapshot", ending)
    assert _newest_bytes(tmp_path) == 0


def test_an_export_that_ends_while_leftovers_are_looked_for_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    half_written = tmp_path / "exports" / ".7.half"
    half_written.mkdir(parents=True)
    (tmp_path / "snapshots").mkdir()
    stat = Path.stat

    def late(path: Path, *, follow_symlinks: bool = True) -> object:
        if path == half_written and path.name in {each.name for each in path.parent.iterdir()}:
            half_written.rename(half_written.with_name("7"))
        return stat(path, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(Path, "stat", late)
    assert not is_unfinished(tmp_path)
    assert [each.name for each in half_written.parent.iterdir()] == ["7"]
