"""One small city, and what the door makes of it, for all tests of this folder."""

import datetime as dt
from pathlib import Path

import msgspec
import pytest

from scoring.catalogue.loading import load_catalogue
from scoring.city.generation import CitySummary, generate
from scoring.ingest.door import ingest_file
from scoring.ingest.report import IngestReport

PEOPLE = 10_000
LAKE_KEY = b"city" * 8
AS_OF = dt.date(2026, 11, 22)


class GeneratedCity(msgspec.Struct, frozen=True):
    folder: Path
    summary: CitySummary


@pytest.fixture(scope="session")
def city(tmp_path_factory: pytest.TempPathFactory) -> GeneratedCity:
    folder = tmp_path_factory.mktemp("city")
    return GeneratedCity(folder, generate(people=PEOPLE, seed=7, out=folder, as_of=AS_OF))


class FilledLake(msgspec.Struct, frozen=True):
    folder: Path
    reports: list[IngestReport]


@pytest.fixture(scope="session")
def lake(city: GeneratedCity, tmp_path_factory: pytest.TempPathFactory) -> FilledLake:
    folder = tmp_path_factory.mktemp("lake")
    catalogue = load_catalogue()
    reports = [
        ingest_file(city.folder / file.path, lake=folder, catalogue=catalogue, lake_key=LAKE_KEY)
        for file in city.summary.files
    ]
    return FilledLake(folder, reports)
