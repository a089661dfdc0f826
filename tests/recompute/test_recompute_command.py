"""`chengxin build`, `lint` and `recompute` as an operator calls them."""

import datetime as dt
import os
import shutil
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from api.commands import app
from api.commands.build import build as build_command
from api.commands.lint import lint as lint_command
from api.commands.recompute import recompute as recompute_command
from api.ledger.notice import NOTICE_FOLDER
from scoring.ended.remains import keep_remains
from scoring.errors import InputRefused, VerificationFailed
from scoring.keys import key_files
from scoring.rulebook.load import RULEBOOK_PATH
from scoring.signing import make_keypair
from tests.support.lake import Record, State, record_id, subject, write_export, write_lake

LI = subject(1)
PENALTY = Record(
    subject=LI,
    record_id=record_id(1),
    kind="penalty",
    outcome="serious",
    happened_on=dt.date(2026, 3, 1),
    department="market_regulation",
)
KEPT = Record(
    subject=LI,
    record_id=record_id(2),
    kind="commitment",
    outcome="kept",
    happened_on=dt.date(2026, 4, 1),
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_lake(tmp_path / "lake", [PENALTY, KEPT])
    disputed = State(subject=LI, record_id=PENALTY.record_id, state="disputed")
    write_export(tmp_path / "exports" / "1", [LI], [disputed])
    files = key_files(tmp_path)
    make_keypair(files.signing, files.signing_public)
    files.snapshot.write_text(os.urandom(32).hex(), encoding="ascii")
    return tmp_path


def _built(data: Path, capsys: pytest.CaptureFixture[str]) -> str:
    build_command(as_of="2026-06-30", data=data)
    return capsys.readouterr().out.strip()


def test_build_prints_the_id_and_recompute_agrees_point_by_point(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    snapshot = _built(data, capsys)
    recompute_command(subject=LI, snapshot=snapshot, data=data)
    told = capsys.readouterr().out
    assert "base 600 + Σ points = 612 (band_3)" in told
    assert "disputed" in told
    assert "equal to the snapshot" in told


def test_points_are_there_the_day_before_a_record_expires_and_gone_on_that_day(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without any change of the records: the kept commitment counts for 730 days."""
    snapshot = _built(data, capsys)
    last_day = KEPT.happened_on + dt.timedelta(days=729)
    for day, score, status in ((0, 612, "counted"), (1, 600, "expired")):
        as_of = (last_day + dt.timedelta(days=day)).isoformat()
        recompute_command(subject=LI, snapshot=snapshot, as_of=as_of, data=data)
        told = capsys.readouterr().out
        assert f"= {score} (" in told
        assert status in told
        assert f"as of {as_of}" in told
        assert "equal to the snapshot" not in told
    with pytest.raises(InputRefused):
        recompute_command(subject=LI, snapshot=snapshot, as_of="2028-02-30", data=data)


@pytest.mark.parametrize("name", ["--subject", "--citizen"])
def test_who_is_asked_for_may_be_called_subject_or_citizen(
    data: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    snapshot = _built(data, capsys)
    words = ["recompute", name, LI, "--snapshot", snapshot, "--data", str(data)]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert (done.exit_code, "equal to the snapshot" in done.output) == (0, True)


def test_a_snapshot_that_says_otherwise_is_found_out(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    snapshot = _built(data, capsys)
    [part] = (data / "snapshots" / snapshot / "scores.parquet").glob("*.parquet")
    pl.read_parquet(part).with_columns(score_points=pl.lit(613)).write_parquet(part)
    with pytest.raises(VerificationFailed, match="score_differs"):
        recompute_command(subject=LI, snapshot=snapshot, data=data)


def test_an_old_snapshot_recomputes_to_its_old_value_after_new_files_came(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = _built(data, capsys)
    other = Record(**{**_members(KEPT), "record_id": record_id(3), "file": 2})
    write_lake(data / "lake", [PENALTY, KEPT, other])
    new = _built(data, capsys)
    assert new != old
    recompute_command(subject=LI, snapshot=old, data=data)
    assert "= 612" in capsys.readouterr().out
    recompute_command(subject=LI, snapshot=new, data=data)
    assert "= 624" in capsys.readouterr().out


def _members(record: Record) -> dict[str, object]:
    return {name: getattr(record, name) for name in record.__struct_fields__}


def test_recompute_needs_the_lake_files_the_snapshot_was_made_from(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    snapshot = _built(data, capsys)
    next((data / "lake" / "facts").rglob("*.parquet")).write_bytes(b"other")
    with pytest.raises(VerificationFailed, match="hash_differs"):
        recompute_command(subject=LI, snapshot=snapshot, data=data)


def test_somebody_without_a_score_is_not_in_the_snapshot(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And is not scored either: nothing is printed, though there may be records of hers."""
    not_enrolled = Record(**{**_members(KEPT), "record_id": record_id(7), "subject": subject(9)})
    write_lake(data / "lake", [PENALTY, KEPT, not_enrolled])
    snapshot = _built(data, capsys)
    with pytest.raises(VerificationFailed, match="not_in_snapshot"):
        recompute_command(subject=subject(9), snapshot=snapshot, data=data)
    assert capsys.readouterr().out == ""


def test_of_a_version_that_has_ended_nobody_is_scored_again(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    snapshot = _built(data, capsys)
    keep_remains(data, snapshot, None, bytes(32))
    shutil.rmtree(data / "snapshots" / snapshot)
    with pytest.raises(InputRefused, match="snapshot_ended"):
        recompute_command(subject=LI, snapshot=snapshot, data=data)


def test_a_day_that_is_none_is_refused(data: Path) -> None:
    with pytest.raises(InputRefused, match="day_unreadable"):
        build_command(as_of="30.6.2026", data=data)


def test_a_day_before_the_first_notice_is_refused_in_words(data: Path) -> None:
    with pytest.raises(InputRefused, match="no_notice"):
        build_command(as_of="1999-01-01", data=data)


def test_a_lake_that_is_not_there_is_no_city_without_records(data: Path) -> None:
    shutil.rmtree(data / "lake")
    with pytest.raises(VerificationFailed, match="lake_missing"):
        build_command(as_of="2026-06-30", data=data)
    assert not (data / "snapshots").exists()


def test_lint_prints_each_problem_with_its_place_and_refuses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rulebook.toml"
    text = RULEBOOK_PATH.read_text(encoding="utf-8").replace("cap = 60", "cap = 11", 1)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputRefused) as refused:
        lint_command(rulebook=path)
    assert refused.value.exit_code == 4
    assert "rulebook.toml:" in capsys.readouterr().out


def test_lint_knows_what_past_days_were_scored_by(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    snapshot = _built(data, capsys)
    lint_command(data=data)
    path = tmp_path / "rulebook.toml"
    edition = RULEBOOK_PATH.read_text(encoding="utf-8")
    path.write_text(edition.replace("points = 12", "points = 11", 1), encoding="utf-8")
    notices = tmp_path / "notices"  # citizens were told; the days already scored are what is left
    shutil.copytree(NOTICE_FOLDER, notices)
    told = notices / "2026-01.toml"
    told.write_text(told.read_text("utf-8").replace("points = 12,", "points = 11,", 1), "utf-8")
    lint_command(rulebook=path, notices=notices)
    with pytest.raises(InputRefused, match=r"rules_work_backwards.*commitment_kept"):
        lint_command(rulebook=path, notices=notices, data=data)
    keep_remains(data, snapshot, None, bytes(32))
    shutil.rmtree(data / "snapshots" / snapshot)
    with pytest.raises(InputRefused, match=r"rules_work_backwards.*commitment_kept"):
        lint_command(rulebook=path, notices=notices, data=data)


def test_lint_accepts_the_edition_in_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    lint_command()
    assert "keep every promise" in capsys.readouterr().out
