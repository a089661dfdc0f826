"""Terms of working days against the State Council's arrangements, computed by hand."""

import datetime as dt

import pytest
from typer.testing import CliRunner

from api.commands import app
from scoring.calendar import load_calendar
from scoring.calendar.working_days import calendar_of
from scoring.errors import InputRefused

CALENDAR = load_calendar()

# (day 0, working days, last day, why)
TERMS = [
    ("2025-09-26", 7, "2025-10-13", "Sunday 28 and Saturday 11 are worked, 1 to 8 October off"),
    ("2025-01-01", 1, "2025-01-02", "New Year is one day"),
    ("2025-01-24", 1, "2025-01-26", "the Sunday before Spring Festival is worked"),
    ("2025-01-27", 1, "2025-02-05", "Spring Festival of eight days"),
    ("2025-02-07", 1, "2025-02-08", "a worked Saturday"),
    ("2025-02-08", 1, "2025-02-10", "the Sunday after it is off"),
    ("2025-04-03", 1, "2025-04-07", "Qingming"),
    ("2025-04-25", 1, "2025-04-27", "the Sunday before May is worked"),
    ("2025-04-30", 1, "2025-05-06", "May holiday"),
    ("2025-05-30", 1, "2025-06-03", "Dragon Boat"),
    ("2025-06-06", 7, "2025-06-17", "a week without holidays"),
    ("2025-12-31", 2, "2026-01-05", "Sunday 4 January 2026 is worked"),
    ("2026-01-03", 1, "2026-01-04", "from a day off into a worked Sunday"),
    ("2026-02-13", 2, "2026-02-24", "Saturday 14 worked, then nine days off"),
    ("2026-02-27", 1, "2026-02-28", "Saturday 28 worked"),
    ("2026-05-08", 1, "2026-05-09", "Saturday 9 worked"),
    ("2026-09-18", 2, "2026-09-21", "Sunday 20 worked"),
    ("2026-09-24", 4, "2026-10-08", "Mid-Autumn, three days of work, National Day"),
    ("2026-10-09", 1, "2026-10-10", "Saturday 10 worked"),
    ("2024-02-02", 1, "2024-02-04", "Sunday 4 worked"),
    ("2024-02-09", 1, "2024-02-18", "eight days off, then a worked Sunday"),
    ("2024-09-13", 1, "2024-09-14", "a worked Saturday before Mid-Autumn"),
    ("2024-09-27", 7, "2024-10-12", "Sunday 29 and Saturday 12 worked, 1 to 7 off"),
    ("2023-09-28", 2, "2023-10-08", "worked Saturday and Sunday after eight days off"),
    ("2022-12-30", 1, "2023-01-03", "New Year over two years"),
    ("2022-04-01", 1, "2022-04-02", "a worked Saturday before Qingming"),
    ("2026-11-20", 0, "2026-11-20", "a term of no days ends at once"),
]


@pytest.mark.parametrize(("start", "days", "end", "why"), TERMS, ids=str)
def test_a_term_ends_on_the_day_counted_by_hand(start: str, days: int, end: str, why: str) -> None:
    due = CALENDAR.due(dt.date.fromisoformat(start), days)
    assert (due.on.isoformat(), due.is_provisional) == (end, False), why


def test_a_term_that_reaches_an_unpublished_year_says_so() -> None:
    due = CALENDAR.due(dt.date(2026, 12, 31), 1)
    assert (due.on, due.is_provisional) == (dt.date(2027, 1, 4), True)  # 1 January is fixed
    assert CALENDAR.due(dt.date(2026, 12, 30), 1).is_provisional is False


def test_every_year_names_its_document() -> None:
    assert set(CALENDAR.documents) == set(range(2022, 2027))
    assert all(name.startswith("国办发明电〔") for name in CALENDAR.documents.values())


def test_a_second_opinion_agrees_on_every_day_where_it_is_installed() -> None:
    try:
        import holidays
    except ImportError:
        pytest.skip("the package `holidays` is not installed: no second opinion")
    second = holidays.country_holidays("CN", years=CALENDAR.documents)
    day, end = dt.date(2022, 1, 1), dt.date(2026, 12, 31)
    differing = []
    while day <= end:
        if second.is_working_day(day) != CALENDAR.is_working_day(day):
            differing.append(day)
        day += dt.timedelta(days=1)
    assert differing == []


@pytest.mark.parametrize(
    ("off", "worked", "word"),
    [
        ("[2025-01-01, 2026-01-02]", "", "outside its year"),
        ("", "2025-01-06", "no weekend day"),
        ("[2025-01-25, 2025-01-26]", "2025-01-26", "both off and worked"),
        ("[2025-01-02, 2025-01-01]", "", "ends before"),
    ],
)
def test_a_wrong_entry_is_refused_by_name(off: str, worked: str, word: str) -> None:
    text = f'fixed = []\n[[year]]\nyear = 2025\ndocument = "d"\noff = [{off}]\nworked = [{worked}]'
    with pytest.raises(InputRefused, match=word) as refused:
        calendar_of(text)
    assert refused.value.code == "calendar_wrong"


def test_the_command_prints_the_day() -> None:
    result = CliRunner().invoke(app, ["due", "2025-09-26"])
    assert (result.exit_code, result.stdout) == (0, "2025-10-13\n")


def test_the_command_warns_of_a_provisional_day_beside_the_answer() -> None:
    result = CliRunner().invoke(app, ["due", "2027-03-01", "--days", "1"])
    assert result.stdout == "2027-03-02\n"
    assert "provisional" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["2025-02-30"], "day_unreadable"), (["2025-01-01", "--days", "-1"], "term_out_of_range")],
)
def test_the_command_refuses_what_is_no_term(arguments: list[str], code: str) -> None:
    result = CliRunner().invoke(app, ["due", *arguments])
    assert isinstance(result.exception, InputRefused)
    assert result.exception.code == code
