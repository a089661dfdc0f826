"""What the departments send: shape, notes, repeatability, and nothing half-written."""

import csv
import datetime as dt
import hashlib
import json
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from scoring.catalogue.loading import load_catalogue
from scoring.city import deliveries
from scoring.city.generation import CitySummary, generate
from scoring.errors import InputRefused
from tests.city.conftest import AS_OF, GeneratedCity


def _hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _small(folder: Path, **changed: object) -> CitySummary:
    options: dict[str, object] = {"people": 1_500, "seed": 7, "as_of": AS_OF, **changed}
    return generate(out=folder, **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> GeneratedCity:
    folder = tmp_path_factory.mktemp("small")
    return GeneratedCity(folder, _small(folder))


def test_the_same_seed_gives_the_same_bytes_whatever_the_chunks(
    small: GeneratedCity, tmp_path: Path
) -> None:
    other = _small(tmp_path, people_per_chunk=331)
    assert _hashes(small.folder) == _hashes(tmp_path)
    assert small.summary.digest == other.digest


@pytest.mark.parametrize("changed", [{"seed": 8}, {"as_of": AS_OF + dt.timedelta(1)}])
def test_another_seed_or_day_gives_another_city(
    small: GeneratedCity, tmp_path: Path, changed: dict[str, object]
) -> None:
    assert small.summary.digest != _small(tmp_path, **changed).digest


def test_files_split_at_a_row_count_and_lose_nothing(
    small: GeneratedCity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "ROWS_PER_FILE", 1_000)
    split = _small(tmp_path)
    assert split.rows == small.summary.rows
    assert max(file.rows for file in split.files) == 1_000
    name = "contract_performance/library"
    pieces = sorted(tmp_path.glob(f"{name}-*.csv"))
    assert len(pieces) > 1
    rows = b"".join(piece.read_bytes().split(b"\n", 1)[1] for piece in pieces)
    assert rows == (small.folder / f"{name}-001.csv").read_bytes().split(b"\n", 1)[1]


def test_every_file_has_the_catalogues_header_and_a_true_note(city: GeneratedCity) -> None:
    catalogue = load_catalogue()
    paths = sorted(city.folder.glob("*/*.csv"))
    assert [str(path.relative_to(city.folder)) for path in paths] == sorted(
        file.path for file in city.summary.files
    )
    for path in paths:
        kind = catalogue.kind(path.parent.name)
        assert kind is not None
        data = path.read_bytes()
        with path.open(encoding="utf-8", newline="") as lines:
            header, *rows = csv.reader(lines)
        assert header == kind.header()
        assert {len(row) for row in rows} == {len(header)}
        note = json.loads(path.with_name(path.name + ".note.json").read_text())
        assert note["rows"] == len(rows)
        assert note["sha256"] == hashlib.sha256(data).hexdigest()
        assert note["department_code"] in kind.departments
        assert path.stem.rsplit("-", 1)[0] == note["department_code"]


def test_all_six_kinds_are_sent(city: GeneratedCity) -> None:
    assert set(city.summary.rows) == {kind.id for kind in load_catalogue().kinds}
    assert min(city.summary.rows.values()) > 0


def test_every_person_and_organisation_in_every_file_is_of_division_990000(
    city: GeneratedCity,
) -> None:
    """By the types of the catalogue, so that a new column of either kind is seen too."""
    places = {"id_number": slice(0, 6), "uscc": slice(2, 8)}
    seen: Counter[str] = Counter()
    for kind in load_catalogue().kinds:
        columns = {field.code: field.type for field in kind.fields if field.type in places}
        for path in sorted((city.folder / kind.id).glob("*.csv")):
            with path.open(encoding="utf-8", newline="") as lines:
                for row in csv.DictReader(lines):
                    seen.update(row[code][places[of]] for code, of in columns.items() if row[code])
    assert set(seen) == {"990000"}
    assert seen.total() > 100_000


def test_documents_are_unique_but_for_those_sent_twice_on_purpose(city: GeneratedCity) -> None:
    for kind in load_catalogue().kinds:
        folder = city.folder / kind.id
        keys = pl.concat(
            [
                pl.read_csv(path, infer_schema=False).select(kind.record_key)
                for path in sorted(folder.glob("*.csv"))
            ]
        )
        twice = city.summary.expected_rejects[kind.id].get("duplicate", 0) // 2
        assert keys.height - keys.n_unique() == twice


def test_weekly_penalties_come_within_seven_days_and_the_late_file_long_after(
    city: GeneratedCity,
) -> None:
    late_rows = 0
    for file in city.summary.files:
        if file.kind != "penalty":
            continue
        rows = pl.read_csv(city.folder / file.path, infer_schema=False)
        decided = rows["CF_JDRQ"].str.to_date("%Y/%m/%d")
        waited_days = (pl.Series([file.sent_on]) - decided).dt.total_days()
        if file.path in city.summary.late_files:
            late_rows += file.rows
            assert waited_days.min() >= 90
        elif file.delivery > 0:
            assert waited_days.max() < 7
        assert waited_days.min() >= 0
    assert late_rows == 6


def test_a_folder_with_deliveries_is_left_alone(tmp_path: Path) -> None:
    _small(tmp_path, people=200)
    before = _hashes(tmp_path)
    with pytest.raises(InputRefused, match="city_exists"):
        _small(tmp_path, people=200, seed=8)
    assert _hashes(tmp_path) == before


def test_a_run_that_breaks_leaves_nothing_that_looks_like_a_delivery(tmp_path: Path) -> None:
    def fall_over(people_done: int, records: int) -> None:
        if people_done:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        _small(tmp_path, on_progress=fall_over, people_per_chunk=500)
    assert _hashes(tmp_path) == {}
    assert _small(tmp_path).rows["penalty"] > 0


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"people": 10}, "city_too_small"),
        ({"people": 20_000_001}, "people_out_of_range"),
        ({"as_of": dt.date(2025, 12, 31)}, "day_out_of_range"),
    ],
)
def test_an_impossible_city_is_refused_before_anything_is_written(
    tmp_path: Path, changed: dict[str, object], code: str
) -> None:
    with pytest.raises(InputRefused, match=code):
        _small(tmp_path / "out", **changed)
    assert not (tmp_path / "out").exists()
