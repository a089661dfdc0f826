"""Who joins, disputes or leaves is right in the served version before the next build: real ledger,
real lake, real store."""

import datetime as dt
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.commands import app
from api.commands.decision import SnapshotFolder
from api.commands.overlay import overlay_of
from scoring.contract.pseudonyms import snapshot_subject_of
from scoring.contract.snapshot import (
    HISTORY_CAUSES,
    ITEM_STATUSES,
    OVERLAY_POSITION_FIELD,
    ExplanationItem,
    day_of,
    field_of,
    live_key,
    overlay_key,
)
from scoring.errors import VerificationFailed
from scoring.overlay.lay import last_run, lay
from scoring.overlay.overlay import Laid
from scoring.overlay.rebuild import OverlaidCitizen
from scoring.publish.pointers import rollback, served_id
from scoring.publish.prune import prune
from scoring.store.connection import StoreConnection
from tests.overlay.town import AS_OF, NEXT_DAY, Town
from tests.support.stores import fill_to_the_brim, stray_keys


def test_who_joins_has_the_score_the_next_build_gives_her(town: Town) -> None:
    assert town.records("rich") is None
    position = town.join("rich")
    assert town.round() == Laid(snapshot=town_snapshot(town), position=position, citizens=1)
    overlaid = town.records("rich")
    assert overlaid is not None
    assert overlaid[0] > 600
    assert [HISTORY_CAUSES[row.cause_index] for row in overlaid[2]] == ["enrolment"]
    town.publish_next()
    built = town.records("rich")
    assert built is not None
    assert built[:2] == overlaid[:2]


def test_a_round_that_ended_well_is_told_with_its_size_and_the_store_s_time(town: Town) -> None:
    with StoreConnection.open(town.store.url) as connection:
        began = int(connection.call("TIME")[0])
        assert last_run(connection) is None
        position = town.join("rich")
        for citizens in (1, 0):  # the second has nothing to do, and ended well all the same
            laid = town.round()
            assert laid is not None
            assert laid.citizens == citizens
            run = last_run(connection)
            assert run is not None
            assert (run.snapshot, run.position, run.citizens) == (laid.snapshot, position, 1)
            assert began <= run.at_seconds <= int(connection.call("TIME")[0])
        town.publish_next()
        assert last_run(connection) == run  # of the version before, until the next round
        town.round()
        after = last_run(connection)
        assert after is not None
        assert (after.snapshot, after.citizens) == (town_snapshot(town), 0)


def town_snapshot(town: Town) -> str:
    with StoreConnection.open(town.store.url) as connection:
        return str(served_id(connection))


def _worst(town: Town, code: str) -> ExplanationItem:
    records = town.records(code)
    assert records is not None
    return min(records[1], key=lambda item: item.points)


def test_a_disputed_record_stops_counting_and_counts_again_once_decided(town: Town) -> None:
    before = town.records("disputed")
    assert before is not None
    worst = _worst(town, "disputed")
    assert worst.points < 0
    town.dispute("disputed", worst.record_id)
    town.round()
    disputed = town.records("disputed")
    assert disputed is not None
    state = next(item for item in disputed[1] if item.record_id == worst.record_id)
    assert (ITEM_STATUSES[state.status_index], state.points) == ("disputed", 0)
    newest = disputed[2][0]
    assert (HISTORY_CAUSES[newest.cause_index], newest.record_id) == ("dispute", worst.record_id)
    assert newest.change_points == disputed[0] - before[0] > 0
    assert newest.day is not None
    assert day_of(newest.day) == NEXT_DAY

    town.decide("disputed", "rejected")
    town.round()
    assert town.records("disputed") == before


def test_a_decision_of_before_and_one_of_after_an_overlay_can_be_repeated(town: Town) -> None:
    """Snapshot files and the overlay's journal give the scores that were served at both moments."""
    before = town.records("disputed")
    assert before is not None
    snapshot, subject = town_snapshot(town), town.cast["disputed"]
    earlier_ms = int(time.time() * 1_000) - 1
    town.dispute("disputed", _worst(town, "disputed").record_id)
    town.round()
    overlaid = town.records("disputed")
    assert overlaid is not None
    later_ms = int(time.time() * 1_000) + 1
    kept = [SnapshotFolder(town.road.data, snapshot, at) for at in (earlier_ms, later_ms)]
    assert [one.score_points(subject) for one in kept] == [before[0], overlaid[0]]
    assert before[0] != overlaid[0]


def test_the_next_build_after_a_dispute_is_the_overlay_before_it(town: Town) -> None:
    town.dispute("disputed", _worst(town, "disputed").record_id)
    town.round()
    overlaid = town.records("disputed")
    assert overlaid is not None
    town.publish_next()
    built = town.records("disputed")
    assert built is not None
    assert built[:2] == overlaid[:2]
    causes = [HISTORY_CAUSES[row.cause_index] for row in built[2]]
    assert causes == ["dispute", "enrolment"]


def test_a_round_again_and_a_second_overlay_change_nothing(town: Town) -> None:
    town.join("rich")
    first = town.round()
    stored = town.raw()
    assert town.round() == Laid(snapshot=first.snapshot, position=first.position, citizens=0)
    other = overlay_of(town.road.data)
    with StoreConnection.open(town.store.url) as connection:
        connection.call("HDEL", overlay_key(first.snapshot), OVERLAY_POSITION_FIELD)
        assert other.round(connection) == first
    assert town.raw() == stored


def test_who_leaves_is_gone_and_does_not_come_back(town: Town) -> None:
    town.join("rich")
    town.round()
    town.leave("rich")
    town.round()
    assert town.records("rich") is None
    town.round()
    assert town.records("rich") is None
    town.join("rich")
    town.round()
    assert town.records("rich") is not None


def test_a_withdrawal_marked_meanwhile_wins_over_what_was_built_before_it(town: Town) -> None:
    position = town.join("rich")
    name = snapshot_subject_of(town.key, town.cast["rich"])
    with StoreConnection.open(town.store.url) as connection:
        connection.call("SET", live_key(name), f"w:{position + 1}")
    town.round()
    assert town.records("rich") is None


def test_an_older_position_never_replaces_a_newer_one(town: Town) -> None:
    """An overlay that slept between reading the ledger and writing."""
    name = snapshot_subject_of(town.key, town.cast["over"])
    before = town.records("over")
    snapshot = town_snapshot(town)
    with StoreConnection.open(town.store.url) as connection:
        connection.call("HSET", overlay_key(snapshot), field_of(name), 50)
        late = OverlaidCitizen(snapshot_subject=name, bucket=0, hot="x", explanation="x")
        assert lay(connection, snapshot, 49, [late])
    assert town.records("over") == before


def test_nothing_is_written_over_a_version_no_longer_served(town: Town) -> None:
    snapshot = town_snapshot(town)
    town.publish_next(NEXT_DAY)
    stored = town.raw()
    name = snapshot_subject_of(town.key, town.cast["over"])
    late = OverlaidCitizen(snapshot_subject=name, bucket=0, hot="x", explanation="x", history="x")
    with StoreConnection.open(town.store.url) as connection:
        assert not lay(connection, snapshot, 99, [late])
    assert town.raw() == stored


def test_after_a_rollback_the_older_version_catches_up(town: Town) -> None:
    town.publish_next(NEXT_DAY)
    town.join("rich")
    town.round()
    with StoreConnection.open(town.store.url) as connection:
        rollback(connection)
    assert town.records("rich") is None
    assert town.round().citizens == 1
    assert town.records("rich") is not None


def test_after_the_store_lost_everything_the_overlay_comes_back(town: Town) -> None:
    town.join("rich")
    town.round()
    overlaid = town.raw()
    with StoreConnection.open(town.store.url) as connection:
        connection.call("FLUSHALL")
        assert overlay_of(town.road.data).round(connection) is None
    town.road.publish(town.road.data / "snapshots" / snapshots(town)[0], town.store.url)
    town.round()
    assert town.raw() == overlaid


def snapshots(town: Town) -> list[str]:
    return [path.parent.name for path in town.road.data.glob("snapshots/*/manifest.json")]


def test_a_full_store_still_stops_counting_a_disputed_record(town: Town) -> None:
    before = town.records("disputed")
    town.dispute("disputed", _worst(town, "disputed").record_id)
    with StoreConnection.open(town.store.url) as connection:
        fill_to_the_brim(connection)
        town.overlay.round(connection)
    assert before is not None
    after = town.records("disputed")
    assert after is not None
    assert after[0] > before[0]


def test_pruning_takes_the_overlay_along(town: Town) -> None:
    town.join("rich")
    town.round()
    for days in range(1, 4):
        town.publish_next(AS_OF + dt.timedelta(days=days))
    with StoreConnection.open(town.store.url) as connection:
        prune(connection)
        assert stray_keys(connection) == set()
        assert len({key for key in town.raw() if key.startswith("o:")}) == 0


def test_a_changed_lake_file_is_never_laid_over_anything(town: Town, tmp_path: Path) -> None:
    town.join("rich")
    lake = tmp_path / "lake"
    source = lake.resolve()
    lake.unlink()
    copied_tree(source, lake)
    for file in list(lake.rglob("facts/**/*.parquet"))[:1]:
        file.write_bytes(file.read_bytes() + b" ")
    with pytest.raises(VerificationFailed, match="lake_differs"):
        town.round()
    assert town.records("rich") is None


def copied_tree(source: Path, target: Path) -> None:
    for file in source.rglob("*"):
        if file.is_file():
            copy = target / file.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.read_bytes())


def test_the_command_does_one_round(town: Town) -> None:
    town.join("rich")
    arguments = ["overlay", "--data", str(town.road.data), "--store", town.store.url, "--once"]
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert (done.exit_code, "1 citizens" in done.output) == (0, True)
    assert town.records("rich") is not None
