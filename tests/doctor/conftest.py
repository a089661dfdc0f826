"""A small sound installation, made once; each test spoils a copy of its own."""

import datetime as dt
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from api.commands.demo.partners import make_partner_keys
from api.commands.doctor.finding import Disk, Installation
from api.ledger.audit.keeping import make_head
from api.ledger.audit.log import SqliteLog
from api.ledger.fold import body_bytes
from api.ledger.protocol import EventDraft
from api.ledger.sqlite import ledger_path
from api.rights.retention import NOBODY, RETENTION_RUN, RetentionRunBody, run_stream
from api.signing_keys import load_signing_key
from loadtest.key_set import key_set
from scoring.city.generation import generate
from scoring.city.personas import personas
from scoring.contract.pseudonyms import subject_of
from scoring.contract.snapshot import MARKS_KEY
from scoring.signing import read_signing_key
from scoring.store.connection import StoreConnection
from scoring.store.embedded import EmbeddedStore
from tests.overlay.town import Town
from tests.road.road import Road

PEOPLE, SEED, AS_OF = 120, 7, dt.date(2026, 11, 20)
NOW = dt.datetime(2026, 11, 20, 4, tzinfo=dt.UTC)
MAXMEMORY_BYTES = 256 << 20
ROOMY = Disk(total_bytes=1 << 40, free_bytes=1 << 39)


@dataclass(frozen=True)
class Made:
    road: Road
    store: EmbeddedStore
    issuer: str


def retention_run(at: dt.datetime) -> EventDraft:
    body = RetentionRunBody(as_of=at.date(), table_version="test", erased={})
    return EventDraft(
        kind=RETENTION_RUN,
        stream=run_stream(at.date()),
        subject=NOBODY,
        at_ms=int(at.timestamp() * 1_000),
        body=body_bytes(body),
    )


def sign(data: Path, at: dt.datetime) -> None:
    with SqliteLog(ledger_path(data)) as log:
        make_head(
            data, log, read_signing_key(Road(data).keys.log), at, origin="chengxin.example/ledger"
        )


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    data = tmp_path_factory.mktemp("sound") / "data"
    road = Road(data)
    data.chmod(0o700)
    generate(people=PEOPLE, seed=SEED, out=data / "incoming", as_of=AS_OF)
    road.ingest(data / "incoming")
    cast = personas(people=PEOPLE, seed=SEED, as_of=AS_OF)
    road.enrol(
        [subject_of(road.lake_key, cast[code].id_number) for code in ("rich", "over")],
        dt.date(2026, 6, 1),
    )
    make_partner_keys(data)
    for path in (data / "partners").iterdir():
        os.utime(path, (NOW.timestamp(), NOW.timestamp()))
    store = EmbeddedStore(data.parent / "store", maxmemory_bytes=MAXMEMORY_BYTES)
    with store, key_set(load_signing_key(road.keys.identity)) as issuer:
        Town(road, store).append(retention_run(NOW))
        road.publish(road.build(AS_OF), store.url)
        sign(data, NOW)
        with StoreConnection.open(store.url) as connection:
            connection.call("SET", MARKS_KEY, "0")  # as the service does when it has brought them
        yield Made(road, store, issuer)


@pytest.fixture
def place(made: Made, tmp_path: Path) -> Installation:
    data = tmp_path / "data"
    shutil.copytree(made.road.data, data)
    return Installation(
        data=data,
        store_url=made.store.url,
        ledger=str(ledger_path(data)),
        environment={
            "CHENGXIN_STORE_URL": made.store.url,
            "CHENGXIN_ISSUER": made.issuer,
            "CHENGXIN_JWKS_URI": f"{made.issuer}/jwks.json",
        },
        now=NOW,
        certificate=tmp_path / "fullchain.pem",
        disk=lambda folder: ROOMY,
        ask=lambda words: None,
    )


def at(place: Installation, **later: float) -> Installation:
    return msgspec.structs.replace(place, now=place.now + dt.timedelta(**later))


def with_variable(place: Installation, name: str, value: str) -> Installation:
    return msgspec.structs.replace(place, environment={**place.environment, name: value})
