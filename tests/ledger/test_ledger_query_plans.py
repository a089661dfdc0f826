"""No question of a request or a follower reads through the whole table: it is asked of the
databases themselves."""

import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from api.accesses.events import access_draft
from api.consents.machine import BEGINNINGS, STATE_KINDS, SUBJECT_KINDS
from api.ledger import statements as of_sqlite
from api.ledger.commit_group import AppendRequest
from api.ledger.fold import ENROLMENT_KINDS
from api.ledger.postgres import statements as of_postgres
from api.ledger.protocol import Ledger, Room
from api.rights.case import CASE_KINDS
from tests.consents.consent_parts import access
from tests.ledger.conftest import SQLITE, on_postgres
from tests.ledger.drafts import claim, enrolled, pseudonym
from tests.ledger.postgres_server import PostgresServer

PEOPLE, ACCESSES = 2_000, 8_000
Asked = Callable[[Any, Any], object]

QUESTIONS: dict[str, Asked] = {
    "claim": lambda q, c: q.claim_in(c, "s", "k"),
    "enrolment": lambda q, c: q.enrolment_in(c, pseudonym(1)),
    "stream": lambda q, c: q.stream_events_in(c, "dispute:x"),
    "enrolment stream": lambda q, c: q.stream_events_in(c, enrolled(1).stream),
    "subject": lambda q, c: q.subject_events_in(c, pseudonym(1), SUBJECT_KINDS, 100, None),
    "subject's cases": lambda q, c: q.subject_events_in(c, pseudonym(1), CASE_KINDS, 100, 9),
    "marks": lambda q, c: q.events_in(c, 5, 1_000, ENROLMENT_KINDS),
    "consents": lambda q, c: q.events_in(c, 5, 1_000, STATE_KINDS),
    "cases": lambda q, c: q.events_in(c, 5, 1_000, CASE_KINDS),
    "all after": lambda q, c: q.events_in(c, 5, 100, None),
    "position": lambda q, c: q.last_seq(c),
    "texts": lambda q, c: q.texts_in(c, ["0" * 64, "1" * 64]),
    "standing texts": lambda q, c: q.standing_texts_in(c, 5, 100),
    "commit group": lambda q, c: q.state_before(
        c,
        [
            AppendRequest(
                enrolled(n),
                require="active",
                stream_unchanged_since=0,
                room=Room(kinds=BEGINNINGS, since=3, places=2),
                claim=claim(f"k{n}"),
            )
            for n in range(3)
        ],
    ),
}


async def fill(ledger: Ledger) -> None:
    """As a city's ledger is: people, and far more accesses about them."""
    await ledger.append_many([enrolled(n) for n in range(PEOPLE)])
    about = [access(subject=pseudonym(n % PEOPLE)) for n in range(ACCESSES)]
    await ledger.append_many([access_draft(each) for each in about])


class Explaining:
    """A connection that keeps the plan of whatever it is asked, and answers."""

    def __init__(self, connection: Any, prefix: str) -> None:
        self._connection = connection
        self._prefix = prefix
        self.plans: list[str] = []

    def execute(self, query: str, values: Any = ()) -> Any:
        rows = self._connection.execute(f"{self._prefix} {query}", values).fetchall()
        self.plans.append("\n".join(str(row[-1]) for row in rows))
        return self._connection.execute(query, values)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plans")
    SQLITE.run(folder, fill)
    return folder / "ledger" / "ledger.sqlite"


@pytest.fixture(scope="module")
def url(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("plans")
    on_postgres(postgres).run(folder, fill)
    with psycopg.connect(postgres.url_for(folder), autocommit=True) as connection:
        connection.execute("ANALYZE event")
    return postgres.url_for(folder)


@pytest.mark.parametrize("name", QUESTIONS)
def test_sqlite_answers_without_reading_through_the_table(file: Path, name: str) -> None:
    connection = Explaining(sqlite3.connect(file), "EXPLAIN QUERY PLAN")
    QUESTIONS[name](of_sqlite, connection)
    assert connection.plans
    for plan in connection.plans:
        scanned = re.findall(r"^SCAN (?:event|e|idempotency|i|text|t)\b.*$", plan, re.MULTILINE)
        assert scanned == [], plan


@pytest.mark.parametrize("name", QUESTIONS)
def test_postgres_answers_without_reading_through_the_table(url: str, name: str) -> None:
    with psycopg.connect(url) as server:
        connection = Explaining(server, "EXPLAIN")
        QUESTIONS[name](of_postgres, connection)
    assert connection.plans
    for plan in connection.plans:
        assert "Seq Scan on event" not in plan, plan


def test_a_follower_of_few_events_reads_few_however_many_lie_between(file: Path) -> None:
    """Counted in SQLite's own steps: the case events of a ledger that has none."""
    connection = sqlite3.connect(file)
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    connection.set_progress_handler(step, 100)
    assert of_sqlite.events_in(connection, 0, 1_000, CASE_KINDS) == []
    assert steps < 10
