"""`chengxin generate` as an operator meets it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from api.commands.generate import generate
from scoring.city.generation import STANDARD_DAY
from scoring.city.generation import generate as generate_city
from scoring.errors import InputRefused

app = typer.Typer()
app.command()(generate)
ARGUMENTS = ["--people", "300", "--seed", "11"]


def _digest(output: str) -> str:
    found = re.search(r"^digest ([0-9a-f]{64})$", output, re.MULTILINE)
    assert found is not None, output
    return found[1]


def test_it_prints_one_digest_that_is_the_same_in_another_process_with_one_thread(
    tmp_path: Path,
) -> None:
    here = generate_city(people=300, seed=11, out=tmp_path / "here", as_of=STANDARD_DAY)
    code = "import typer; from api.commands.generate import generate; typer.run(generate)"
    there = subprocess.run(
        [sys.executable, "-c", code, *ARGUMENTS, "--out", str(tmp_path / "there")],
        env={**os.environ, "PYTHONHASHSEED": "99", "POLARS_MAX_THREADS": "1", "TZ": "Asia/Tokyo"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert _digest(there.stdout) == here.digest


def test_it_says_what_was_written(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [*ARGUMENTS, "--out", str(tmp_path), "--as-of", "2027-02-28"])
    assert result.exit_code == 0, result.output
    assert "contract_performance" in result.output
    assert "2027-02-28" in result.output
    assert "late: penalty/housing-00" in result.output
    assert list(tmp_path.glob("honour/*.csv"))


def test_a_day_that_is_none_is_wrong_usage(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [*ARGUMENTS, "--out", str(tmp_path), "--as-of", "2027-02-29"])
    assert result.exit_code == 2


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    (tmp_path / "penalty").mkdir()
    result = CliRunner().invoke(app, [*ARGUMENTS, "--out", str(tmp_path)])
    assert isinstance(result.exception, InputRefused)
    with pytest.raises(InputRefused, match="city_exists"):
        raise result.exception
