"""Known answers: files of which every figure can be counted by hand."""

import csv
import datetime as dt
import io
import json
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from typer.testing import CliRunner

from api.commands import app
from scoring.calendar.working_days import load_calendar
from scoring.catalogue import load_catalogue
from scoring.errors import ChengxinError, InputRefused
from scoring.ingest import ingest_file
from scoring.lake.manifest import read_manifest, write_manifest
from scoring.quality import (
    coverage,
    figures,
    load_deadlines,
    read_deliveries,
    recounted,
    rejects_by_rule,
)
from tests.ingest.city_files import LAKE_KEY, as_csv, deliver, good_rows

# Decided on Friday 2025-09-26 it is due on Monday 2025-10-13 (with 09-28 and 10-11 worked, 10-01 to
# 10-08 off), decided the day before on the Saturday that is worked.
SENT_ON = dt.date(2025, 10, 13)
IN_TIME, TOO_LATE = "2025/09/26", "2025/09/25"
ROWS, REQUIRED_COLUMNS = 24, 16


def penalties() -> bytes:
    """24 rows: two with one number, one without its reason; of the 21 others 4 are too late."""
    rows = good_rows("penalty", ROWS)
    for number, row in enumerate(rows):
        row["CF_JDRQ"] = TOO_LATE if number < 4 else IN_TIME
    rows[20]["CF_WSH"] = rows[21]["CF_WSH"]
    rows[22]["CF_SY"] = ""
    return as_csv("penalty", rows)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Penalties in October, honours in November."""
    for kind, content, day in [
        ("penalty", penalties(), SENT_ON),
        ("honour", as_csv("honour", good_rows("honour", 10)), dt.date(2026, 11, 2)),
    ]:
        file = deliver(tmp_path / "in" / kind, kind, content, sent_on=day)
        ingest_file(file, lake=tmp_path / "lake", catalogue=load_catalogue(), lake_key=LAKE_KEY)
    return tmp_path


def counted(data: Path, period: Any = "month") -> list[dict[str, Any]]:
    deliveries = read_deliveries(data / "lake", load_catalogue())
    return figures(deliveries, period, load_deadlines(), load_calendar()).to_dicts()


def test_every_figure_of_a_file_that_was_counted_by_hand(data: Path) -> None:
    first, second = counted(data)
    assert first == {
        "period": dt.date(2025, 10, 1),
        "department": "market_regulation",
        "kind": "penalty",
        "files": 1,
        "submitted": 24,
        "accepted": 21,
        "rejected": 3,
        "timed": 21,
        "late": 4,
        "required_cells": ROWS * REQUIRED_COLUMNS,
        "missing_cells": 1,
        "duplicates": 2,
    }
    assert second["period"] == dt.date(2026, 11, 1)
    # Honours have no term: none is in time and none is late.
    assert [second[name] for name in ("submitted", "rejected", "timed", "late")] == [10, 0, 0, 0]


@pytest.mark.parametrize(
    ("period", "starts"),
    [
        ("day", [dt.date(2025, 10, 13), dt.date(2026, 11, 2)]),
        ("week", [dt.date(2025, 10, 13), dt.date(2026, 11, 2)]),  # both Mondays
        ("month", [dt.date(2025, 10, 1), dt.date(2026, 11, 1)]),
        ("quarter", [dt.date(2025, 10, 1), dt.date(2026, 10, 1)]),
        ("all", [None, None]),
    ],
)
def test_periods_begin_where_the_calendar_says(
    data: Path, period: str, starts: list[dt.date | None]
) -> None:
    assert sorted(row["period"] or dt.date.min for row in counted(data, period)) == sorted(
        start or dt.date.min for start in starts
    )


def test_whatever_the_period_the_sums_are_the_same(data: Path) -> None:
    def sums(period: str) -> dict[str, int]:
        rows = counted(data, period)
        return {name: sum(row[name] for row in rows) for name in rows[0] if name not in NAMES}

    assert sums("day") == sums("quarter") == sums("all")


NAMES = ("period", "department", "kind")


def test_coverage_counts_pairs_that_sent_something(data: Path) -> None:
    catalogue = load_catalogue()
    pairs = sum(len(kind.departments) for kind in catalogue.kinds)
    deliveries = read_deliveries(data / "lake", catalogue)
    rows = figures(deliveries, "all", load_deadlines(), load_calendar())
    assert coverage(rows, catalogue).rows() == [(None, 2, pairs)]


def test_rejects_are_told_by_rule(data: Path) -> None:
    deliveries = read_deliveries(data / "lake", load_catalogue())
    told = rejects_by_rule(deliveries, "all").select("department", "rule", "cells").rows()
    assert told == [("market_regulation", "duplicate", 2), ("market_regulation", "required", 1)]


def test_an_empty_lake_has_no_figures(tmp_path: Path) -> None:
    assert counted(tmp_path) == []
    assert run(tmp_path, "--format", "csv") == "\n"


# --- the command ----------------------------------------------------------------------------------


def run(data: Path, *options: str) -> str:
    done = CliRunner().invoke(app, ["quality", "--data", str(data), *options])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_report_as_json_and_as_csv_say_the_same(data: Path) -> None:
    document = json.loads(run(data, "--format", "json"))
    assert [len(document["coverage"]), document["period"]] == [2, "month"]
    first = document["lines"][0]
    assert first["accepted"] == {"numerator": 21, "denominator": 24, "rate": 0.875}
    assert first["on_time"] == {"numerator": 17, "denominator": 21, "rate": 0.809524}
    assert first["late"]["numerator"] == 4
    assert first["complete"]["rate"] == round(383 / 384, 6)
    assert first["rejects_by_rule"] == {"duplicate": 2, "required": 1}
    assert document["lines"][1]["on_time"]["rate"] is None
    assert {line["unreported"] for line in document["lines"]} == {"unknown"}
    rows = list(csv.DictReader(io.StringIO(run(data, "--format", "csv"))))
    for row, line in zip(rows, document["lines"], strict=True):
        assert (row["department"], row["kind"]) == (line["department"], line["kind"])
        for name in ("accepted", "on_time", "late", "wrong", "complete", "duplicate"):
            assert int(row[f"{name}_numerator"]) == line[name]["numerator"]
            assert int(row[f"{name}_denominator"]) == line[name]["denominator"]


def test_one_department_and_a_table_for_people(data: Path, tmp_path: Path) -> None:
    told = run(data, "--department", "civil_affairs")
    assert "civil_affairs" in told
    assert "market_regulation" not in told
    assert "100.00%" in told
    assert CliRunner().invoke(app, ["quality", "--department", "nobody"]).exit_code == 2
    run(data, "--format", "csv", "--out", str(tmp_path / "report.csv"))
    assert (tmp_path / "report.csv").read_text("utf-8").startswith("period,department")


def test_a_recount_agrees_with_the_manifest(data: Path) -> None:
    assert run(data, "--format", "json", "--recount") == run(data, "--format", "json")
    deliveries = read_deliveries(data / "lake", load_catalogue())
    assert recounted(deliveries).sort("sequence").equals(deliveries.files.sort("sequence"))


def refused(data: Path, *options: str) -> str:
    with pytest.raises(ChengxinError) as error:
        run(data, *options)
    assert error.value.exit_code == 5
    return error.value.code


def test_a_recount_finds_what_the_manifest_hides(data: Path) -> None:
    manifest = read_manifest(data / "lake")
    file = manifest.files[0]
    boasting = msgspec.structs.replace(file, submitted=23, accepted=21, rejected=2)
    write_manifest(
        data / "lake", msgspec.structs.replace(manifest, files=[boasting, *manifest.files[1:]])
    )
    assert refused(data, "--recount") == "lake_counts_differ"
    run(data)  # the sums alone are believed


def test_rows_whose_time_is_over_are_no_fault(data: Path) -> None:
    manifest = read_manifest(data / "lake")
    path = data / "lake" / manifest.files[0].parts[0].path
    rows = pl.read_parquet(path)
    rows.head(rows.height - 1).write_parquet(path)
    lines = json.loads(run(data, "--format", "json", "--recount"))["lines"]
    assert lines[0]["accepted"]["numerator"] == 20


def test_a_reject_list_that_is_gone_is_told(data: Path) -> None:
    (listed,) = (data / "lake" / "rejects").iterdir()
    listed.unlink()
    assert refused(data) == "lake_part_unreadable"


def test_a_part_that_is_gone_is_told(data: Path) -> None:
    (data / "lake" / read_manifest(data / "lake").files[1].parts[0].path).unlink()
    assert refused(data) == "lake_part_unreadable"


def test_terms_are_data_and_refused_when_they_cannot_be_read(tmp_path: Path) -> None:
    assert [deadline.kind for deadline in load_deadlines().deadlines] == ["penalty"]
    assert all("发改办财金" in deadline.legal_basis for deadline in load_deadlines().deadlines)
    (tmp_path / "terms.toml").write_text("version = 1")
    with pytest.raises(InputRefused):
        load_deadlines(tmp_path / "terms.toml")
