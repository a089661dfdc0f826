"""A lake and the door in front of it."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from scoring.catalogue import Catalogue, load_catalogue
from scoring.ingest import IngestReport, ingest_file
from scoring.lake.manifest import read_manifest
from tests.ingest.city_files import LAKE_KEY


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return tmp_path / "lake"


@pytest.fixture
def ingest(lake: Path, catalogue: Catalogue) -> Callable[[Path], IngestReport]:
    def run(file: Path) -> IngestReport:
        return ingest_file(file, lake=lake, catalogue=catalogue, lake_key=LAKE_KEY)

    return run


def lake_facts(lake: Path, without: tuple[str, ...] = ()) -> pl.DataFrame:
    """All facts the manifest names, ordered."""
    paths = [part.path for file in read_manifest(lake).files for part in file.parts]
    frames = [pl.read_parquet(lake / path, hive_partitioning=False) for path in paths]
    return pl.concat(frames).drop(without).sort("sequence", "line")


def lake_digest(lake: Path) -> dict[str, str]:
    """SHA-256 of every file in the lake but its lock."""
    files = sorted(path for path in lake.rglob("*") if path.is_file() and path.name != ".lock")
    return {
        str(path.relative_to(lake)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }
