"""One small city for all tests of this folder."""

import datetime as dt
from pathlib import Path

import msgspec
import pytest

from scoring.city.generation import CitySummary, generate

PEOPLE = 10_000
AS_OF = dt.date(2026, 11, 22)


class GeneratedCity(msgspec.Struct, frozen=True):
    folder: Path
    summary: CitySummary


@pytest.fixture(scope="session")
def city(tmp_path_factory: pytest.TempPathFactory) -> GeneratedCity:
    folder = tmp_path_factory.mktemp("city")
    return GeneratedCity(folder, generate(people=PEOPLE, seed=7, out=folder, as_of=AS_OF))
