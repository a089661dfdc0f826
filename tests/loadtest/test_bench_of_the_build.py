"""The bench itself, at a size that takes seconds: it finds equal sums and hashes, and says so."""

import os
import subprocess
import sys
from pathlib import Path

from loadtest.bench_score.__main__ import Bench, Size

ROOT = Path(__file__).resolve().parents[2]


def test_a_small_bench_ends_well_and_prints_its_figures_beside_the_targets() -> None:
    sizes = {"RECORDS": "20000", "PEOPLE": "3200", "ENROLLED": "1200"}
    done = subprocess.run(
        [sys.executable, "-m", "loadtest.bench_score", "--runs", "1"],
        cwd=ROOT,
        env={**os.environ, **sizes},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for words in ("20,000", "DuckDB, sums alone", "output hash at K = 1, 8, 64", "peak"):
        assert words in done.stdout


def test_what_does_not_hold_is_told_and_kept(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    assert bench.expect(True, "never said") == ""
    assert "runs differ" in bench.expect(False, "runs differ")
    assert bench.failures == ["runs differ"]


def test_a_part_of_a_city_keeps_its_proportions() -> None:
    whole = Size(50_000_000, 8_000_000, 3_000_000)
    assert whole.cut_to(5_000_000) == Size(5_000_000, 800_000, 300_000)
    assert Size(1_000, 100, 10).cut_to(5_000_000) == Size(1_000, 100, 10)
