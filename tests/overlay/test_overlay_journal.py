"""What was laid over a snapshot is kept, so that a decision of that day can be repeated."""

from pathlib import Path

import pytest

from scoring.contract.snapshot import bucket_of, tag_of
from scoring.overlay.journal import journal_path, laid_before, note
from scoring.overlay.rebuild import OverlaidCitizen

SNAPSHOT = "20260115-00000001"
WHO, OTHER = "A" * 22, "B" * 22


def citizen(subject: str, score: int | None) -> OverlaidCitizen:
    hot = "" if score is None else f"{tag_of(subject)}{score},1"
    return OverlaidCitizen(snapshot_subject=subject, bucket=bucket_of(subject, 4), hot=hot)


def score_at(folder: Path, at_ms: int, subject: str = WHO) -> int | None:
    laid = laid_before(folder, SNAPSHOT, subject, at_ms=at_ms)
    assert laid is not None
    record = laid.record()
    return None if record is None else record.score_points


@pytest.fixture
def overlays(tmp_path: Path) -> Path:
    folder = tmp_path / "overlays"
    note(folder, SNAPSHOT, 5, [citizen(WHO, 700), citizen(OTHER, 610)], at_ms=1_000)
    note(folder, SNAPSHOT, 9, [citizen(WHO, 640)], at_ms=2_000)
    note(folder, SNAPSHOT, 12, [citizen(WHO, None)], at_ms=3_000)
    return folder


def test_what_lay_at_a_moment_is_found_again(overlays: Path) -> None:
    assert laid_before(overlays, SNAPSHOT, WHO, at_ms=999) is None
    assert [score_at(overlays, at) for at in (1_000, 1_999, 2_000, 3_000)] == [700, 700, 640, None]
    assert score_at(overlays, 9_999, OTHER) == 610


def test_an_older_position_laid_later_is_not_what_lies(overlays: Path) -> None:
    note(overlays, SNAPSHOT, 7, [citizen(OTHER, 500)], at_ms=4_000)
    note(overlays, SNAPSHOT, 6, [citizen(OTHER, 900)], at_ms=5_000)
    assert score_at(overlays, 6_000, OTHER) == 500


def test_a_line_cut_by_a_crash_costs_no_other(overlays: Path) -> None:
    path = journal_path(overlays, SNAPSHOT)
    path.write_bytes(path.read_bytes() + b'{"at_ms":4000,"posi')
    note(overlays, SNAPSHOT, 20, [citizen(WHO, 720)], at_ms=5_000)
    assert score_at(overlays, 4_500) is None
    assert score_at(overlays, 5_000) == 720


def test_another_snapshot_has_its_own(overlays: Path) -> None:
    assert laid_before(overlays, "20260116-00000001", WHO, at_ms=9_999) is None


def test_only_the_service_s_account_may_read_it(overlays: Path) -> None:
    assert overlays.stat().st_mode & 0o077 == 0
    assert journal_path(overlays, SNAPSHOT).stat().st_mode & 0o077 == 0
