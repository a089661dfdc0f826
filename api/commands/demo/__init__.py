"""`chengxin demo`: a synthetic city from nothing to a served score, in one command.

generate → ingest → enrol → export → build → publish → site → serve, with the real parts: an embedded
Valkey, SQLite, an OpenID provider on loopback. Everything it starts ends with it; a second start
reuses the city that is there.
"""

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from api.commands.demo.alone import alone_in
from api.commands.demo.city import DemoState, state_for
from api.commands.demo.lasting import SHOWN_AHEAD, lasting_register, shown_day
from api.commands.demo.progress import Steps
from api.commands.private import write_for_owner_alone
from scoring.benefits import BenefitsRegister


def demo(
    people: Annotated[
        int | None, typer.Option(help="Size of the city; 100,000 on a first start.", min=100)
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Same seed, same city; 7.", min=0)] = None,
    port: Annotated[int, typer.Option(help="API and site, on loopback.", min=1, max=65535)] = 8000,
    data: Annotated[Path, typer.Option(help="Data directory.", file_okay=False)] = Path("demo"),
    workers: Annotated[int, typer.Option(help="API processes.", min=1)] = 1,
) -> None:
    """A synthetic city, built, published and served until Ctrl-C; one in each data directory."""
    from api.commands.demo.running import run_until_stopped
    from api.commands.keys import make_missing_keys
    from scoring.keys import key_files

    write_for_owner_alone()
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    data = data.resolve()
    today = dt.datetime.now(dt.UTC).date()
    day = shown_day(today)
    if day < today:
        typer.echo(f"shown as of {day}: a review of the impact assessment was due then", err=True)
    with alone_in(data):
        state = state_for(data, people=people, seed=seed, today=day)
        make_missing_keys(key_files(data))
        with Steps() as steps:
            state = make_city(data, state, steps, lasting_register(today + SHOWN_AHEAD))
        run_until_stopped(data, state, port=port, workers=workers)


def make_city(
    data: Path, state: DemoState, steps: Steps, benefits: BenefitsRegister | None = None
) -> DemoState:
    """Departments' files to a signed snapshot; returns the state with the snapshot's id."""
    from api.commands.demo import cases, city
    from scoring.keys import key_files, read_symmetric_key

    if state.snapshot:
        return state
    lake_key = read_symmetric_key(key_files(data).lake)
    state = city.generate_files(data, state, steps)
    city.ingest_files(data, lake_key, steps)
    city.enrol_residents(data, state, lake_key, steps)
    cases.open_cases(data, state, lake_key)
    snapshot = city.build_snapshot(data, state.as_of, steps, benefits)
    city.enrol_newcomer(data, state, lake_key)
    return city.with_snapshot(data, state, snapshot.name)
