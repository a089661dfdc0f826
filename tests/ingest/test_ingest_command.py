"""`chengxin ingest` as an operator sees it."""

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from api.commands.ingest import ingest
from scoring.lake.manifest import read_manifest
from tests.ingest.city_files import LAKE_KEY, as_csv, deliver, good_file, good_rows


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "keys").mkdir(parents=True)
    (folder / "keys" / "lake.key").write_text(LAKE_KEY.hex(), encoding="ascii")
    return folder


def _run(path: Path, data: Path) -> Result:
    app = typer.Typer()
    app.command()(ingest)
    return CliRunner().invoke(app, [str(path), "--data", str(data)])


def test_it_counts_rows_and_says_where_the_rejects_are(tmp_path: Path, data: Path) -> None:
    rows = good_rows("honour")
    rows[0]["RY_JB"] = "?"
    deliver(tmp_path / "in", "honour", as_csv("honour", rows))
    result = _run(tmp_path / "in", data)
    assert result.exit_code == 0, result.output
    assert "1 files taken" in result.output
    rejects = data / "lake" / "rejects" / f"{read_manifest(data / 'lake').files[0].file_id}.csv"
    assert str(rejects) in result.output
    assert rejects.exists()


def test_a_refused_file_gives_exit_code_4_and_the_others_are_taken(
    tmp_path: Path, data: Path
) -> None:
    deliver(tmp_path / "in" / "good", "honour", good_file("honour"))
    deliver(tmp_path / "in" / "bad", "penalty", b"<html></html>\n")
    result = _run(tmp_path / "in", data)
    assert result.exit_code == 4
    assert "not_csv" in result.output
    assert [file.kind for file in read_manifest(data / "lake").files] == ["honour"]


def test_a_link_that_leads_nowhere_or_to_a_folder_is_refused_not_overlooked(
    tmp_path: Path, data: Path
) -> None:
    deliver(tmp_path / "elsewhere", "honour", good_file("honour"))
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "gone.csv").symlink_to(tmp_path / "nowhere.csv")
    (folder / "department").symlink_to(tmp_path / "elsewhere")
    result = _run(folder, data)
    assert (result.exit_code, "2 refused" in result.output) == (4, True)


def test_the_summary_names_kind_and_rule_in_full_in_a_narrow_log(
    tmp_path: Path, data: Path
) -> None:
    rows = good_rows("contract_performance")
    number = rows[0]["XDR_ZJHM"]
    rows[0]["XDR_ZJHM"] = number[:-1] + ("1" if number[-1] != "1" else "2")
    content = as_csv("contract_performance", rows)
    deliver(tmp_path / "in", "contract_performance", content)
    output = _run(tmp_path / "in", data).output
    assert "…" not in output
