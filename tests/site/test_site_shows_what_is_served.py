"""The site's figures are those of the version the interface answers from."""

import datetime as dt
import json
from pathlib import Path

import msgspec
import pytest
from builder.which_snapshot import Shown, newest_snapshot, shown_snapshot

from scoring.contract.served import SERVED_FILE, ServedSnapshot
from scoring.errors import VerificationFailed
from tests.site.conftest import run_script, write_snapshot

OLDER, NEWER = "20261121-000000000003", "20261122-000000000007"
DAYS = {OLDER: dt.date(2026, 11, 21), NEWER: dt.date(2026, 11, 22)}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two whole versions; the second is the newest."""
    for name, as_of in DAYS.items():
        write_snapshot(tmp_path, as_of, name)
    return tmp_path


def tell(data: Path, snapshot: str) -> None:
    """As a publish or a rollback does."""
    content = msgspec.json.encode(ServedSnapshot(snapshot=snapshot))
    (data / "snapshots" / SERVED_FILE).write_bytes(content)


def shown(data: Path) -> Shown:
    found = shown_snapshot(data)
    assert found is not None
    return found


def test_after_a_rollback_the_version_gone_back_to_is_shown(data: Path) -> None:
    for served in (NEWER, OLDER):
        tell(data, served)
        assert shown(data) == Shown(data / "snapshots" / served, "which is served")


def test_the_newest_is_shown_where_nothing_is_told(data: Path) -> None:
    assert shown(data).folder.name == NEWER
    assert "nothing is told" in shown(data).why
    (data / "snapshots" / SERVED_FILE).write_bytes(b"\xff")
    assert shown(data).folder.name == NEWER


@pytest.mark.parametrize("spoil", ["document", "manifest", "folder"])
def test_a_served_version_that_is_not_whole_gives_way_to_the_newest_and_it_is_said(
    data: Path, spoil: str
) -> None:
    tell(data, OLDER)
    folder = data / "snapshots" / OLDER
    if spoil == "document":
        path = folder / "documents" / "figures.json"
        path.write_bytes(path.read_bytes() + b" ")
    elif spoil == "manifest":
        (folder / "manifest.json").write_bytes(b"{")
        # The newest among others cannot be told either: nothing is guessed.
        with pytest.raises(VerificationFailed, match="site_document_unreadable"):
            shown_snapshot(data)
        return
    else:
        folder.rename(data / "elsewhere")
    assert shown(data).folder.name == NEWER
    assert f"{OLDER} is served and not whole" in shown(data).why


def test_a_damaged_newer_version_does_not_keep_the_served_one_from_being_shown(data: Path) -> None:
    tell(data, OLDER)
    (data / "snapshots" / NEWER / "manifest.json").write_bytes(b"{")
    assert shown(data).folder.name == OLDER


def test_what_is_told_is_a_name_and_no_path(data: Path) -> None:
    outside = data / "outside"
    (data / "snapshots" / OLDER).rename(outside)
    for told in ("../outside", str(outside), ".", ""):
        tell(data, told)
        assert shown(data).folder.name == NEWER


def test_the_newest_is_the_latest_day_then_the_highest_position(tmp_path: Path) -> None:
    assert newest_snapshot(tmp_path) is None
    assert shown_snapshot(tmp_path) is None
    for name, day, position in (
        ("a", "2026-11-21", 9),
        ("b", "2026-11-22", 1),
        ("c", "2026-11-22", 3),
    ):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "manifest.json").write_text(
            json.dumps({"snapshot": name, "as_of": day, "ledger_position": position})
        )
    newest = newest_snapshot(tmp_path)
    assert newest is not None
    assert newest.name == "c"


def test_a_version_that_ends_while_the_newest_is_looked_for_is_none(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshots, read_bytes = data / "snapshots", Path.read_bytes

    def late(path: Path) -> bytes:
        if path.parent == snapshots / NEWER:
            path.parent.rename(snapshots / ".ending")
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", late)
    assert newest_snapshot(snapshots) == snapshots / OLDER


def test_the_command_says_what_it_shows_and_a_named_snapshot_goes_before_all(
    data: Path,
) -> None:
    tell(data, OLDER)
    arguments = ["--data", str(data), "--out", str(data / "site")]
    built = run_script("build_pages.py", *arguments)
    assert f"snapshot {OLDER}, which is served" in built.stdout, built.stderr
    assert OLDER in (data / "site" / "index.html").read_text("utf-8")
    named = data / "snapshots" / NEWER
    (named / "documents" / "rules.json").unlink()
    refused = run_script("build_pages.py", *arguments, "--snapshot", str(named))
    assert refused.returncode == VerificationFailed.exit_code
    assert NEWER in refused.stderr
