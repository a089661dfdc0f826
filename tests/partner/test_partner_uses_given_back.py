"""A use is a line in the log: what is counted without one is given back, and nothing closes a
citizen's consent for the day but answers."""

import asyncio
import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from api.consents.projection import LiveConsents
from api.consents.protocol import LiveConsent, Owner
from api.ledger.commit_group import AppendRequest, Outcome
from api.ledger.protocol import LedgerUnavailable
from api.partner.eligibility import Eligibility
from api.partner.uses import Uses
from api.store.protocol import CountedRead, Stored, StoreDown, Version
from scoring.store.embedded import EmbeddedStore
from tests.api.service import Reply, exchange
from tests.partner.town import Town, question, subject_of, town_in
from tests.support.waiting import LONG_SECONDS, eventually

BATCH = "/v1/eligibility/batch"


@pytest.fixture(scope="module")
def own_town(
    tmp_path_factory: pytest.TempPathFactory, store: EmbeddedStore
) -> Iterator[tuple[Town, str]]:
    with town_in(tmp_path_factory.mktemp("uses"), store, people=20) as running:
        yield running, running.token()


def lines(town: Town, subject: str) -> int:
    found = town.service.ledger.subject_events(subject, kinds=["accessed"], limit=100)
    return len(town.service.run(found))


def writer_of(town: Town) -> Any:
    return town.service.ledger._writer._transactions  # type: ignore[attr-defined]


async def asking(town: Town, token: str, body: Any, path: str = "/v1/eligibility") -> Reply:
    headers = [
        (b"host", b"test"),
        (b"content-type", b"application/json"),
        (b"authorization", f"Bearer {token}".encode()),
    ]
    return await exchange(town.service.app, "POST", path, headers, [json.dumps(body).encode()])


def test_a_ledger_that_is_down_uses_up_no_consent(
    own_town: tuple[Town, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    town, token = own_town
    (handle,) = town.consents([subject_of("over", 1)], max_uses_per_day=1)

    def gone() -> bool:
        raise LedgerUnavailable("gone")

    with monkeypatch.context() as patched:
        patched.setattr(writer_of(town), "try_begin", gone)
        assert [town.ask(handle, token).status for _ in range(4)] == [503] * 4
    assert [town.ask(handle, token).status for _ in range(2)] == [200, 429]
    assert lines(town, subject_of("over", 1)) == 1


class HeldWriter:
    """The writer stops at the next group until `go` is set."""

    def __init__(self, town: Town, patched: pytest.MonkeyPatch) -> None:
        self.is_there, self.go = threading.Event(), threading.Event()
        self._store = writer_of(town).store
        patched.setattr(writer_of(town), "store", self.store)

    def store(self, requests: list[AppendRequest]) -> Sequence[Outcome]:
        self.is_there.set()
        assert self.go.wait(LONG_SECONDS)
        return self._store(requests)  # type: ignore[no-any-return]


def test_who_hangs_up_while_the_line_is_stored_has_used_the_consent_and_who_did_before_has_not(
    own_town: tuple[Town, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    town, token = own_town
    people = [subject_of("over", 2), subject_of("over", 3)]
    first, second = town.consents(people, max_uses_per_day=1)

    async def hang_up(writer: HeldWriter) -> None:
        stored = asyncio.ensure_future(asking(town, token, question(first)))
        await eventually(writer.is_there.is_set)
        queued = asyncio.ensure_future(asking(town, token, question(second)))
        queue = town.service.ledger._writer._queue  # type: ignore[attr-defined]
        await eventually(lambda: queue.qsize() >= 2)  # its line, and the news of a first use
        for each in (stored, queued):
            each.cancel()
            with pytest.raises(asyncio.CancelledError):
                await each
        writer.go.set()

    with monkeypatch.context() as patched:
        town.service.run(hang_up(HeldWriter(town, patched)))
    # What was queued is settled before the next line is.
    other = town.consents([subject_of("over", 4)])[0]
    assert town.ask(other, token).status == 200
    assert [lines(town, who) for who in people] == [1, 0]
    assert town.ask(first, token).status == 429
    assert [town.ask(second, token).status for _ in range(2)] == [200, 429]


def test_a_question_refused_because_of_a_pause_is_no_use(own_town: tuple[Town, str]) -> None:
    """The worker remembers the consent as it was, counts, and reads that it is paused."""
    town, token = own_town
    subject = subject_of("over", 5)
    (handle,) = town.consents([subject], max_uses_per_day=2)
    assert town.ask(handle, token).status == 200
    service = town.service
    hers = service.signer.token(sub=subject)
    (consent,) = service.get("/v1/me/consents", hers).json()["items"]
    path = f"/v1/me/consents/{consent['id']}"
    kind = {"content-type": "application/json"}

    def turn(status: str) -> None:
        body = json.dumps({"status": status}).encode()
        assert service.ask("PATCH", path, hers, kind, [body]).status == 200

    turn("paused")
    assert town.ask(handle, token).code == "consent_revoked"
    turn("active")
    assert [town.ask(handle, token).status for _ in range(2)] == [200, 429]


@pytest.mark.parametrize("trouble", [StoreDown("gone"), asyncio.CancelledError()])
def test_a_question_cut_off_after_it_was_counted_is_no_use(
    own_town: tuple[Town, str], monkeypatch: pytest.MonkeyPatch, trouble: BaseException
) -> None:
    """Somebody changed the consent meanwhile, and it cannot be asked for again."""
    town, token = own_town
    number = 18 if isinstance(trouble, StoreDown) else 19
    (handle,) = town.consents([subject_of("over", number)], max_uses_per_day=2)
    assert town.ask(handle, token).status == 200

    async def cut_off(consents: LiveConsents, handle: str) -> LiveConsent | None:
        raise trouble

    async def asked() -> None:
        await asking(town, token, question(handle))

    with monkeypatch.context() as patched:
        patched.setattr(LiveConsents, "is_still", lambda *_: False)
        patched.setattr(LiveConsents, "live", cut_off)
        if isinstance(trouble, StoreDown):
            assert town.ask(handle, token).status == 503
        else:
            with pytest.raises(asyncio.CancelledError):
                town.service.run(asked())
    assert [town.ask(handle, token).status for _ in range(2)] == [200, 429]


def test_a_batch_that_one_question_fails_uses_up_none_of_the_others(
    own_town: tuple[Town, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    town, token = own_town
    people = [subject_of("over", n) for n in (6, 7, 8)]
    handles = town.consents(people, max_uses_per_day=1)
    real = town.reader.counted

    async def counted(*args: Any, **asked: Any) -> CountedRead:
        read = await real(*args, **asked)
        if handles[1] in asked["counter"]:
            raise StoreDown("one of three")
        return read

    body = {"items": [question(handle) for handle in handles]}
    key = {"idempotency-key": "one-fails"}
    with monkeypatch.context() as patched:
        patched.setattr(town.reader, "counted", counted)
        assert town.service.post(BATCH, body, token, **key).status == 503
    assert [lines(town, who) for who in people] == [0, 0, 0]
    assert [town.ask(handles[n], token).status for n in (0, 2)] == [200, 200]


def test_a_batch_reads_one_version_though_another_is_served_in_the_middle(
    own_town: tuple[Town, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    town, token = own_town
    handles = town.consents([subject_of("over", n) for n in (9, 10, 11)])
    served = town.reader.version()
    read: list[Version] = []
    real = town.reader.counted

    async def counted(version: Version, *args: Any, **asked: Any) -> CountedRead:
        read.append(version)
        newer = Version(manifest=served.manifest, documents=served.documents)
        patched.setattr(town.reader, "version", lambda: newer)
        return await real(version, *args, **asked)

    body = {"items": [question(handle) for handle in handles]}
    for headers in ({}, {"idempotency-key": "flip"}):
        with monkeypatch.context() as patched:
            patched.setattr("api.partner.routes.AT_ONCE", 1)
            patched.setattr(town.reader, "counted", counted)
            read.clear()
            assert town.service.post(BATCH, body, token, **headers).status == 200
        assert len(read) == 3
        assert all(version is read[0] for version in read)


def test_a_copy_refused_for_what_its_twin_did_gets_the_twins_answer(
    own_town: tuple[Town, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key's hold was lost, and the twin ends between the copy's two looks."""
    town, token = own_town
    subject = subject_of("over", 12)
    (handle,) = town.consents([subject], max_uses_per_day=1)
    headers = [
        (b"host", b"test"),
        (b"content-type", b"application/json"),
        (b"authorization", f"Bearer {token}".encode()),
        (b"idempotency-key", b"twins"),
    ]
    body = json.dumps(question(handle)).encode()
    twins: list[Reply] = []
    real = Eligibility.decided

    async def ask() -> Reply:
        return await exchange(town.service.app, "POST", "/v1/eligibility", headers, [body])

    async def after_the_twin(self: Eligibility, *args: Any) -> Any:
        patched.setattr(Eligibility, "decided", real)
        twins.append(await ask())
        return await real(self, *args)

    async def free(*_: object, **__: object) -> bool:
        return True

    with monkeypatch.context() as patched:
        patched.setattr(town.reader, "hold", free)
        patched.setattr(Eligibility, "decided", after_the_twin)
        late = town.service.run(ask())
    assert [twins[0].status, late.status] == [200, 200]
    assert late.body == twins[0].body
    assert lines(town, subject) == 1
    assert town.ask(handle, token).status == 429


class ForgetfulStore:
    """Begins anew, without its counters, right after the first counter was lifted."""

    def __init__(self) -> None:
        self.began_at: int | None = 2_000_000_000
        self.uses = 0
        self.lifts = 0

    async def raise_to(self, key: str, least: int, *, expires_at: int) -> None:
        self.lifts += 1
        self.uses = max(self.uses, least)
        if self.lifts == 1:
            self.uses, self.began_at = 0, 2_000_000_001

    async def counted(self, *_: object, **__: object) -> CountedRead:
        self.uses += 1
        return CountedRead(None, self.uses, Stored(None, None))


def test_a_store_that_begins_anew_between_two_steps_is_counted_on_from_the_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(*_: object) -> bool:
        return True

    async def three(*_: object) -> int:
        return 3

    monkeypatch.setattr("api.partner.uses._has_lost", lost)
    monkeypatch.setattr("api.partner.uses.lines_of_day", three)
    consent = LiveConsent(
        seq=1,
        id="c",
        status="active",
        owner=Owner("who", "who"),
        partner="library",
        policy="deposit",
        purpose="borrow",
        not_before_ms=0,
        expires_at_ms=1 << 50,
        max_uses_per_day=3,
    )
    store = ForgetfulStore()
    uses = Uses(store)  # type: ignore[arg-type]

    async def ask() -> CountedRead:
        return await uses.read(None, None, "handle", consent, 1_790_000_000_000)  # type: ignore[arg-type]

    assert asyncio.run(ask()).uses == 4  # above the cap of three
    assert store.lifts == 2
