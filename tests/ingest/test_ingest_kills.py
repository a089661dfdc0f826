"""A run killed at any moment leaves the lake as it was before or as it is after, never between."""

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scoring.catalogue import Catalogue
from scoring.errors import StoreUnavailable
from scoring.ingest import ingest_file
from scoring.lake.manifest import read_manifest
from tests.ingest.city_files import LAKE_KEY, as_csv, deliver, good_file, good_rows
from tests.ingest.conftest import lake_digest

# Ingests one file and kills itself, as kill -9 would, instead of the n-th sync to disk.
KILLED_RUN = """
import os, signal, sys
from pathlib import Path
from scoring.catalogue import load_catalogue
from scoring.ingest import ingest_file

left = int(sys.argv[3])
sync = os.fsync

def dying(descriptor):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    sync(descriptor)

os.fsync = dying
key = bytes.fromhex(sys.stdin.read())
ingest_file(Path(sys.argv[1]), lake=Path(sys.argv[2]), catalogue=load_catalogue(), lake_key=key)
"""


def _killed_ingest(file: Path, lake: Path, at_sync: int) -> int:
    return subprocess.run(
        [sys.executable, "-c", KILLED_RUN, str(file), str(lake), str(at_sync)],
        input=LAKE_KEY.hex().encode(),
        check=False,
    ).returncode


def _two_files(folder: Path) -> tuple[Path, Path]:
    rows = good_rows("penalty")
    rows[3]["CF_XDR_ZJHM"] = "1"
    first = deliver(folder / "a", "honour", good_file("honour"))
    return first, deliver(folder / "b", "penalty", as_csv("penalty", rows))


def _syncs_of(file: Path, lake: Path, catalogue: Catalogue, patch: pytest.MonkeyPatch) -> int:
    sync, calls = os.fsync, []
    with patch.context() as counting:
        counting.setattr(os, "fsync", lambda fd: (calls.append(fd), sync(fd)))
        ingest_file(file, lake=lake, catalogue=catalogue, lake_key=LAKE_KEY)
    return len(calls)


def _assert_whole(lake: Path) -> None:
    for file in read_manifest(lake).files:
        for part in file.parts:
            content = (lake / part.path).read_bytes()
            assert hashlib.sha256(content).hexdigest() == part.sha256


def test_kill_minus_nine_at_any_sync_leaves_a_whole_lake_and_the_next_run_heals_it(
    tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = _two_files(tmp_path)
    whole = tmp_path / "whole"
    ingest_file(first, lake=whole, catalogue=catalogue, lake_key=LAKE_KEY)
    before = lake_digest(whole)
    syncs = _syncs_of(second, whole, catalogue, monkeypatch)
    after = lake_digest(whole)
    # intent, parts (several at once), their folders, reject list, manifest, forgotten intent
    for at_sync in (1, 2, 3, 6, 9, syncs // 2, syncs - 4, syncs - 3, syncs - 2, syncs - 1, syncs):
        lake = tmp_path / f"killed at {at_sync}"
        ingest_file(first, lake=lake, catalogue=catalogue, lake_key=LAKE_KEY)
        assert _killed_ingest(second, lake, at_sync) == -signal.SIGKILL
        _assert_whole(lake)
        manifest = (lake / "manifest.json").read_bytes()
        assert hashlib.sha256(manifest).hexdigest() in (
            before["manifest.json"],
            after["manifest.json"],
        )
        ingest_file(second, lake=lake, catalogue=catalogue, lake_key=LAKE_KEY)
        assert lake_digest(lake) == after, at_sync


def test_what_a_killed_run_left_is_gone_even_if_its_file_never_comes_again(
    tmp_path: Path, lake: Path, catalogue: Catalogue
) -> None:
    first, second = _two_files(tmp_path)
    _killed_ingest(second, lake, 20)
    assert list(lake.rglob("*.parquet"))
    ingest_file(first, lake=lake, catalogue=catalogue, lake_key=LAKE_KEY)
    listed = {part.path for part in read_manifest(lake).files[0].parts}
    assert {str(path.relative_to(lake)) for path in lake.rglob("*.parquet")} == listed


def test_a_full_disk_leaves_the_lake_as_it_was(
    tmp_path: Path, lake: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = _two_files(tmp_path)
    ingest_file(first, lake=lake, catalogue=catalogue, lake_key=LAKE_KEY)
    before = lake_digest(lake)
    sync, left = os.fsync, iter(range(30))

    def full(descriptor: int) -> None:
        if next(left, None) == 12:
            raise OSError(28, "No space left on device")
        sync(descriptor)

    with monkeypatch.context() as filling:
        filling.setattr(os, "fsync", full)
        with pytest.raises(StoreUnavailable, match="No space left"):
            ingest_file(second, lake=lake, catalogue=catalogue, lake_key=LAKE_KEY)
    assert lake_digest(lake) == before
