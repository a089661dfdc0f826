"""What happens in the city: shares, trouble and personas, counted by plain reading of the files."""

import csv
import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator

import pytest
from stdnum.cn import ric, uscc

from scoring.city.people import person
from scoring.city.personas import bearer, designs, personas
from scoring.city.shares import standard_shares
from tests.city.conftest import AS_OF, PEOPLE, FilledLake, GeneratedCity

Row = dict[str, str]
ABOUT = {
    "commitment": "承诺人代码",
    "contract_performance": "XDR_ZJHM",
    "court_obligation": "XDR_ZJHM",
    "penalty": "CF_XDR_ZJHM",
    "honour": "XDR_ZJHM",
    "organisation_register": "TYSHXYDM",
}
CONDUCT = {"提供虚假材料申报", "骗取公共资金", "伪造变造证明文件", "冒领社会保障待遇", "串通投标"}


def _files(city: GeneratedCity, kind: str) -> Iterator[list[Row]]:
    for path in sorted((city.folder / kind).glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as lines:
            yield list(csv.DictReader(lines))


def _rows(city: GeneratedCity, kind: str) -> list[Row]:
    return [row for file in _files(city, kind) for row in file]


def _about_someone_possible(number: str) -> str | None:
    if len(number) == 15 and number.isdigit():
        return "id_number_fifteen_digits"
    if number[-1:] == "x":
        return "id_number_lower_case_x"
    if ric.calc_check_digit(number) != number[-1]:
        return "id_number_check_digit"
    return None


def _is_day(text: str) -> bool:
    try:
        dt.datetime.strptime(text, "%Y/%m/%d")
    except ValueError:
        return False
    return True


def _faults(kind: str, row: Row) -> str | None:
    """One rule a row of the kind breaks by itself, read from the source lists alone."""
    about = row[ABOUT[kind]]
    if kind == "organisation_register":
        return None if uscc.is_valid(about) else "uscc_check_digit"
    if wrong := _about_someone_possible(about):
        return wrong
    checks: dict[str, Callable[[], str | None]] = {
        "commitment": lambda: (
            None
            if row["承诺履行状态"] in ("全部履行", "部分履行", "全部未履行")
            else "value_not_listed"
        ),
        "contract_performance": lambda: None if row["JR_BH"] else "required",
        "court_obligation": lambda: None if _is_day(row["QR_RQ"]) else "not_a_day",
        "penalty": lambda: None if row["CF_WFXW"] in CONDUCT else "not_in_catalogue",
        "honour": lambda: "forbidden_input" if "志愿" in row["RY_MC"] else None,
    }
    return checks[kind]()


@pytest.mark.parametrize("kind", list(ABOUT))
def test_trouble_counted_by_independent_reading_is_what_the_summary_says(
    city: GeneratedCity, kind: str
) -> None:
    found: Counter[str] = Counter()
    for rows in _files(city, kind):
        times = Counter(tuple(row.values()) for row in rows)
        found.update(rule for row in rows if (rule := _faults(kind, row)))
        found["duplicate"] += sum(count for count in times.values() if count > 1)
    assert +found == Counter(city.summary.expected_rejects[kind])


def test_the_door_refuses_exactly_the_rows_in_trouble(
    city: GeneratedCity, lake: FilledLake
) -> None:
    rejected: dict[str, Counter[str]] = defaultdict(Counter)
    accepted: Counter[str] = Counter()
    for report in lake.reports:
        rejected[report.kind].update(report.rejects_by_rule)
        accepted[report.kind] += report.accepted
    assert rejected == {
        kind: Counter(rules) for kind, rules in city.summary.expected_rejects.items()
    }
    assert accepted == {
        kind: rows - rejected[kind].total() for kind, rows in city.summary.rows.items()
    }


def _share(rows: list[Row], column: str, value: str) -> float:
    return sum(row[column] == value for row in rows) / len(rows)


def test_shares_are_those_of_the_data_file(city: GeneratedCity) -> None:
    shares = standard_shares()
    people = city.summary.people
    commitments, contracts = _rows(city, "commitment"), _rows(city, "contract_performance")
    with_contract = len({row["XDR_ZJHM"] for row in contracts}) / people
    assert with_contract == pytest.approx(shares.contract_performance.persons, rel=0.05)
    kept = _share(commitments, "承诺履行状态", "全部履行")
    assert kept == pytest.approx(shares.commitment.outcomes["kept"], abs=0.015)
    for name, share in shares.contract_performance.types.items():
        assert _share(contracts, "HT_LX", name) == pytest.approx(share, abs=0.02)
    nothing_due = _share(contracts, "LY_ZT", "当期无应履约事项")
    assert nothing_due == pytest.approx(shares.contract_performance.nothing_due, abs=0.005)
    expected_late = sum(payers.share * payers.late for payers in shares.contract_performance.payers)
    late = _share(contracts, "LY_ZT", "逾期履约")
    assert late == pytest.approx(expected_late * (1 - nothing_due), rel=0.15)


def test_a_person_has_six_and_a_quarter_records_on_average_most_of_them_contracts(
    city: GeneratedCity,
) -> None:
    rows = city.summary.rows
    of_people = sum(rows.values()) - rows["organisation_register"]
    assert of_people / city.summary.people == pytest.approx(6.25, abs=0.25)
    assert rows["contract_performance"] > 0.85 * of_people


def test_a_late_payment_is_as_late_as_its_days_say(city: GeneratedCity) -> None:
    seen = 0
    for row in _rows(city, "contract_performance"):
        due = dt.datetime.strptime(row["YQ_RQ"], "%Y/%m/%d").date()
        done = dt.datetime.strptime(row["SJ_RQ"], "%Y/%m/%d").date() if row["SJ_RQ"] else None
        late_days = int(row["YQ_TS"])
        assert due <= AS_OF
        assert row["HT_QX"] == f"{due:%Y-%m}"
        if row["LY_ZT"] == "逾期履约":
            seen += 1
            assert late_days >= 1
            assert done is None or (done - due).days == late_days
            assert done is not None or due + dt.timedelta(late_days) >= AS_OF
        else:
            assert late_days == 0
            assert done is None or done <= due
        assert (row["LY_ZT"] == "当期无应履约事项") <= (done is None)
    assert seen > 500


def test_penalties_carry_money_where_money_was_taken(city: GeneratedCity) -> None:
    for row in _rows(city, "penalty"):
        assert bool(row["CF_NR_FK"]) == (row["CF_CFLB"] == "罚款")
        assert bool(row["CF_NR_WFFF"]) == (row["CF_CFLB"] == "没收违法所得")
        assert bool(row["CF_NR_ZKDX"]) == (row["CF_CFLB"] == "吊销许可证件")
        assert not row["CF_NR_FK"] or 0.05 <= float(row["CF_NR_FK"]) <= 90


def test_the_personas_of_the_design_are_there_and_are_who_they_say(city: GeneratedCity) -> None:
    found = city.summary.personas
    assert list(found) == [
        *("new", "unenrolled", "rich", "disputed", "repaired"),
        *("under", "over", "minor", "withdrawn", "expiring"),
    ]
    assert found == personas(people=PEOPLE, seed=7, as_of=AS_OF)
    assert len({persona.index for persona in found.values()}) == 10
    for persona in found.values():
        who = person(7, persona.index)
        assert (who.id_number, who.birth_date) == (persona.id_number, persona.birth_date)
        assert who.is_adult(AS_OF) == (persona.code != "minor")
    assert bearer(people=PEOPLE, seed=7, as_of=AS_OF).index not in {
        persona.index for persona in found.values()
    }


def test_a_persona_has_her_designed_records_and_no_others(city: GeneratedCity) -> None:
    sent: Counter[tuple[str, str]] = Counter()
    for kind in ABOUT:
        sent.update((kind, row[ABOUT[kind]]) for row in _rows(city, kind))
    for design in designs():
        number = city.summary.personas[design.code].id_number
        wanted: Counter[str] = Counter()
        for record in design.records:
            wanted[record.kind] += record.count
        assert {kind: sent[kind, number] for kind in ABOUT if sent[kind, number]} == wanted


def test_the_rich_persona_has_a_record_of_every_kind_about_persons() -> None:
    rich = next(design for design in designs() if design.code == "rich")
    assert {record.kind for record in rich.records} == set(ABOUT) - {"organisation_register"}
