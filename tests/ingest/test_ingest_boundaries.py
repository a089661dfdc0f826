"""The first and the last day that count, and a file that does not hold still."""

import csv
import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from scoring.catalogue import Catalogue
from scoring.errors import InputRefused
from scoring.ingest import IngestReport, ingest_file
from tests.ingest.city_files import LAKE_KEY, SENT_ON, as_csv, deliver, good_file, good_rows
from tests.ingest.conftest import lake_digest

Ingest = Callable[[Path], IngestReport]
HONOUR_RETENTION_DAYS = 1_460  # scoring/catalogue/entries/honour.toml


def broken_rules(lake: Path, report: IngestReport) -> list[str]:
    if report.rejects_path is None:
        return []
    with (lake / report.rejects_path).open(encoding="utf-8", newline="") as file:
        return [row["rule"] for row in csv.DictReader(file)]


@pytest.mark.parametrize(
    ("days_before_sending", "rules"),
    [
        (-1, ["in_the_future"]),
        (0, []),
        (HONOUR_RETENTION_DAYS - 1, []),
        (HONOUR_RETENTION_DAYS, ["past_retention"]),
    ],
)
def test_days_from_the_last_one_kept_to_the_day_of_sending_are_taken(
    tmp_path: Path,
    lake: Path,
    ingest: Ingest,
    days_before_sending: int,
    rules: list[str],
) -> None:
    rows = good_rows("honour")
    rows[5]["SY_RQ"] = (SENT_ON - dt.timedelta(days=days_before_sending)).strftime("%Y/%m/%d")
    report = ingest(deliver(tmp_path / "in", "honour", as_csv("honour", rows)))
    assert broken_rules(lake, report) == rules


def test_a_file_written_to_while_it_is_read_is_refused(
    tmp_path: Path, lake: Path, catalogue: Catalogue
) -> None:
    file = deliver(tmp_path / "in", "honour", good_file("honour"))

    def write_on(_: int) -> None:
        with file.open("ab") as sender:
            sender.write(b"\n")

    with pytest.raises(InputRefused, match="file_changed"):
        ingest_file(file, lake=lake, catalogue=catalogue, lake_key=LAKE_KEY, on_rows=write_on)
    assert not [path for path in lake_digest(lake) if path.endswith(".parquet")]
