"""The demo's cases: the personas `disputed` and `repaired` are as their names say before the first
build, through the same rules as everybody's cases."""

import asyncio
import datetime as dt
from pathlib import Path

import msgspec

from api.commands.demo.city import DemoState, Resident, persona_residents
from api.commands.demo.handover import DemoStaff
from api.commands.demo.tokens import token
from api.identity.config import Persona
from api.ledger.protocol import Ledger
from api.rights.answers import CaseReceipt
from api.rights.book import CaseBook
from api.rights.citizen import CitizenRights
from api.rights.deciding import Staff
from api.rights.office import Office
from api.rights.opening import RecordFacts
from api.staff.cases import OFFICER_SCOPE, REVIEWER_SCOPE, STAFF_SCOPE
from scoring.keys import KeyFiles

STAFF = (
    ("officer", "officer-1", OFFICER_SCOPE, "信用办经办人员"),
    ("reviewer", "reviewer-1", REVIEWER_SCOPE, "信用办复核人员"),
)
STAFF_SCOPES = (STAFF_SCOPE, OFFICER_SCOPE, REVIEWER_SCOPE)
DISPUTED_DAYS_AGO, REQUESTED_DAYS_AGO, GRANTED_DAYS_AGO = 3, 10, 5
DISPUTE_WORDS = "处罚决定书上的人不是我，身份证件曾经遗失，已有挂失记录。"
REPAIR_WORDS = "罚款已经缴清，并已改正。"
GRANT_WORDS = "义务已经履行，最短公示期已满，准予修复。"


def staff_personas() -> list[Persona]:
    return [
        Persona(persona=role, sub=sub, scope=f"{STAFF_SCOPE} {scope}", name=name)
        for role, sub, scope, name in STAFF
    ]


def demo_staff(files: KeyFiles, issuer: str) -> list[DemoStaff]:
    return [
        DemoStaff(
            role=role,
            token=token(files.identity, issuer=issuer, sub=sub, scope=f"{STAFF_SCOPE} {scope}"),
        )
        for role, sub, scope, _ in STAFF
    ]


def open_cases(data: Path, state: DemoState, lake_key: bytes) -> None:
    """Before the build. What an earlier start has opened stays as it is."""
    asyncio.run(_open_cases(data, state, lake_key))


async def _open_cases(data: Path, state: DemoState, lake_key: bytes) -> None:
    from api.ledger.sqlite import ledger_path, open_ledger

    cast = persona_residents(state, lake_key)
    ledger = await open_ledger(ledger_path(data))
    try:
        await _dispute(data, state, cast["disputed"], ledger)
        await _repair(data, state, cast["repaired"], ledger)
    finally:
        await ledger.close()


async def _dispute(data: Path, state: DemoState, who: Resident, ledger: Ledger) -> None:
    at_ms = noon_ms(state.as_of, DISPUTED_DAYS_AGO)
    citizen = CitizenRights(ledger, lambda: at_ms)
    if not (await citizen.cases(who.subject, "dispute"))[0]:
        await citizen.dispute(who.subject, penalty_of(data, who.subject), DISPUTE_WORDS, None)


async def _repair(data: Path, state: DemoState, who: Resident, ledger: Ledger) -> None:
    requested_ms = noon_ms(state.as_of, REQUESTED_DAYS_AGO)
    granted_ms = noon_ms(state.as_of, GRANTED_DAYS_AGO)
    citizen = CitizenRights(ledger, lambda: requested_ms)
    office = Office(ledger, CaseBook(ledger), lambda: granted_ms)
    if (await citizen.cases(who.subject, "repair"))[0]:
        return
    record = penalty_of(data, who.subject)
    receipt = await citizen.repair(who.subject, record, REPAIR_WORDS, None)
    case_id = msgspec.json.decode(receipt, type=CaseReceipt).id
    officer, reviewer = (
        Staff(id=sub, is_reviewer=scope == REVIEWER_SCOPE) for _, sub, scope, _ in STAFF
    )
    await office.decide(
        "repair", case_id, outcome="granted", reason=GRANT_WORDS, staff=officer, idempotency=None
    )
    await office.confirm("repair", case_id, reviewer, None)


def noon_ms(as_of: dt.date, days_ago: int) -> int:
    noon = dt.datetime.combine(as_of - dt.timedelta(days=days_ago), dt.time(4), dt.UTC)
    return int(noon.timestamp()) * 1_000


def penalty_of(data: Path, subject: str) -> RecordFacts:
    """Her one penalty, as the lake has it."""
    import polars as pl

    facts = pl.scan_parquet(data / "lake" / "facts" / "kind=penalty" / "**" / "*.parquet")
    row = (
        facts.filter(pl.col("subject") == subject)
        .sort("sent_on", "sequence", "line")
        .select("record_id", "outcome", "happened_on")
        .last()
        .collect()
        .row(0, named=True)
    )
    return RecordFacts(kind="penalty", status="counted", **row)
