"""From a decision to every channel: real ledger, real build, real store."""

import asyncio
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from typer.testing import CliRunner

from api.commands import app
from api.commands.ledger import export_ledger
from api.ledger.enrolment import enrolled_draft
from api.ledger.notice import load_notices
from api.ledger.sqlite import ledger_path, open_ledger
from api.rights.answers import CaseReceipt
from api.rights.book import CaseBook
from api.rights.citizen import CitizenRights
from api.rights.deciding import Staff
from api.rights.office import Office
from api.rights.opening import RecordFacts
from scoring.publish.publish import publish
from scoring.store.connection import StoreConnection
from scoring.store.embedded import EmbeddedStore
from tests.support.lake import KEYS, Record, rebuild, record_id, subject, write_lake
from tests.support.stores import empty

AS_OF = dt.date(2026, 11, 20)
HAPPENED = dt.date(2026, 5, 1)
NOW_MS = int(dt.datetime(2026, 11, 20, 4, tzinfo=dt.UTC).timestamp()) * 1_000
REASON = "义务已经履行，最短期限已满，准予修复。"
OFFICER, REVIEWER = Staff(id="o", is_reviewer=False), Staff(id="r", is_reviewer=True)
PENALTY = RecordFacts(
    record_id=record_id(1),
    kind="penalty",
    outcome="general",
    status="counted",
    happened_on=HAPPENED,
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    with EmbeddedStore(tmp_path_factory.mktemp("store")) as running:
        yield running


@pytest.fixture
def data(tmp_path: Path, store: EmbeddedStore) -> Path:
    """One citizen with a penalty and a kept commitment, enrolled, built and served."""
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "snapshot.key").write_text(KEYS.snapshot_key.hex())
    public = KEYS.signing_key.public_key().public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    )
    (tmp_path / "keys" / "signing.pub.pem").write_bytes(public)
    write_lake(
        tmp_path / "lake",
        [
            Record(
                subject=subject(1),
                record_id=record_id(1),
                kind="penalty",
                outcome="general",
                happened_on=HAPPENED,
            ),
            Record(
                subject=subject(1),
                record_id=record_id(2),
                kind="commitment",
                outcome="kept",
                happened_on=HAPPENED,
            ),
        ],
    )
    asyncio.run(enrol(tmp_path))
    empty(store)
    serve_build(tmp_path, store)
    return tmp_path


async def enrol(data: Path) -> None:
    ledger = await open_ledger(ledger_path(data))
    notice = load_notices().current(AS_OF)
    await ledger.append(enrolled_draft(subject(1), notice, "receipt", NOW_MS))
    await ledger.close()


def serve_build(data: Path, store: EmbeddedStore) -> None:
    position = int(export_ledger(data).name)
    built = rebuild(data, as_of=AS_OF, position=position)
    with StoreConnection.open(store.url) as connection:
        publish(built.folder, connection, KEYS.signing_key.public_key())


async def take_away(data: Path, how: str) -> str:
    """A granted repair or an upheld dispute of the penalty, through the rules; the case's id."""
    ledger = await open_ledger(ledger_path(data))
    citizen = CitizenRights(ledger, lambda: NOW_MS)
    office = Office(ledger, CaseBook(ledger), lambda: NOW_MS)
    opened = citizen.repair if how == "repair" else citizen.dispute
    receipt = await opened(subject(1), PENALTY, "", None)
    case_id = msgspec.json.decode(receipt, type=CaseReceipt).id
    outcome = "granted" if how == "repair" else "upheld"
    await office.decide(
        how,  # type: ignore[arg-type]
        case_id,
        outcome=outcome,
        reason=REASON,
        staff=OFFICER,
        idempotency=None,
    )
    await office.confirm(how, case_id, REVIEWER, None)  # type: ignore[arg-type]
    await ledger.close()
    return case_id


def lines(data: Path, store: EmbeddedStore, name: str) -> tuple[int, dict[str, str]]:
    """Exit code, channel -> gone or still there."""
    result = CliRunner().invoke(
        app, ["propagation", name, "--data", str(data), "--store", store.url]
    )
    code = getattr(result.exception, "exit_code", result.exit_code) if result.exception else 0
    found = {}
    for line in result.stdout.splitlines():
        channel, state = [part for part in line.split("  ") if part.strip()][:2]
        found[channel.strip()] = state.strip()
    return code, found


@pytest.mark.parametrize("how", ["repair", "dispute"])
def test_a_record_taken_away_is_gone_from_every_channel_after_one_build(
    data: Path, store: EmbeddedStore, how: str
) -> None:
    case_id = asyncio.run(take_away(data, how))
    code, before = lines(data, store, case_id)
    assert code == 5
    there = {channel for channel, state in before.items() if state == "still there"}
    assert there >= {"ledger export", "snapshot files", "api score", "api eligibility"}

    serve_build(data, store)
    code, after = lines(data, store, case_id)
    assert (code, set(after.values())) == (0, {"gone"})
    assert set(after) == set(before)
    assert lines(data, store, record_id(1))[0] == 0


def test_a_record_nobody_decided_about_is_refused(data: Path, store: EmbeddedStore) -> None:
    code, found = lines(data, store, record_id(2))
    assert (code, found) == (4, {})


async def open_dispute(data: Path) -> str:
    ledger = await open_ledger(ledger_path(data))
    receipt = await CitizenRights(ledger, lambda: NOW_MS).dispute(subject(1), PENALTY, "", None)
    await ledger.close()
    return msgspec.json.decode(receipt, type=CaseReceipt).id


def test_a_case_still_pending_takes_nothing_away_and_says_so(
    data: Path, store: EmbeddedStore
) -> None:
    assert lines(data, store, asyncio.run(open_dispute(data))) == (4, {})


def test_where_there_is_no_ledger_none_is_begun(tmp_path: Path, store: EmbeddedStore) -> None:
    assert lines(tmp_path, store, "r")[0] == 7
    assert not ledger_path(tmp_path).exists()


def test_a_page_that_names_the_record_is_found(data: Path, store: EmbeddedStore) -> None:
    case_id = asyncio.run(take_away(data, "repair"))
    serve_build(data, store)
    (data / "site").mkdir()
    (data / "site" / "index.html").write_text(f"<p>{record_id(1)}</p>")
    code, found = lines(data, store, case_id)
    assert (code, found["site"]) == (5, "still there")
    assert {state for channel, state in found.items() if channel != "site"} == {"gone"}
