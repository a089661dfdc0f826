"""Old versions end on their day, leave what answers rest on, and never take what is still needed."""

import asyncio
import datetime as dt
import itertools
import shutil
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import ParamSpec, TypeVar

import msgspec
import polars as pl
import pytest
from typer.testing import CliRunner

from api.accesses.answered import answered_from
from api.accesses.events import access_draft
from api.accesses.protocol import AccessEvent
from api.commands import app
from api.commands.decision import SnapshotFolder
from api.commands.ending import end, over_on
from api.ledger.places import open_ledger_at
from api.ledger.protocol import Ledger
from api.ledger.sqlite import ledger_path
from scoring.build.folder import only_build
from scoring.contract.documents import BenefitsDocument
from scoring.contract.served import SERVED_FILE, ServedSnapshot
from scoring.ended import ending, remains
from scoring.errors import ChengxinError, PublishLost
from scoring.overlay.journal import note
from scoring.overlay.rebuild import OverlaidCitizen
from scoring.policy.retention import load_retention
from scoring.publish import prune
from scoring.publish.pointers import held_pen, rollback
from scoring.store.embedded import EmbeddedStore
from tests.ledger.drafts import enrolled
from tests.support.snapshots import SNAPSHOT_KEY, city, subject, write_snapshot
from tests.support.stores import connected, publish_to

FIRST_DAY = dt.date(2024, 1, 1)
DAYS = load_retention().of("versions").days
ANSWER_DAYS = load_retention().of("answers").days
ASKED_ON = dt.date(2024, 1, 2)
ASKED_AT_MS = int(dt.datetime(2024, 1, 2, 4, tzinfo=dt.UTC).timestamp()) * 1_000
PEOPLE = 3

P, R, T = ParamSpec("P"), TypeVar("R"), TypeVar("T")


@pytest.fixture(autouse=True)
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prune, "GRACE_SECONDS", 0.0)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Keys, and nothing else."""
    with_keys(tmp_path)
    return tmp_path


def with_keys(folder: Path) -> None:
    (folder / "keys").mkdir()
    (folder / "keys" / "snapshot.key").write_text(SNAPSHOT_KEY.hex())


def as_of(version: int) -> dt.date:
    return FIRST_DAY + dt.timedelta(days=version - 1)


def day_over(version: int) -> dt.date:
    return as_of(version) + dt.timedelta(days=DAYS)


def published(server: EmbeddedStore, data: Path, *versions: int) -> None:
    """Each in the store, on the disk as a build leaves it, with its export."""
    for version in versions:
        folder = write_snapshot(
            data / "snapshots",
            f"s{version}",
            city(PEOPLE, version),
            as_of=as_of(version),
            ledger_position=version,
        )
        publish_to(server, folder)
        _as_built(folder)
        export = data / "exports" / str(version)
        export.mkdir(parents=True)
        (export / "export.json").write_text("{}")


def _as_built(folder: Path) -> None:
    (folder / "scores.parquet").rename(folder / "00.parquet")
    (folder / "scores.parquet").mkdir()
    (folder / "00.parquet").rename(folder / "scores.parquet" / "00.parquet")
    (folder / "documents").mkdir()
    benefits = msgspec.json.encode(BenefitsDocument(items=[]))
    (folder / "documents" / "benefits.json").write_bytes(benefits)


def laid(data: Path, version: int, number: int) -> None:
    citizen = OverlaidCitizen(snapshot_subject=subject(number), bucket=0, hot="")
    note(data / "overlays", f"s{version}", 9, [citizen], at_ms=ASKED_AT_MS)


def asked_about(number: int, snapshot: str, at_ms: int = ASKED_AT_MS) -> AccessEvent:
    return AccessEvent(
        subject=f"citizen-{number}",
        at_ms=at_ms,
        initiator_kind="partner",
        initiator="bank",
        purpose="p",
        legal_basis="b",
        response_digest="0" * 64,
        policy="x",
        decision_id=f"d-{number}-{at_ms}",
        snapshot=snapshot,
    )


def told(data: Path, story: Callable[[Ledger], Awaitable[T]]) -> T:
    async def opened() -> T:
        ledger_path(data).parent.mkdir(exist_ok=True)
        ledger = await open_ledger_at(str(ledger_path(data)))
        try:
            return await story(ledger)
        finally:
            await ledger.close()

    return asyncio.run(opened())


def ended(
    server: EmbeddedStore, data: Path, day: dt.date, *asked: AccessEvent
) -> "ending.Ended | None":
    async def story(ledger: Ledger) -> "ending.Ended | None":
        if asked:
            await asked_in(ledger, *asked)
        return await end(ledger, data, over_on(data, day, server.url), server.url)

    return told(data, story)


async def asked_in(ledger: Ledger, *asked: AccessEvent) -> None:
    """After as many events as the versions' ledger positions count."""
    await ledger.append_many([enrolled(number) for number in range(5)])
    for access in asked:
        await ledger.append(access_draft(access))


def on_disk(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.glob("[!.]*") if each.is_dir())


def files_below(folder: Path) -> list[str]:
    return sorted(str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file())


def test_a_version_ends_on_its_day_and_not_the_day_before(
    server: EmbeddedStore, data: Path
) -> None:
    published(server, data, 1, 2, 3, 4, 5)
    laid(data, 1, 0)
    assert ended(server, data, day_over(1) - dt.timedelta(days=1)) is None
    found = ended(server, data, day_over(1))
    assert found == ending.Ended(versions=["s1"], exports=["1"], kept=[])
    assert on_disk(data / "snapshots") == ["s2", "s3", "s4", "s5"]
    assert on_disk(data / "exports") == ["2", "3", "4", "5"]
    assert files_below(data / "overlays") == []
    what_it_was = ["documents/benefits.json", "manifest.json", "manifest.sig"]
    assert files_below(data / "ended" / "s1") == what_it_was


def test_what_the_store_holds_and_the_newest_stay_however_old_they_are(
    server: EmbeddedStore, data: Path
) -> None:
    published(server, data, 1, 2, 3, 4)
    with connected(server) as store:
        assert rollback(store) == ("s4", "s3")
    folder = write_snapshot(data / "snapshots", "s9", city(1, 9), as_of=as_of(9))
    assert folder.exists()  # built, and published by nobody
    found = ended(server, data, dt.date(2030, 1, 1))
    assert found is not None
    assert found.versions == ["s1"]
    assert on_disk(data / "snapshots") == ["s2", "s3", "s4", "s9"]


def test_what_workers_would_serve_without_the_store_stays(
    server: EmbeddedStore, data: Path
) -> None:
    published(server, data, 1, 2, 3, 4, 5, 6)
    told_file = msgspec.json.encode(ServedSnapshot(snapshot="s1"))
    (data / "snapshots" / SERVED_FILE).write_bytes(told_file)
    found = ended(server, data, dt.date(2030, 1, 1))
    assert found is not None
    assert found.versions == ["s2", "s3"]


def test_nothing_ends_while_the_store_is_silent_or_has_lost_everything(
    server: EmbeddedStore, data: Path
) -> None:
    published(server, data, 1, 2, 3, 4, 5)
    with connected(server) as store:
        store.call("FLUSHALL", "SYNC")
    assert ended(server, data, dt.date(2030, 1, 1)) is None
    nowhere = f"unix://{data}/nowhere.sock"
    over = over_on(data, dt.date(2030, 1, 1), nowhere)
    assert (over.counts()["versions"], over.silent is not None) == (0, True)
    assert len(on_disk(data / "snapshots")) == 5


def test_neither_a_publisher_nor_a_build_loses_a_folder_below_its_hands(
    server: EmbeddedStore, data: Path
) -> None:
    published(server, data, 1, 2, 3, 4, 5)
    with (
        connected(server) as publisher,
        held_pen(publisher),
        pytest.raises(PublishLost, match="publisher_at_work"),
    ):
        ended(server, data, day_over(1))
    with only_build(data / "snapshots"), pytest.raises(ChengxinError, match="build_running"):
        ended(server, data, day_over(1))
    assert len(on_disk(data / "snapshots")) == 5
    assert ended(server, data, day_over(1)) is not None


def test_an_answer_can_be_repeated_from_what_remains(server: EmbeddedStore, data: Path) -> None:
    published(server, data, 1, 2, 3, 4, 5)
    scores_of_ledger_subjects(data / "snapshots" / "s1")
    laid(data, 1, 1)
    laid(data, 1, 2)
    before = [answer_of(data, number) for number in range(PEOPLE)]
    assert [points for points, _ in before] == [601, None, None]
    asked = [asked_about(number, "s1") for number in (0, 1)]
    assert ended(server, data, day_over(1), *asked, asked_about(2, "s2")) is not None
    assert [answer_of(data, number) for number in (0, 1)] == before[:2]
    others = b"".join(file.read_bytes() for file in remaining(data, "s1"))
    assert subject(2).encode() not in others
    assert b"citizen-2" not in others
    assert subject(1).encode() in others


def test_what_an_answer_rests_on_goes_with_its_class_and_the_version_s_papers_stay(
    server: EmbeddedStore, data: Path
) -> None:
    published(server, data, 1, 2, 3, 4, 5)
    scores_of_ledger_subjects(data / "snapshots" / "s1")
    assert ended(server, data, day_over(1), asked_about(0, "s1")) is not None
    last_day = ASKED_ON + dt.timedelta(days=ANSWER_DAYS)
    ended(server, data, last_day - dt.timedelta(days=1))
    assert answer_of(data, 0)[0] == 601
    ended(server, data, last_day)
    with pytest.raises(FileNotFoundError):
        answer_of(data, 0)
    what_it_was = ["documents/benefits.json", "manifest.json", "manifest.sig"]
    assert files_below(data / "ended" / "s1") == what_it_was


def scores_of_ledger_subjects(folder: Path) -> None:
    """As a build writes them: by the ledger's pseudonyms."""
    rows = {f"citizen-{n}": 601 for n in range(PEOPLE)}
    frame = pl.DataFrame({"subject": list(rows), "score_points": list(rows.values())})
    frame.write_parquet(folder / "scores.parquet" / "00.parquet")


def answer_of(data: Path, number: int) -> tuple[int | None, int]:
    kept = SnapshotFolder(data, "s1", ASKED_AT_MS)
    return kept.score_points(f"citizen-{number}"), kept.ledger_position


def remaining(data: Path, snapshot: str) -> list[Path]:
    return [each for each in (data / "ended" / snapshot).rglob("*") if each.is_file()]


def test_who_was_answered_about_is_read_from_either_ledger(ledger_place: str) -> None:
    async def story() -> None:
        ledger = await open_ledger_at(ledger_place)
        try:
            await ledger.append(access_draft(asked_about(7, "s1")))  # before the position
            await ledger.append(enrolled(1))
            after = await ledger.position()
            later = ASKED_AT_MS + 5
            for number, snapshot, at in ((0, "s1", later), (1, "s1", ASKED_AT_MS), (2, "s2", 1)):
                await ledger.append(access_draft(asked_about(number, snapshot, at)))
            own = msgspec.structs.replace(asked_about(3, "s1"), decision_id=None)
            await ledger.append(access_draft(own))
            found = await answered_from(ledger, {"s1", "s0"}, after)
            assert set(found) == {"s1"}
            assert found["s1"].subjects == {"citizen-0", "citizen-1"}
            assert found["s1"].last_at_ms == later
        finally:
            await ledger.close()

    asyncio.run(story())


class Killed(BaseException):
    pass


def dying(real: Callable[P, R], calls: Iterator[int], number: int) -> Callable[P, R]:
    def stand_in(*arguments: P.args, **options: P.kwargs) -> R:
        if next(calls) == number:
            raise Killed
        return real(*arguments, **options)

    return stand_in


def is_killed_at(number: int, places: list[tuple[object, str]], run: Callable[[], object]) -> bool:
    """Whether the run came to its `number`-th call of these; that one is not done."""
    calls = itertools.count(1)
    with pytest.MonkeyPatch.context() as patched:
        for owner, name in places:
            patched.setattr(owner, name, dying(getattr(owner, name), calls, number))
        try:
            run()
        except Killed:
            return True
    return False


@pytest.mark.parametrize(
    "places",
    [
        [(Path, "rename"), (Path, "unlink")],
        [(shutil, "rmtree"), (shutil, "copyfile")],
        [(remains, "sync_folder"), (ending, "sync_folder")],
    ],
    ids=["names", "trees", "syncs"],
)
def test_killed_at_any_moment_the_version_or_its_remains_are_whole_and_the_next_run_ends_it(
    server: EmbeddedStore, tmp_path: Path, places: list[tuple[object, str]]
) -> None:
    whole, data = tmp_path / "whole", tmp_path / "data"
    whole.mkdir()
    with_keys(whole)
    published(server, whole, 1, 2, 3, 4, 5)
    scores_of_ledger_subjects(whole / "snapshots" / "s1")
    laid(whole, 1, 1)
    told(whole, lambda ledger: asked_in(ledger, asked_about(0, "s1")))
    for number in itertools.count(1):
        shutil.copytree(whole, data)
        if not is_killed_at(number, places, lambda: ended(server, data, day_over(1))):
            break
        assert answer_of(data, 0) == (601, 1)
        ended(server, data, day_over(1))
        assert answer_of(data, 0) == (601, 1)
        assert on_disk(data / "snapshots") == ["s2", "s3", "s4", "s5"]
        assert on_disk(data / "exports") == ["2", "3", "4", "5"]
        assert on_disk(data / "ended") == ["s1"]
        assert files_below(data / "overlays") == []
        assert not (data / "snapshots" / ending.ENDING).exists()
        shutil.rmtree(data)
    assert number > 2  # there were moments to be killed at


def test_the_command_says_what_it_removed_and_a_second_run_removes_nothing(
    server: EmbeddedStore, data: Path
) -> None:
    published(server, data, 1, 2, 3, 4, 5)
    told(data, lambda ledger: ledger.append(enrolled(1)))

    def invoked(*options: str) -> tuple[int, str]:
        asked = ["retention", "run", "--data", str(data), *options]
        done = CliRunner().invoke(app, asked)
        return getattr(done.exception, "exit_code", done.exit_code), done.stdout

    day = ("--as-of", day_over(2).isoformat())
    at = ("--store", server.url)
    code, counted = invoked(*day, *at, "--dry-run")
    assert (code, "over: version s1\nover: version s2\n" in counted) == (0, True)
    assert len(on_disk(data / "snapshots")) == 5
    code, silent = invoked(*day, "--store", f"unix://{data}/nowhere.sock")
    assert (code, "versions             0 erased" in silent) == (7, True)
    code, done = invoked(*day, *at)
    assert code == 0
    assert "removed version s1: what remains is in ended/s1\n" in done
    assert "removed export 2\n" in done
    code, again = invoked(*day, *at)
    assert (code, "removed" in again) == (0, False)
