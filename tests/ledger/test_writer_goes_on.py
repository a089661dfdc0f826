"""The thread that writes: nothing unforeseen ends it, and who has gone is told what became of it."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import psycopg
import pytest

from api.ledger.commit_group import AppendRequest, Outcome
from api.ledger.postgres.transaction import PostgresTransactions
from api.ledger.protocol import (
    Appended,
    EventDraft,
    Ledger,
    LedgerError,
    LedgerUnavailable,
)
from api.ledger.sqlite import SqliteLedger
from api.ledger.threaded import ThreadedLedger
from tests.ledger.conftest import SQLITE, Implementation
from tests.ledger.drafts import enrolled
from tests.support.waiting import LONG_SECONDS, eventually


def failing_once(ledger: SqliteLedger, step: str) -> None:
    """What nobody foresaw, at one step of the writer, the next time it comes there."""
    transactions = ledger._writer._transactions
    real = getattr(transactions, step)

    def failing(*args: object) -> object:
        setattr(transactions, step, real)
        raise KeyError("unforeseen")

    setattr(transactions, step, failing)


async def refused(waiting: Awaitable[object]) -> LedgerUnavailable:
    with pytest.raises(LedgerUnavailable) as error:
        await waiting
    return error.value


@pytest.mark.parametrize(("step", "is_certain"), [("try_begin", True), ("store", False)])
def test_what_nobody_foresaw_is_answered_and_the_next_event_is_stored(
    tmp_path: Path, step: str, is_certain: bool
) -> None:
    async def story(ledger: Ledger) -> None:
        assert isinstance(ledger, SqliteLedger)
        failing_once(ledger, step)
        error = await refused(ledger.append(enrolled(1)))
        assert (error.reason, error.is_certain) == ("io", is_certain)
        await stored_soon(ledger, 2)

    SQLITE.run(tmp_path, story)


def test_a_turn_that_cannot_be_given_away_ends_nothing(tmp_path: Path) -> None:
    async def story(ledger: Ledger) -> None:
        assert isinstance(ledger, SqliteLedger)
        failing_once(ledger, "give_way")
        for number in range(3):
            assert isinstance(await ledger.append(enrolled(number)), Appended)

    SQLITE.run(tmp_path, story)


def test_a_job_that_fails_is_told_so_and_the_next_one_is_done(tmp_path: Path) -> None:
    async def story(ledger: Ledger) -> None:
        assert isinstance(ledger, SqliteLedger)
        failing_once(ledger, "store_many")
        assert (await refused(ledger.append_many([enrolled(1)]))).reason == "io"
        await stored_soon(ledger, 2)

    SQLITE.run(tmp_path, story)


class DyingServer:
    """Takes the connection and is gone before its first question."""

    is_closed = False

    def execute(self, *_: object) -> None:
        raise psycopg.OperationalError("gone")

    def close(self) -> None:
        self.is_closed = True


def test_a_server_that_goes_between_connection_and_question_is_gone_like_any_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = DyingServer()
    monkeypatch.setattr("api.ledger.postgres.transaction.connect", lambda _: server)
    with pytest.raises(LedgerUnavailable) as error:
        PostgresTransactions("postgresql://nowhere").try_begin()
    assert error.value.reason == "gone"
    assert server.is_closed


async def stored_soon(ledger: Ledger, number: int) -> None:
    """A transaction that the failure left begun costs one more try."""
    for _ in range(3):
        try:
            assert isinstance(await ledger.append(enrolled(number)), Appended)
        except LedgerUnavailable:
            continue
        return
    raise AssertionError("nothing is stored any more")


class HeldWriter:
    """The writer stops where it has decided on a group, until `go` is set."""

    def __init__(self, ledger: ThreadedLedger[object]) -> None:
        self.is_there, self.go = threading.Event(), threading.Event()
        transactions = ledger._writer._transactions
        self._store = transactions.store
        transactions.store = self.store  # type: ignore[method-assign]

    def store(self, requests: list[AppendRequest]) -> Sequence[Outcome]:
        self.is_there.set()
        assert self.go.wait(LONG_SECONDS)
        return self._store(requests)


def told(
    implementation: Implementation,
    place: Path,
    story: Callable[[ThreadedLedger[object], HeldWriter], Awaitable[None]],
) -> None:
    async def held(ledger: Ledger) -> None:
        assert isinstance(ledger, ThreadedLedger)
        writer = HeldWriter(ledger)
        try:
            await story(ledger, writer)
        finally:
            writer.go.set()

    implementation.run(place, held)


def appending(
    ledger: Ledger, draft: EventDraft, heard: list[object]
) -> asyncio.Task[Appended | object]:
    return asyncio.ensure_future(ledger.append(draft, afterwards=heard.append))


def test_who_goes_while_her_event_is_being_stored_is_told_that_it_is(
    implementation: Implementation, tmp_path: Path
) -> None:
    async def story(ledger: ThreadedLedger[object], writer: HeldWriter) -> None:
        heard: list[object] = []
        going = appending(ledger, enrolled(1), heard)
        await eventually(writer.is_there.is_set)
        going.cancel()
        with pytest.raises(asyncio.CancelledError):
            await going
        assert heard == []
        writer.go.set()
        await eventually(lambda: bool(heard))
        assert isinstance(heard[0], Appended)
        assert await ledger.position() == 1

    told(implementation, tmp_path, story)


def test_who_goes_before_is_told_that_nothing_is_stored_nor_will_be(
    implementation: Implementation, tmp_path: Path
) -> None:
    async def story(ledger: ThreadedLedger[object], writer: HeldWriter) -> None:
        heard: list[object] = []
        staying = asyncio.ensure_future(ledger.append(enrolled(1)))
        await eventually(writer.is_there.is_set)
        going = appending(ledger, enrolled(2), heard)
        await asyncio.sleep(0)  # it is queued behind the group that is being stored
        going.cancel()
        writer.go.set()
        assert isinstance(await staying, Appended)
        await eventually(lambda: bool(heard))
        assert isinstance(heard[0], LedgerUnavailable)
        assert heard[0].is_certain
        assert await ledger.position() == 1

    told(implementation, tmp_path, story)


def test_who_waits_is_told_once(implementation: Implementation, tmp_path: Path) -> None:
    async def story(ledger: ThreadedLedger[object], writer: HeldWriter) -> None:
        writer.go.set()
        heard: list[object] = []
        assert isinstance(await appending(ledger, enrolled(1), heard), Appended)
        with pytest.raises(LedgerError):
            await ledger.append(enrolled(1), require="not_active", afterwards=heard.append)
        assert heard == []

    told(implementation, tmp_path, story)
