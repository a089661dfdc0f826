"""`chengxin doctor`: exit codes, and a JSON document for whoever watches."""

import datetime as dt
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from api.commands import app, doctor
from api.commands.doctor import Report
from api.commands.doctor.finding import fault, warning

AT = dt.datetime(2026, 11, 20, 4, tzinfo=dt.UTC)
SMALL = warning("disk_short", "it fills up", where="/data", do="make room")
GREAT = fault("disk_full", "it is full", where="/data", do="make room")


@pytest.mark.parametrize(
    ("findings", "options", "code"),
    [
        ([], [], 0),
        ([], ["--strict"], 0),
        ([SMALL], [], 0),
        ([SMALL], ["--strict"], 1),
        ([SMALL, GREAT], [], 1),
    ],
)
def test_exit_codes(
    findings: list[doctor.Finding], options: list[str], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    levels = [one.level for one in findings]
    report = Report(
        at=AT,
        faults=levels.count("fault"),
        warnings=levels.count("warning"),
        sound=["keys"],
        findings=findings,
    )
    monkeypatch.setattr(doctor, "examine", lambda place: report)
    done = CliRunner().invoke(app, ["doctor", *options])
    assert done.exit_code == code
    assert f"{report.faults} faults, {report.warnings} warnings" in done.output
    for one in findings:
        assert one.code in done.output
        assert f"do:    {one.do}" in done.output
    as_json = CliRunner().invoke(app, ["doctor", "--json", *options])
    assert as_json.exit_code == code
    assert msgspec.json.decode(as_json.output, type=Report) == report


def test_nothing_there_at_all_is_told_and_not_made(tmp_path: Path) -> None:
    data = tmp_path / "none"
    place = f"postgresql://someone:hunter2@127.0.0.1:1/{data.name}"
    environment = {"CHENGXIN_LEDGER_URL": place, "CHENGXIN_STORE_URL": f"unix://{data}/no.sock"}
    done = CliRunner().invoke(app, ["doctor", "--json", "--data", str(data)], env=environment)
    assert done.exit_code == 1
    codes = {one.code for one in msgspec.json.decode(done.output, type=Report).findings}
    assert codes >= {"data_missing", "key_missing", "setting_refused", "ledger_unavailable"}
    assert "hunter2" not in done.output
    assert not data.exists()
