"""The demo's city, step by step: each step finds what an earlier start left and does not repeat it."""

import asyncio
import datetime as dt
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from scoring.benefits import BenefitsRegister, load_benefits
from scoring.errors import InputRefused

STATE_NAME = "demo.state.json"
# Three in five adults have joined: enough to see coverage honestly below 100 %.
ENROLLED_OF_FIVE = 3
SUBS_HANDED_OVER = 3_000

Progress = Callable[[str, int, int], None]  # what, done, total


class DemoState(msgspec.Struct, frozen=True, kw_only=True):
    """What the data directory holds; another start must ask for the same city."""

    people: int
    seed: int
    as_of: dt.date
    digest: str = ""  # of the departments' files; empty until they are whole
    snapshot: str = ""  # published last; empty until the first build


class Resident(msgspec.Struct, frozen=True):
    index: int
    subject: str
    birth_date: dt.date


def read_state(data: Path) -> DemoState | None:
    path = data / STATE_NAME
    return msgspec.json.decode(path.read_bytes(), type=DemoState) if path.exists() else None


def write_state(data: Path, state: DemoState) -> None:
    temporary = data / (STATE_NAME + ".tmp")
    temporary.write_bytes(msgspec.json.encode(state))
    os.replace(temporary, data / STATE_NAME)  # noqa: PTH105 - the atomic call itself


def state_for(data: Path, *, people: int | None, seed: int | None, today: dt.date) -> DemoState:
    """The state of `data`, or a new one. Raises InputRefused where it holds another city."""
    found = read_state(data)
    if found is None:
        state = DemoState(people=people or 100_000, seed=7 if seed is None else seed, as_of=today)
        write_state(data, state)
        return state
    if people not in (None, found.people) or seed not in (None, found.seed):
        raise InputRefused(
            "demo_holds_another_city",
            f"a city of {found.people:,} people with seed {found.seed} is here already",
            where=str(data),
            do="name another folder with --data, or leave --people and --seed out",
        )
    return found


def generate_files(data: Path, state: DemoState, progress: Progress) -> DemoState:
    """Departments' files under `incoming/`; a half-written city of an earlier start is made anew."""
    if state.digest:
        return state
    from scoring.city.generation import generate

    unfinished = data / "incoming.unfinished"
    for folder in (unfinished, data / "incoming"):
        shutil.rmtree(folder, ignore_errors=True)
    summary = generate(
        people=state.people,
        seed=state.seed,
        out=unfinished,
        as_of=state.as_of,
        on_progress=lambda done, records: progress("generate", done, state.people),
    )
    unfinished.rename(data / "incoming")
    state = msgspec.structs.replace(state, digest=summary.digest)
    write_state(data, state)
    return state


def ingest_files(data: Path, lake_key: bytes, progress: Progress) -> None:
    from scoring.catalogue.loading import load_catalogue
    from scoring.ingest.tree import ingest_tree, rows_announced

    total, done = rows_announced(data / "incoming"), 0

    def advance(rows: int) -> None:
        nonlocal done
        done += rows
        progress("ingest", done, total)

    ingest_tree(
        data / "incoming",
        lake=data / "lake",
        catalogue=load_catalogue(),
        lake_key=lake_key,
        on_rows=advance,
    )


def residents(state: DemoState, lake_key: bytes) -> Iterator[Resident]:
    from scoring.city.people import identities
    from scoring.contract.pseudonyms import subject_of

    for index, id_number, birth_date in identities(state.seed, state.people):
        yield Resident(index, subject_of(lake_key, id_number), birth_date)


def persona_residents(state: DemoState, lake_key: bytes) -> dict[str, Resident]:
    from scoring.city.personas import personas
    from scoring.contract.pseudonyms import subject_of

    found = personas(people=state.people, seed=state.seed, as_of=state.as_of)
    return {
        code: Resident(who.index, subject_of(lake_key, who.id_number), who.birth_date)
        for code, who in found.items()
    }


def enrol_residents(data: Path, state: DemoState, lake_key: bytes, progress: Progress) -> None:
    """Every joining adult accepts the notice in force, some on each day of the past year.

    Personas are as their names say: `new` joins after the build, `unenrolled` and `minor` never.
    """
    asyncio.run(_enrol(data, state, lake_key, progress))


async def _enrol(data: Path, state: DemoState, lake_key: bytes, progress: Progress) -> None:
    from api.ledger.enrolment import enrolled_draft, is_adult, withdrawn_draft
    from api.ledger.notice import load_notices
    from api.ledger.sqlite import ledger_path, open_ledger

    cast = persona_residents(state, lake_key)
    left_out = {cast[code].index for code in ("new", "unenrolled", "minor")}
    always = {who.index for who in cast.values()} - left_out
    morning = int(dt.datetime.combine(state.as_of, dt.time(), dt.UTC).timestamp()) * 1000
    notice = load_notices().current(state.as_of)
    ledger = await open_ledger(ledger_path(data))
    try:
        if await ledger.position():
            return
        drafts = []
        for who in residents(state, lake_key):
            progress("enrol", who.index + 1, state.people)
            joins = who.index in always or who.index % 5 < ENROLLED_OF_FIVE
            if who.index in left_out or not joins or not is_adult(who.birth_date, state.as_of):
                continue
            at_ms = morning - (1 + who.index % 365) * 86_400_000
            drafts.append(enrolled_draft(who.subject, notice, f"{who.index:032x}", at_ms))
        drafts.append(withdrawn_draft(cast["withdrawn"].subject, morning))
        await ledger.append_many(drafts)
    finally:
        await ledger.close()


def enrol_newcomer(data: Path, state: DemoState, lake_key: bytes) -> None:
    """The persona `new` joins after the first build: her score comes with the next one."""
    asyncio.run(_enrol_newcomer(data, state, lake_key))


async def _enrol_newcomer(data: Path, state: DemoState, lake_key: bytes) -> None:
    from api.ledger.enrolment import enrolled_draft
    from api.ledger.notice import load_notices
    from api.ledger.sqlite import ledger_path, open_ledger

    newcomer = persona_residents(state, lake_key)["new"]
    ledger = await open_ledger(ledger_path(data))
    try:
        if (await ledger.enrolment_of(newcomer.subject)).status == "none":
            notice = load_notices().current(state.as_of)
            at_ms = int(dt.datetime.combine(state.as_of, dt.time(1), dt.UTC).timestamp()) * 1000
            await ledger.append(enrolled_draft(newcomer.subject, notice, "f" * 32, at_ms))
    finally:
        await ledger.close()


def build_snapshot(
    data: Path, as_of: dt.date, progress: Progress, benefits: BenefitsRegister | None = None
) -> Path:
    """Ledger export and build as of a day; what is there already is used again. `benefits`: the
    city's own where left out."""
    from api.commands.ledger import export_ledger
    from api.ledger.notice import load_notices
    from scoring.build import BuildKeys, build
    from scoring.catalogue.loading import load_catalogue
    from scoring.catalogue.publishing import published_document
    from scoring.history.previous import newest_before
    from scoring.keys import key_files, read_symmetric_key
    from scoring.rulebook import load_rulebook
    from scoring.signing import read_signing_key

    keys = key_files(data)
    export = export_ledger(data)
    return build(
        lake=data / "lake",
        export=export,
        previous=newest_before(data / "snapshots", as_of, int(export.name)),
        out=data / "snapshots",
        rulebook=load_rulebook(),
        benefits=benefits or load_benefits(),
        catalogue=published_document(load_catalogue()),
        as_of=as_of,
        notices=load_notices().coverage_on(as_of),
        keys=BuildKeys(read_symmetric_key(keys.snapshot), read_signing_key(keys.signing)),
        progress=progress,
    )


def some_subs(data: Path, snapshot: str) -> list[str]:
    """Up to SUBS_HANDED_OVER enrolled people's `sub`, spread over the city."""
    import polars as pl

    scores = pl.scan_parquet(data / "snapshots" / snapshot / "scores.parquet" / "*.parquet")
    subjects = scores.select("subject").collect()["subject"].sort()
    step = max(1, len(subjects) // SUBS_HANDED_OVER)
    return subjects.gather_every(step).head(SUBS_HANDED_OVER).to_list()


def with_snapshot(data: Path, state: DemoState, snapshot: str) -> DemoState:
    state = msgspec.structs.replace(state, snapshot=snapshot)
    write_state(data, state)
    return state
