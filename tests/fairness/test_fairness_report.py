"""Rates of groups that are never inputs: exact, suppressed below ten, and a limit that bites."""

import datetime as dt
import json
import sys
from pathlib import Path

import polars as pl
import pytest

from api.commands import main
from scoring.benefits import benefits_document, load_benefits
from scoring.city.people import people_frame
from scoring.contract.documents import Benefit
from scoring.contract.pseudonyms import subject_of
from scoring.fairness import compare
from scoring.fairness.groups import GROUPS, control_groups, groups_of_city
from tests.support.lake import Record, build_snapshot, record_id, subject

AS_OF = dt.date(2026, 11, 1)
BENEFIT = benefits_document(load_benefits(), AS_OF).items[0]
PEOPLE = 400


def _world(*groups: tuple[str, int, int]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Scores and groups of (name, people, of them with the benefit)."""
    scores, members = [], []
    for name, people, eligible in groups:
        for number in range(people):
            points = BENEFIT.threshold - (number >= eligible)
            scores.append((f"{name}{number}", points))
            members.append((f"{name}{number}", "d", name))
    return (
        pl.DataFrame(scores, schema=["subject", "score_points"], orient="row"),
        pl.DataFrame(members, schema=GROUPS, orient="row"),
    )


def _compared(*groups: tuple[str, int, int], benefit: Benefit = BENEFIT):
    (found,) = compare(*_world(*groups), [benefit])
    return found


def test_rates_and_their_ratio_are_exact() -> None:
    found = _compared(("a", 200, 150), ("b", 1000, 600))
    assert [(g.group, g.people, g.rate) for g in found.groups] == [
        ("a", 200, 0.75),
        ("b", 1000, 0.6),
    ]
    assert found.ratio == pytest.approx(0.8)
    assert found.is_fair


def test_a_ratio_below_four_fifths_is_not_fair() -> None:
    assert not _compared(("a", 200, 150), ("b", 1000, 599)).is_fair


@pytest.mark.parametrize(
    ("people", "eligible", "shown"),
    [(9, 5, (None, None)), (300, 9, (300, None)), (300, 291, (300, None)), (20, 10, (20, 0.5))],
)
def test_fewer_than_ten_people_are_never_counted_out(
    people: int, eligible: int, shown: tuple[int | None, float | None]
) -> None:
    found = _compared(("a", people, eligible), ("b", 400, 200))
    assert (found.groups[0].people, found.groups[0].rate) == shown
    if found.groups[0].is_judged:
        assert found.ratio is None  # it would give the hidden rate away


def test_a_small_group_is_shown_and_not_judged() -> None:
    found = _compared(("a", 99, 11), ("b", 400, 200))
    assert found.groups[0].is_judged is False
    assert (found.ratio, found.is_fair) == (None, True)


def test_a_hidden_rate_is_judged_all_the_same() -> None:
    assert not _compared(("a", 300, 3), ("b", 400, 200)).is_fair


def test_a_ratio_that_chance_explains_is_shown_and_not_called_unfair() -> None:
    """4 and 6 in a hundred of 500: groups drawn by lot differ by as much now and then."""
    found = _compared(("a", 500, 20), ("b", 500, 30))
    assert found.ratio == pytest.approx(2 / 3)
    assert found.is_fair
    assert not _compared(("a", 50_000, 2_000), ("b", 50_000, 3_000)).is_fair


def test_between_large_groups_the_ratio_alone_decides() -> None:
    """400 people of each would have the benefit at the rate of all; 3.2 standard errors lie between
    the two, which would be let pass between smaller groups."""
    large = _compared(("a", 20_000, 355), ("b", 20_000, 445))
    assert [group.is_large for group in large.groups] == [True, True]
    assert large.ratio == pytest.approx(0.798, abs=0.001)
    assert large.standard_error == pytest.approx(0.056, abs=0.001)
    assert not large.is_fair
    assert _compared(("a", 20_000, 356), ("b", 20_000, 445)).is_fair  # four fifths are four fifths
    smaller = _compared(("a", 3_000, 270), ("b", 3_000, 340))
    assert [group.is_large for group in smaller.groups] == [False, False]
    assert smaller.ratio == pytest.approx(0.794, abs=0.001)
    assert smaller.is_fair


def test_a_small_group_beside_large_ones_does_not_make_them_unfair() -> None:
    found = _compared(("a", 200, 12), ("b", 9_000, 900), ("c", 9_000, 880))
    assert [group.is_large for group in found.groups] == [False, True, True]
    assert found.ratio == pytest.approx(0.6)
    assert found.is_fair


def test_a_group_that_is_behind_is_not_hidden_by_a_small_one_further_behind() -> None:
    assert not _compared(("a", 100, 35), ("b", 2_000, 800), ("c", 2_000, 1_200)).is_fair


def test_groups_drawn_by_lot_are_fair() -> None:
    everybody = pl.DataFrame(
        {
            "subject": [f"s{number}" for number in range(4_000)],
            "score_points": [BENEFIT.threshold - (number % 50 != 0) for number in range(4_000)],
        }
    )
    for key in range(100):
        control = control_groups(everybody["subject"], key.to_bytes(32, "big"))
        (found,) = compare(everybody, control, [BENEFIT])
        assert found.is_fair, key


def test_where_nobody_has_the_benefit_nobody_is_behind() -> None:
    assert _compared(("a", 300, 0), ("b", 400, 0)).is_fair


def test_groups_of_the_city_follow_its_id_numbers_and_leave_minors_out_of_the_age_bands() -> None:
    key = b"\x05" * 32
    found = groups_of_city(200, 3, AS_OF, key)
    by_subject = {(s, d): g for s, d, g in found.iter_rows()}
    ages = set()
    for _, _, id_number, _ in people_frame(3, 0, 200).iter_rows():
        subject_text = subject_of(key, id_number)
        expected = "male" if id_number[16] in "13579" else "female"
        assert by_subject[subject_text, "sex"] == expected
        is_minor = dt.date.fromisoformat(id_number[6:14]) > dt.date(2008, 11, 1)
        assert ((subject_text, "age") in by_subject) is not is_minor
        ages.add(by_subject.get((subject_text, "age")))
    assert ages == {None, "18-29", "30-44", "45-59", "60+"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half of 400 people kept five commitments and have 660 points."""
    folder = tmp_path_factory.mktemp("fairness")
    records = [
        Record(
            subject=subject(person),
            record_id=record_id(person * 5 + number),
            kind="commitment",
            outcome="kept",
            happened_on=dt.date(2026, 6, 1),
        )
        for person in range(0, PEOPLE, 2)
        for number in range(5)
    ]
    build_snapshot(
        folder,
        records=records,
        enrolled=[subject(person) for person in range(PEOPLE)],
        as_of=dt.date(2026, 6, 30),
    )
    (folder / "keys").mkdir()
    (folder / "keys" / "lake.key").write_text("05" * 32, encoding="ascii")
    return folder


def _report(monkeypatch: pytest.MonkeyPatch, data: Path, *words: str) -> int:
    command = ["chengxin", "report", "fairness", "--data", str(data), *words]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


def _groups_file(folder: Path, group_of: list[str]) -> str:
    rows = [f"{subject(person)},d,{group}" for person, group in enumerate(group_of)]
    path = folder / "groups.csv"
    path.write_text("\n".join(["subject,dimension,group", *rows]) + "\n", encoding="utf-8")
    return str(path)


def test_the_command_ends_with_1_where_a_group_is_behind(
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # seven in ten of group b, three in ten of group a kept their commitments
    group_of = ["ab"[(person % 10 < 7) == (person % 2 == 0)] for person in range(PEOPLE)]
    path = _groups_file(tmp_path, group_of)
    assert _report(monkeypatch, data, "--groups", path, "--json") == 1
    printed = capsys.readouterr()
    assert "benefit_unfair" in printed.err
    found = json.loads(printed.out)
    assert any(not each["is_fair"] and each["ratio"] < 0.8 for each in found)


def test_the_command_ends_with_0_where_chance_alone_made_the_groups(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    control = control_groups(pl.Series([subject(p) for p in range(PEOPLE)]), b"\x05" * 32)
    assert control["group"].n_unique() == 4
    assert _report(monkeypatch, data) == 0
    assert "control" in capsys.readouterr().out


@pytest.mark.parametrize(
    "refused",
    [
        ("", "groups_unreadable"),
        ("subject,dimension\na,b\n", "groups_unreadable"),
        ("subject,dimension,group\na,b,\n", "groups_unreadable"),
        ("subject,dimension,group\na,b,c\na,b,d\n", "groups_doubled"),
    ],
)
def test_a_file_of_groups_that_cannot_be_meant_is_refused(
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    refused: tuple[str, str],
) -> None:
    text, code = refused
    path = tmp_path / "groups.csv"
    path.write_text(text, encoding="utf-8")
    assert _report(monkeypatch, data, "--groups", str(path)) == 4
    assert code in capsys.readouterr().err
