"""What the retention table says is done, on its day and not before."""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import polars as pl
import pytest
from typer.testing import CliRunner

from api.commands import app
from api.commands.retention import erased
from api.ledger.enrolment import city_day
from api.ledger.fold import body_bytes
from api.ledger.places import open_ledger_at
from api.ledger.protocol import EventDraft, Ledger
from api.ledger.sqlite import ledger_path
from api.ledger.texts import text_of
from api.rights.answers import CaseReceipt
from api.rights.book import CaseBook
from api.rights.citizen import CitizenRights
from api.rights.deciding import Staff
from api.rights.office import Office
from api.rights.opening import RecordFacts
from api.rights.refusal import CaseRefused
from api.rights.retention import RetentionRunBody, run_stream
from api.rights.statements import (
    STATEMENT_SET,
    StatementSetBody,
    statement_stream,
)
from scoring import retention as lake_retention
from scoring.build.folder import only_build
from scoring.lake.manifest import read_manifest
from scoring.policy.retention import load_retention
from scoring.retention import erase_records, kept_days
from tests.ledger.drafts import enrolled, pseudonym, withdrawn
from tests.support.lake import Record, record_id, subject, write_lake

DECIDED = dt.date(2026, 11, 20)
NOW_MS = int(dt.datetime(2026, 11, 20, 4, tzinfo=dt.UTC).timestamp()) * 1_000
TEXT_DAYS = load_retention().of("case_texts").days
OFFICER, REVIEWER = Staff(id="o", is_reviewer=False), Staff(id="r", is_reviewer=True)
REASON = "经核实，记录与事实不符。"


def days_after(day: dt.date, days: int) -> dt.date:
    return day + dt.timedelta(days=days)


def told(place: str, story: Callable[[Ledger], Awaitable[None]]) -> None:
    async def opened() -> None:
        ledger = await open_ledger_at(place)
        try:
            await story(ledger)
        finally:
            await ledger.close()

    asyncio.run(opened())


def record(name: str = "r1") -> RecordFacts:
    return RecordFacts(
        record_id=name,
        kind="penalty",
        outcome="general",
        status="counted",
        happened_on=dt.date(2026, 5, 1),
    )


async def decided_case(ledger: Ledger) -> str:
    """Everything that can be written about one: four texts."""
    await ledger.append(enrolled(1))
    citizen = CitizenRights(ledger, lambda: NOW_MS)
    office = Office(ledger, CaseBook(ledger), lambda: NOW_MS)
    receipt = await citizen.dispute(pseudonym(1), record(), "不是我", None)
    case_id = msgspec.json.decode(receipt, type=CaseReceipt).id
    wanted = {"outcome": "upheld", "reason": REASON, "staff": OFFICER, "idempotency": None}
    await office.decide("dispute", case_id, **wanted)
    await office.send_back("dispute", case_id, "请补充来源单位的回函。", REVIEWER, None)
    await office.decide("dispute", case_id, **wanted)
    await office.confirm("dispute", case_id, REVIEWER, None)
    return case_id


async def state(ledger: Ledger, number: int, record_id: str) -> None:
    text = text_of(f"{number}的说明")
    body = StatementSetBody(text_digest=text.digest)
    draft = EventDraft(
        kind=STATEMENT_SET,
        stream=statement_stream(record_id),
        subject=pseudonym(number),
        at_ms=NOW_MS,
        body=body_bytes(body),
    )
    await ledger.append(draft, text=text)


async def run(ledger: Ledger, lake: Path, day: dt.date, *, is_dry: bool = False) -> dict[str, int]:
    return await erased(ledger, lake, day, now_ms=NOW_MS, is_dry=is_dry)


def test_a_cases_words_go_on_their_day_and_not_the_day_before(
    ledger_place: str, tmp_path: Path
) -> None:
    async def story(ledger: Ledger) -> None:
        await decided_case(ledger)
        await ledger.append(enrolled(2))
        citizen = CitizenRights(ledger, lambda: NOW_MS)
        await citizen.dispute(pseudonym(2), record(), "还没有决定", None)
        lake, day = tmp_path / "lake", days_after(DECIDED, TEXT_DAYS)
        before = await run(ledger, lake, days_after(day, -1))
        assert before == {"case_texts": 0, "statements": 0, "records": 0}
        assert len(await ledger.standing_texts(0, limit=10)) == 5
        assert (await run(ledger, lake, day, is_dry=True))["case_texts"] == 4
        assert len(await ledger.standing_texts(0, limit=10)) == 5
        assert (await run(ledger, lake, day))["case_texts"] == 4
        (left,) = await ledger.standing_texts(0, limit=10)
        assert left.event.subject == pseudonym(2)  # undecided: it stands, however old

        cases, words = await citizen.cases(pseudonym(1), "dispute")
        assert (len(cases), words) == (1, {})  # the case itself is still told

    told(ledger_place, story)


def test_a_run_is_told_in_the_log_once_a_day_with_counts_alone(
    ledger_place: str, tmp_path: Path
) -> None:
    async def story(ledger: Ledger) -> None:
        await decided_case(ledger)
        day = days_after(DECIDED, TEXT_DAYS)
        for _ in range(3):
            await run(ledger, tmp_path / "lake", day)
        (event,) = await ledger.stream_events(run_stream(day))
        assert msgspec.json.decode(event.body, type=RetentionRunBody) == RetentionRunBody(
            as_of=day,
            table_version=load_retention().version,
            erased={"case_texts": 4, "statements": 0, "records": 0},
        )
        assert event.subject == "-"
        await run(ledger, tmp_path / "lake", days_after(day, 1))
        (quiet,) = await ledger.stream_events(run_stream(days_after(day, 1)))
        assert set(msgspec.json.decode(quiet.body)["erased"].values()) == {0}

    told(ledger_place, story)


def test_staff_see_a_decided_case_until_the_log_seals_it(ledger_place: str) -> None:
    async def story(ledger: Ledger) -> None:
        case_id = await decided_case(ledger)
        sealed = days_after(DECIDED, load_retention().of("cases").days)

        def office_on(day: dt.date) -> Office:
            noon = dt.datetime.combine(day, dt.time(4), dt.UTC)
            return Office(ledger, CaseBook(ledger), lambda: int(noon.timestamp()) * 1_000)

        for day, number in ((days_after(sealed, -1), 1), (sealed, 0)):
            office = office_on(day)
            assert city_day(office.now_ms()) == day
            queue = await office.queue("dispute", ["decided"], (dt.date.min, 0), 10)
            assert len(queue) == number
            if number:
                assert (await office.case("dispute", case_id)).id == case_id
            else:
                with pytest.raises(CaseRefused, match="case_not_found"):
                    await office.case("dispute", case_id)

    told(ledger_place, story)


KIND = "penalty"


def lake_with(lake: Path, *happened: dt.date) -> None:
    """One record a day, each of the same person, so that they share a part."""
    write_lake(
        lake,
        [
            Record(
                subject=subject(1),
                record_id=record_id(n),
                kind=KIND,
                outcome="general",
                happened_on=day,
            )
            for n, day in enumerate(happened)
        ],
    )


def rows(lake: Path) -> list[str]:
    manifest = read_manifest(lake)
    parts = [part for file in manifest.files for part in file.parts]
    on_disk = {str(p.relative_to(lake)) for p in lake.glob("facts/**/*.parquet")}
    assert on_disk == {part.path for part in parts}
    frames = [pl.read_parquet(lake / part.path) for part in parts]
    assert [frame.height for frame in frames] == [part.rows for part in parts]
    return sorted(pl.concat(frames)["record_id"]) if frames else []


def test_records_leave_the_lake_on_their_day_and_their_statements_with_them(
    ledger_place: str, tmp_path: Path
) -> None:
    lake, days = tmp_path / "lake", kept_days()[KIND]
    happened = dt.date(2023, 1, 10)
    lake_with(lake, happened, days_after(happened, 1))
    day = days_after(happened, days)

    async def story(ledger: Ledger) -> None:
        await ledger.append(enrolled(1))
        await state(ledger, 1, record_id(0))
        await state(ledger, 1, record_id(1))
        before = await run(ledger, lake, days_after(day, -1))
        assert before == {"case_texts": 0, "statements": 0, "records": 0}
        assert (await run(ledger, lake, day)) == {"case_texts": 0, "statements": 1, "records": 1}
        assert rows(lake) == [record_id(1)]
        (left,) = await ledger.standing_texts(0, limit=10)
        assert left.event.stream == statement_stream(record_id(1))
        assert (await run(ledger, lake, day))["records"] == 0
        assert (await run(ledger, lake, days_after(day, 1)))["records"] == 1
        assert rows(lake) == []

    told(ledger_place, story)


def test_a_statement_of_who_has_left_is_gone_with_the_leaving_itself(ledger_place: str) -> None:
    async def story(ledger: Ledger) -> None:
        await ledger.append(enrolled(1))
        await state(ledger, 1, "r1")
        await ledger.append(withdrawn(1))
        assert await ledger.standing_texts(0, limit=10) == []

    told(ledger_place, story)


@pytest.mark.parametrize("moment", ["before the manifest", "after the manifest"])
def test_a_killed_run_leaves_a_whole_lake_and_the_next_one_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    lake = tmp_path / "lake"
    happened = dt.date(2023, 1, 10)
    lake_with(lake, happened, days_after(happened, 5))
    day = days_after(happened, kept_days()[KIND])

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    name = "write_manifest" if moment == "before the manifest" else "_finish"
    real = getattr(lake_retention, name)
    calls = iter([real, die] if name == "_finish" else [die])

    def stand_in(*arguments: object) -> object:
        return next(calls)(*arguments)

    monkeypatch.setattr(lake_retention, name, stand_in)
    with pytest.raises(KeyboardInterrupt):
        erase_records(lake, day, kept_days())
    monkeypatch.undo()
    kept = [part.path for file in read_manifest(lake).files for part in file.parts]
    assert all((lake / path).exists() for path in kept)
    erase_records(lake, day, kept_days())
    assert rows(lake) == [record_id(1)]


def invoked(data: Path, *options: str) -> tuple[int, str]:
    """Exit code, and the line of the records."""
    done = CliRunner().invoke(app, ["retention", "run", "--data", str(data), *options])
    code = getattr(done.exception, "exit_code", done.exit_code) if done.exception else 0
    lines = [line for line in done.stdout.splitlines() if line.startswith("records")]
    return code, "".join(lines)


async def begun(ledger: Ledger) -> None:
    await ledger.append(enrolled(1))


def test_the_command_counts_erases_and_refuses_a_day_that_has_not_come(tmp_path: Path) -> None:
    assert invoked(tmp_path)[0] == 7  # no ledger there, and none is begun
    assert not (tmp_path / "ledger").exists()

    told(f"sqlite:///{ledger_path(tmp_path)}", begun)
    lake_with(tmp_path / "lake", dt.date(2020, 1, 10), dt.date(2026, 11, 1))
    code, counted = invoked(tmp_path, "--dry-run")
    assert (code, counted.split()) == (0, ["records", "1", "over"])
    code, done = invoked(tmp_path, "--as-of", "2026-11-20")
    assert (code, done.split()) == (0, ["records", "1", "erased"])
    assert rows(tmp_path / "lake") == [record_id(1)]
    assert invoked(tmp_path, "--as-of", "2099-01-01")[0] == 4
    assert invoked(tmp_path, "--as-of", "2099-01-01", "--dry-run")[0] == 0


def test_no_record_goes_below_a_build_that_reads_it(tmp_path: Path) -> None:
    told(f"sqlite:///{ledger_path(tmp_path)}", begun)
    lake_with(tmp_path / "lake", dt.date(2020, 1, 10), dt.date(2026, 11, 1))
    (tmp_path / "snapshots").mkdir()
    with only_build(tmp_path / "snapshots"):
        assert invoked(tmp_path, "--as-of", "2026-11-20") == (1, "")
        assert set(rows(tmp_path / "lake")) == {record_id(0), record_id(1)}
        assert invoked(tmp_path, "--dry-run")[0] == 0
    code, done = invoked(tmp_path, "--as-of", "2026-11-20")
    assert (code, done.split()) == (0, ["records", "1", "erased"])
