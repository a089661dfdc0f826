"""Who moves under other rules, in aggregate: nobody can be found in it."""

from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from api.commands import app
from api.commands.build import build
from scoring.catalogue import load_catalogue, published_document
from scoring.errors import InputRefused
from scoring.history.moves import Moves, moves, read_move_limits
from scoring.rulebook.load import RULEBOOK_PATH
from tests.build.random_city import AS_OF, random_city
from tests.road.road import Road
from tests.support.lake import build_snapshot, write_export, write_lake


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random city built with the keys of a data directory."""
    folder = tmp_path_factory.mktemp("moves")
    Road(folder)
    city = random_city(people=400, enrolled=300, records=4_000, seed=3)
    departments = [
        d.code for e in published_document(load_catalogue()).items for d in e.departments
    ]
    known = [record for record in city.records if record.department in departments]
    write_lake(folder / "lake", known)
    write_export(folder / "exports" / "1", city.enrolled)
    build(as_of=AS_OF.isoformat(), data=folder)
    return folder


def _law(tmp_path: Path, old: str, new: str) -> Path:
    text = RULEBOOK_PATH.read_text("utf-8")
    assert old in text
    path = tmp_path / "next.toml"
    path.write_text(text.replace(old, new), "utf-8")
    return path


def _diff(data: Path, *places: Path, **options: str) -> Moves:
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    asked = ["score", "diff", *map(str, places), "--data", str(data), "--json", *words]
    done = CliRunner().invoke(app, asked, catch_exceptions=False)
    assert done.exit_code == 0
    return msgspec.json.decode(done.output, type=Moves)


def test_a_harder_rule_moves_people_down_and_is_material(data: Path, tmp_path: Path) -> None:
    law = _law(tmp_path, "points = -100\n", "points = -180\n")
    found = _diff(data, RULEBOOK_PATH, law)
    assert found.compared == 300
    assert found.raised_share == 0.0
    assert found.lowered_share == found.moved_share
    assert found.moved_share is not None
    assert found.moved_share > 0.05
    assert found.is_material
    assert "largest_points" in found.reasons


def test_the_same_rules_move_nobody(data: Path) -> None:
    found = _diff(data, RULEBOOK_PATH, RULEBOOK_PATH)
    assert (found.moved_share, found.is_material, found.reasons) == (0.0, False, [])
    assert [group.citizens for group in found.changes if group.citizens] == [300]


def test_two_snapshots_that_are_there_are_compared_as_they_are(data: Path) -> None:
    [snapshot] = [path.parent for path in data.glob("snapshots/*/manifest.json")]
    assert _diff(data, Path(snapshot.name), Path(snapshot.name)).moved_share == 0.0


def test_counts_of_the_classes_are_those_of_the_scores(tmp_path: Path) -> None:
    city = random_city(people=300, enrolled=300, records=3_000, seed=4)
    old = build_snapshot(tmp_path, records=city.records[:1500], enrolled=city.enrolled, as_of=AS_OF)
    new = build_snapshot(tmp_path, records=city.records, enrolled=city.enrolled, as_of=AS_OF)
    found = moves(old.folder, new.folder, read_move_limits())
    before, after = old.scores(), new.scores()
    for group in found.changes:
        low = -2000 if group.from_ is None else group.from_
        high = 2000 if group.to is None else group.to
        count = sum(low <= after[who] - before[who] <= high for who in before)
        assert group.citizens in (None, count)
        assert group.citizens is None or group.citizens == 0 or group.citizens >= 10
    assert sum(group.citizens or 0 for group in found.changes) <= found.compared


def test_groups_below_ten_are_never_compared(tmp_path: Path) -> None:
    city = random_city(people=9, enrolled=9, records=90, seed=5)
    built = build_snapshot(tmp_path, records=city.records, enrolled=city.enrolled, as_of=AS_OF)
    with pytest.raises(InputRefused, match="too_few_compared"):
        moves(built.folder, built.folder, read_move_limits())


def test_a_rulebook_that_lint_refuses_is_not_compared(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing is built for the other one meanwhile."""
    monkeypatch.setattr("scoring.build.build", None)
    written = "announced_on = 2025-11-01\npoints = 12"
    law = _law(tmp_path, written, written.replace("2025", "2026"))
    asked = ["score", "diff", str(RULEBOOK_PATH), str(law), "--data", str(data)]
    refused = CliRunner().invoke(app, asked)
    assert isinstance(refused.exception, InputRefused)
    assert refused.exception.code == "lint_refused"
