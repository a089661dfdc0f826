"""The monthly report: what is counted, and that nobody can solve its totals for a hidden cell."""

import asyncio
import csv
import datetime as dt
import io
import json
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from api.accesses.events import access_draft
from api.accesses.protocol import AccessEvent
from api.commands import app
from api.ledger.sqlite import ledger_path, open_ledger
from api.reports.report import csv_of, report_of
from api.reports.suppression import K, Shown, shown_of
from api.reports.usage import Cell, Use, month_of
from scoring.errors import ChengxinError, InputRefused

OCTOBER = (
    int(dt.datetime(2026, 10, 1, tzinfo=dt.timezone(dt.timedelta(hours=8))).timestamp()) * 1000
)
BUS, RIDE = "city_bus", "xinyixing_ride_later"


def use(count: int, citizens: int | None = None, name: str = "") -> Use:
    people = count if citizens is None else citizens
    return Use(count=count, citizens={f"{name}{number}" for number in range(people)})


def known_cells(shown: Shown) -> set[Cell]:
    """What an attacker can work out: Gaussian elimination over the published sums alone."""
    hidden = [cell for cell, count in shown.cells.items() if count is None]
    rows = []
    for total in [*shown.totals, None]:
        value = shown.total if total is None else shown.totals[total]
        if value is not None:
            rows.append([Fraction(total is None or cell[0] == total) for cell in hidden])
    done = 0
    for column in range(len(hidden)):
        pivot = next((r for r in range(done, len(rows)) if rows[r][column]), None)
        if pivot is None:
            continue
        rows[done], rows[pivot] = rows[pivot], rows[done]
        rows[done] = [value / rows[done][column] for value in rows[done]]
        for r, row in enumerate(rows):
            if r != done and row[column]:
                rows[r] = [a - row[column] * b for a, b in zip(row, rows[done], strict=True)]
        done += 1
    solved = [row for row in rows[:done] if sum(value != 0 for value in row) == 1]
    return {hidden[row.index(1)] for row in solved}


def derived_sums(shown: Shown) -> list[list[Cell]]:
    """Sets of hidden cells whose sum follows from the shown figures."""
    hidden = [cell for cell, count in shown.cells.items() if count is None]
    sets = [[c for c in hidden if c[0] == p] for p, v in shown.totals.items() if v is not None]
    if shown.total is not None:
        sets.append([c for c in hidden if shown.totals[c[0]] is None])
    return [cells for cells in sets if cells]


def test_the_attacker_of_this_test_does_find_what_is_badly_hidden() -> None:
    cells: dict[Cell, int | None] = {("a", "x", "check"): None, ("a", "y", "check"): 40}
    badly = Shown(cells=cells, totals={"a": 43}, total=43)
    assert known_cells(badly) == {("a", "x", "check")}


def test_a_small_cell_takes_another_one_with_it() -> None:
    uses = {
        ("a", "x", "check"): use(3),
        ("a", "y", "check"): use(40),
        ("a", "z", "check"): use(90, name="z"),
        ("b", "x", "check"): use(50, name="b"),
    }
    shown = shown_of(uses)
    assert shown.cells == {
        ("a", "x", "check"): None,
        ("a", "y", "check"): None,
        ("a", "z", "check"): 90,
        ("b", "x", "check"): 50,
    }
    assert shown.totals == {"a": 133, "b": 50}
    assert shown.total == 183


def test_with_nothing_to_hide_everything_is_shown() -> None:
    uses = {("a", "x", "check"): use(K), ("a", "y", "check"): use(0), ("b", "x", "check"): use(99)}
    assert None not in [*shown_of(uses).cells.values(), *shown_of(uses).totals.values()]
    assert shown_of(uses).total == K + 99


def test_many_uses_by_few_citizens_are_hidden_too() -> None:
    uses = {("a", "x", "check"): use(500, citizens=9), ("b", "y", "check"): use(500, name="b")}
    shown = shown_of(uses)
    assert shown.cells["a", "x", "check"] is None
    assert shown.totals["a"] is None
    assert known_cells(shown) == set()


_uses = st.dictionaries(
    st.tuples(
        st.sampled_from("abcd"), st.sampled_from("xyz"), st.sampled_from(["check", "voucher"])
    ),
    st.tuples(st.integers(0, 60), st.integers(1, 30), st.integers(0, 40)),
    min_size=1,
)


@settings(max_examples=400, deadline=None)
@given(_uses)
def test_no_table_can_be_solved_for_a_hidden_cell(drawn: dict[Cell, tuple[int, int, int]]) -> None:
    uses = {
        cell: Use(count=count, citizens={str(first + n) for n in range(min(count, people))})
        for cell, (count, people, first) in drawn.items()
    }
    shown = shown_of(uses)
    for cell, value in shown.cells.items():
        assert value in {None, uses[cell].count}
        assert value is None or not 0 < len(uses[cell].citizens) < K
    assert known_cells(shown) == set()
    for cells in derived_sums(shown):
        assert sum(uses[cell].count for cell in cells) >= 2 * K
        assert len(set().union(*(uses[cell].citizens for cell in cells))) >= K


@settings(max_examples=100, deadline=None)
@given(_uses)
def test_what_is_shown_adds_up_with_what_is_hidden(
    drawn: dict[Cell, tuple[int, int, int]],
) -> None:
    uses = {cell: use(count, name=f"{cell}") for cell, (count, _, _) in drawn.items()}
    shown = shown_of(uses)
    for partner, total in shown.totals.items():
        true = sum(u.count for cell, u in uses.items() if cell[0] == partner)
        assert total in {None, true}
    assert shown.total in {None, sum(u.count for u in uses.values())}


def access(number: int, at_ms: int, **changes: object) -> AccessEvent:
    values: dict[str, object] = {
        "subject": f"citizen{number:015d}",
        "at_ms": at_ms,
        "initiator_kind": "partner",
        "initiator": BUS,
        "purpose": "xinyixing_pay_later",
        "legal_basis": "合作协议",
        "policy": RIDE,
        "consent_id": None,
        "response_digest": "0" * 64,
        **changes,
    }
    return AccessEvent(**values)  # type: ignore[arg-type]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    events = [access(n, OCTOBER + n) for n in range(25)]
    events += [access(n, OCTOBER - 1) for n in range(40)]  # September's last millisecond
    events += [access(n, OCTOBER + 31 * 86_400_000) for n in range(40)]  # November's first
    own = {"initiator_kind": "citizen", "initiator": "citizen", "on_behalf_of": BUS}
    events += [access(n, OCTOBER, purpose="own_voucher", **own) for n in range(30)]
    events += [access(n, OCTOBER, initiator_kind="staff", initiator="office") for n in range(30)]
    events += [
        access(n, OCTOBER, initiator="city_parking", policy="xinyixing_park_later")
        for n in range(3)
    ]

    async def write() -> None:
        path = ledger_path(tmp_path)
        path.parent.mkdir(parents=True, exist_ok=True)
        ledger = await open_ledger(path)
        try:
            await ledger.append_many([access_draft(event) for event in events])
        finally:
            await ledger.close()

    asyncio.run(write())
    return tmp_path


def run(data: Path, *words: str) -> bytes:
    result = CliRunner().invoke(app, ["report", "benefits", f"--data={data}", *words])
    if isinstance(result.exception, ChengxinError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout_bytes


def test_the_command_counts_the_month_by_partner_benefit_and_channel(data: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(run(data, "--month=2026-10").decode())))
    cells = {(r["partner"], r["policy"], r["channel"]): r["uses"] for r in rows}
    assert cells[BUS, RIDE, "voucher"] == "30"
    assert cells["city_parking", "xinyixing_park_later", "check"] == ""
    assert cells["city_parking", "*", "*"] == ""
    assert cells[BUS, RIDE, "check"] == cells[BUS, "*", "*"] == ""  # else 58 less these told the 3
    assert cells["*", "*", "*"] == "58"
    assert cells["city_library", "xinyiyue_deposit_free", "check"] == "0"


def test_csv_and_json_say_the_same_twice(data: Path) -> None:
    first, again = (run(data, "--month=2026-10", "--format=json") for _ in range(2))
    assert first == again
    report = json.loads(first)
    rows = list(csv.DictReader(io.StringIO(run(data, "--month=2026-10").decode())))
    listed = [r for r in rows if r["policy"] != "*"]
    assert [str(r["uses"] or 0) for r in report["rows"]] == [r["uses"] or "0" for r in listed]
    assert report["suppressed_below"] == K
    assert b"citizen0" not in first


def test_a_file_is_written_whole(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.csv"
    run(data, "--month=2026-10", f"--out={out}")
    assert out.read_bytes() == run(data, "--month=2026-10")


@pytest.mark.parametrize("month", ["2026-13", "2026-1", "October", "", "0000-01", "2026-10-01"])
def test_what_is_no_month_is_refused(data: Path, month: str) -> None:
    with pytest.raises(InputRefused, match="month_unreadable"):
        run(data, f"--month={month}")


def test_december_ends_with_the_year() -> None:
    start, end = month_of("2026-12")
    assert end - start == 31 * 86_400_000


def test_hidden_is_empty_in_csv() -> None:
    uses = {("a", "x", "check"): use(3), ("b", "y", "check"): use(4, name="b")}
    lines = csv_of(report_of("2026-10", shown_of(uses))).decode().splitlines()
    assert lines[1:] == [
        "2026-10,a,x,check,",
        "2026-10,b,y,check,",
        "2026-10,a,*,*,",
        "2026-10,b,*,*,",
        "2026-10,*,*,*,",
    ]
