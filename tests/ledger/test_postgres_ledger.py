"""What PostgreSQL alone can do to a ledger: rights, restarts, crashes, standbys, several nodes."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from pathlib import Path

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.commands.ledger import export_ledger
from api.ledger.audit.auditing import audit
from api.ledger.audit.folders import heads_folder, stored_heads, tree_folder
from api.ledger.audit.hash_files import HashFiles
from api.ledger.audit.keeping import make_head
from api.ledger.merkle.hashing import SHA256
from api.ledger.migrations import Migration, known_migrations
from api.ledger.places import open_ledger_at, open_log
from api.ledger.postgres.connection import connect
from api.ledger.postgres.ledger import (
    SCHEMA_FOLDER,
    PostgresLedger,
    migrate_postgres,
    open_postgres_ledger,
)
from api.ledger.protocol import Appended, Ledger, LedgerSchemaUnknown, LedgerUnavailable
from api.ledger.sqlite import ledger_path, open_ledger
from api.ledger.texts import text_of
from api.ledger.writer import Budgets
from api.ledger_export.tables import LedgerExport
from loadtest.tampering import NOON
from tests.ledger.drafts import claim, enrolled, pseudonym, withdrawn
from tests.ledger.postgres_server import PostgresServer
from tests.ledger.test_ledger_texts import kept, stated
from tests.support.patience import PATIENT_LEDGER
from tests.support.waiting import LONG_SECONDS, awaited_within, eventually

Story = Callable[[Ledger], Awaitable[None]]


def run(url: str, story: Story, budgets: Budgets | None = None) -> None:
    async def told() -> None:
        ledger = await open_postgres_ledger(url, budgets or Budgets(answer_seconds=LONG_SECONDS))
        try:
            await story(ledger)
        finally:
            await ledger.close()

    asyncio.run(told())


@pytest.fixture
def url(postgres: PostgresServer, tmp_path: Path) -> str:
    return postgres.url_for(tmp_path)


@pytest.fixture
def filled(url: str) -> str:
    async def story(ledger: Ledger) -> None:
        await ledger.append(enrolled(1), claim=claim("k"))
        await ledger.append(enrolled(2))

    run(url, story)
    return url


def refused(url: str, statement: str, before: str = "") -> str:
    """Code of the refusal."""
    with psycopg.connect(url) as connection:
        if before:
            connection.execute(before.encode())
        with pytest.raises(psycopg.Error) as error:
            connection.execute(statement.encode())
        connection.rollback()
    return error.value.sqlstate or ""


CHANGES = [
    "UPDATE event SET body = '{}' WHERE seq = 1",
    "DELETE FROM event WHERE seq = 2",
    "DELETE FROM event WHERE seq = 99",
    "TRUNCATE event",
    "INSERT INTO event SELECT 2, at_ms, kind, stream, subject, body FROM event WHERE seq = 1"
    " ON CONFLICT (seq) DO UPDATE SET body = '{}'",
    "INSERT INTO event SELECT 4, at_ms, kind, stream, subject, body FROM event WHERE seq = 1",
    "INSERT INTO event SELECT 0, at_ms, kind, stream, subject, body FROM event WHERE seq = 1",
    "INSERT INTO event SELECT seq * 2 + 1, at_ms, kind, stream, subject, body FROM event",
    "UPDATE idempotency SET status = 500",
    "DELETE FROM idempotency",
    "TRUNCATE idempotency",
]
INTEGRITY = "23000"
NO_RIGHT = "42501"


@pytest.mark.parametrize("statement", CHANGES)
def test_even_a_superuser_cannot_change_remove_or_replace_without_undoing_the_rules(
    filled: str, statement: str
) -> None:
    assert refused(filled, statement) == INTEGRITY
    replaying = "SET session_replication_role = replica"  # in which ordinary triggers are silent
    assert refused(filled, statement, replaying) == INTEGRITY


def test_the_owner_and_the_service_have_no_right_to_change_anything(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    name = postgres.url_for(tmp_path).rpartition("%3D")[2]
    with psycopg.connect(postgres.url(name)) as connection:
        for role in ("ledger_owner", "ledger_service"):
            connection.execute(f"DROP ROLE IF EXISTS {role}")
            connection.execute(f"CREATE ROLE {role} LOGIN")
        connection.execute(f"GRANT CREATE, USAGE ON SCHEMA {name} TO ledger_owner")
        connection.execute(f"GRANT USAGE ON SCHEMA {name} TO ledger_service")
    owner, service = (postgres.url(name, role) for role in ("ledger_owner", "ledger_service"))
    migrate_postgres(owner)
    with psycopg.connect(owner) as connection:
        connection.execute("GRANT SELECT, INSERT ON event, idempotency, text TO ledger_service")
        connection.execute("GRANT SELECT ON schema_version TO ledger_service")

    async def story(ledger: Ledger) -> None:
        assert isinstance(await ledger.append(enrolled(1), claim=claim("k")), Appended)
        assert isinstance(await ledger.append(enrolled(2)), Appended)
        for words in ("旧", "新"):
            text = text_of(words)
            await ledger.append(stated(text), text=text)
        assert await kept(ledger) == ["新"]  # what the database does by itself
        with pytest.raises(LedgerUnavailable, match="read_only"):
            await ledger.erase_texts([text.digest], enrolled(3))
        assert await kept(ledger) == ["新"]

    run(service, story)
    for statement in CHANGES:
        if statement.startswith("INSERT") and "CONFLICT" not in statement:
            continue  # a right it has; the trigger refuses it, as above
        assert refused(owner, statement) == NO_RIGHT
        assert refused(service, statement) == NO_RIGHT
    assert refused(service, "ALTER TABLE event DISABLE TRIGGER ALL") == NO_RIGHT
    with psycopg.connect(postgres.url(name)) as connection:
        for role in ("ledger_service", "ledger_owner"):
            connection.execute(f"REASSIGN OWNED BY {role} TO postgres")
            connection.execute(f"DROP OWNED BY {role}")
            connection.execute(f"DROP ROLE {role}")


def test_several_nodes_writing_at_once_lose_nothing_and_number_without_gaps(url: str) -> None:
    async def both() -> None:
        migrate_postgres(url)
        nodes = [PostgresLedger(url, PATIENT_LEDGER) for _ in range(3)]
        answers = await asyncio.gather(
            *(nodes[n % 3].append(enrolled(n % 100), require="not_active") for n in range(300)),
            return_exceptions=True,
        )
        stored = sorted(a.event.seq for a in answers if isinstance(a, Appended))
        assert stored == list(range(1, 101))
        events = await nodes[0].events_after(0, limit=1_000)
        assert len({event.subject for event in events}) == len(events) == 100
        for node in nodes:
            await node.close()

    asyncio.run(both())


def test_a_lock_held_too_long_is_unavailable_in_time_and_only_as_long_as_it_is_held(
    url: str,
) -> None:
    async def story(ledger: Ledger) -> None:
        await ledger.append(enrolled(1))
        holder = psycopg.connect(url)
        holder.execute("LOCK TABLE event IN EXCLUSIVE MODE")

        async def refused() -> None:
            waiting = [asyncio.create_task(ledger.append(enrolled(n))) for n in range(2, 20)]
            reasons = {str(e) for e in await asyncio.gather(*waiting, return_exceptions=True)}
            assert reasons == {"locked"}

        await awaited_within(1, refused)
        assert await ledger.position() == 1  # readers do not wait for writers
        holder.rollback()
        holder.close()
        assert isinstance(await ledger.append(enrolled(2)), Appended)

    run(url, story)


def test_a_server_that_crashes_loses_nothing_acknowledged_and_is_found_again(
    postgres: PostgresServer, url: str
) -> None:
    async def story(ledger: Ledger) -> None:
        numbers = itertools.count()
        answers: list[object] = []

        async def write_on() -> None:
            """One after the other, until there is nobody who takes it."""
            is_taken = True
            while is_taken:
                (answer,) = await asyncio.gather(
                    ledger.append(enrolled(next(numbers))), return_exceptions=True
                )
                answers.append(answer)
                is_taken = isinstance(answer, Appended)

        tasks = [asyncio.create_task(write_on()) for _ in range(40)]
        await eventually(lambda: len(answers) > 400)
        await asyncio.to_thread(postgres.stop, "immediate")
        try:
            await asyncio.gather(*tasks)
            assert {type(answer) for answer in answers} == {Appended, LedgerUnavailable}
            with pytest.raises(LedgerUnavailable, match="gone"):
                await ledger.append(enrolled(next(numbers)))
            with pytest.raises(LedgerUnavailable, match="gone"):
                await ledger.position()
        finally:
            await asyncio.to_thread(postgres.start)  # every other room's too
        kept = {e.seq: e for e in await ledger.events_after(0, limit=1_000_000)}
        given = {a.event.seq: a.event for a in answers if isinstance(a, Appended)}
        assert given.items() <= kept.items()
        assert list(kept) == list(range(1, len(kept) + 1))
        assert isinstance(await ledger.append(enrolled(next(numbers))), Appended)

    run(url, story)


def test_a_server_that_may_not_be_written_is_read_only(postgres: PostgresServer, url: str) -> None:
    async def story(ledger: Ledger) -> None:
        await ledger.append(enrolled(1))

    run(url, story)
    standby = f"{url}%20-cdefault_transaction_read_only%3Don"

    async def refused_story(ledger: Ledger) -> None:
        with pytest.raises(LedgerUnavailable, match="read_only"):
            await ledger.append(enrolled(2))
        assert await ledger.position() == 1

    run(standby, refused_story)


def test_commits_are_synced_also_where_the_servers_default_is_not(url: str) -> None:
    with connect(f"{url}%20-csynchronous_commit%3Doff") as connection:
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)


def test_a_slow_read_ends_at_its_deadline_and_the_next_one_works(url: str) -> None:
    async def story(ledger: Ledger) -> None:
        assert isinstance(ledger, PostgresLedger)
        with pytest.raises(LedgerUnavailable, match="slow"):
            await ledger._reader.read(lambda c: c.execute("SELECT pg_sleep(30)").fetchone())
        assert await ledger.position() == 0

    run(url, story)


def test_a_schema_of_a_newer_program_or_an_edited_one_is_not_touched(filled: str) -> None:
    steps = known_migrations(SCHEMA_FOLDER)
    newer = Migration(len(steps) + 1, "newer", "CREATE TABLE newer (x integer)")
    migrate_postgres(filled, [*steps, newer])
    with pytest.raises(LedgerSchemaUnknown):
        migrate_postgres(filled)
    with pytest.raises(LedgerSchemaUnknown):
        migrate_postgres(filled, [Migration(1, "edited", "SELECT 1"), *steps[1:], newer])


def test_a_failing_schema_step_leaves_the_old_schema(filled: str) -> None:
    steps = known_migrations(SCHEMA_FOLDER)
    broken = Migration(
        2, "broken", "CREATE TABLE later (x integer); CREATE TABLE event (x integer)"
    )
    with pytest.raises(LedgerUnavailable):
        migrate_postgres(filled, [*steps, broken])
    with psycopg.connect(filled) as connection:
        assert connection.execute("SELECT to_regclass('later')").fetchone() == (None,)
        assert connection.execute("SELECT count(*) FROM schema_version").fetchone() == (len(steps),)


def test_an_export_is_the_same_from_either_database(url: str, tmp_path: Path) -> None:
    drafts = [*(enrolled(n) for n in range(50)), *(withdrawn(n) for n in range(0, 50, 3))]

    async def fill(ledger: Ledger) -> None:
        await ledger.append_many(drafts)

    async def fill_file() -> None:
        ledger = await open_ledger(ledger_path(tmp_path))
        await fill(ledger)
        await ledger.close()

    asyncio.run(fill_file())
    run(url, fill)
    ours, theirs = export_ledger(tmp_path), export_ledger(tmp_path / "other", ledger=url)
    for name in ("enrolments.parquet", "record_states.parquet"):
        assert (ours / name).read_bytes() == (theirs / name).read_bytes()
    with LedgerExport(url, 50) as export:
        assert sum(len(batch) for batch in export.enrolments(7)) == 50


def test_a_signed_head_is_the_same_over_either_database(url: str, tmp_path: Path) -> None:
    file = str(ledger_path(tmp_path))
    key = Ed25519PrivateKey.generate()
    heads = []
    for place in (url, file):

        async def fill(place: str = place) -> None:
            ledger = await open_ledger_at(place)
            await ledger.append_many([enrolled(n) for n in range(20)])
            await ledger.close()

        asyncio.run(fill())
        data = tmp_path / str(len(heads))
        with open_log(place) as log:
            make_head(data, log, key, NOON)
            with pytest.raises(KeyError):
                log.leaf(21)
        heads += stored_heads(heads_folder(data), key.public_key(), None)
    assert heads[0].head == heads[1].head
    assert heads[0].head.size == 20


def test_a_rewritten_database_is_found_and_its_first_broken_index_named(
    filled: str, tmp_path: Path
) -> None:
    key = Ed25519PrivateKey.generate()
    with open_log(filled) as log:
        make_head(tmp_path, log, key, NOON)
    with psycopg.connect(filled) as connection:
        connection.execute("ALTER TABLE event DISABLE TRIGGER ALL")
        connection.execute("UPDATE event SET at_ms = at_ms + 1 WHERE seq = 2")
    heads = stored_heads(heads_folder(tmp_path), key.public_key(), None)
    with open_log(filled) as log, HashFiles(tree_folder(tmp_path), SHA256) as kept:
        broken = audit(log, heads, kept).broken
    assert broken is not None
    assert (broken.index, broken.is_exact) == (1, True)


def test_a_person_is_found_whatever_the_order_of_the_servers_language(url: str) -> None:
    async def story(ledger: Ledger) -> None:
        await ledger.append_many([enrolled(n) for n in range(300)])
        for number in range(0, 300, 17):
            assert (await ledger.enrolment_of(pseudonym(number))).seq == number + 1

    run(url, story)
