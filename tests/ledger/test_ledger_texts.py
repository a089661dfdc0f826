"""What people wrote: stored with its event or not at all, and erased for good. On both ledgers."""

import asyncio
import sqlite3
from pathlib import Path

import psycopg
import pytest

from api.ledger.fold import body_bytes
from api.ledger.places import file_at, is_postgres, open_ledger_at
from api.ledger.protocol import (
    Appended,
    ConditionNotMet,
    EventDraft,
    EventRefused,
    Ledger,
    StreamChanged,
    Text,
)
from api.ledger.texts import text_digest, text_of
from api.rights.statements import (
    STATEMENT_REMOVED,
    STATEMENT_SET,
    StatementRemovedBody,
    StatementSetBody,
    statement_stream,
)
from tests.ledger.conftest import Implementation
from tests.ledger.drafts import AT_MS, claim, enrolled, pseudonym, withdrawn


def stated(text: Text | None, record_id: str = "r1", number: int = 1) -> EventDraft:
    body = StatementSetBody(text_digest=text.digest) if text else StatementRemovedBody()
    return EventDraft(
        kind=STATEMENT_SET if text else STATEMENT_REMOVED,
        stream=statement_stream(record_id),
        subject=pseudonym(number),
        at_ms=AT_MS,
        body=body_bytes(body),
    )


async def kept(ledger: Ledger) -> list[str]:
    standing = await ledger.standing_texts(0, limit=100)
    words = await ledger.texts([text.digest for text in standing])
    return [words[text.digest] for text in standing]


def test_words_are_found_by_the_digest_their_event_names(
    implementation: Implementation, tmp_path: Path
) -> None:
    async def story(ledger: Ledger) -> None:
        text = text_of("家人已代缴\n第二行")
        stored = await ledger.append(stated(text), text=text)
        assert isinstance(stored, Appended)
        assert await ledger.texts([text.digest, "0" * 64]) == {text.digest: "家人已代缴\n第二行"}
        (standing,) = await ledger.standing_texts(0, limit=10)
        assert (standing.digest, standing.event) == (text.digest, stored.event)
        assert await ledger.standing_texts(stored.event.seq, limit=10) == []
        assert await ledger.texts([]) == {}

    implementation.run(tmp_path, story)


def test_the_same_words_twice_have_nothing_in_common() -> None:
    first, second = text_of("同样的话"), text_of("同样的话")
    assert first.digest != second.digest
    assert first.digest == text_digest(first.salt, "同样的话")


def test_what_is_refused_or_repeated_stores_no_words(
    implementation: Implementation, tmp_path: Path
) -> None:
    async def story(ledger: Ledger) -> None:
        first = text_of("一")
        await ledger.append(stated(first), text=first, claim=claim("k"))
        again = text_of("一")
        await ledger.append(stated(again), text=again, claim=claim("k"))
        late = text_of("二")
        with pytest.raises(StreamChanged):
            await ledger.append(stated(late), text=late, stream_unchanged_since=0)
        with pytest.raises(ConditionNotMet):
            await ledger.append(stated(late), text=late, require="active")
        assert await kept(ledger) == ["一"]
        assert await ledger.position() == 1

    implementation.run(tmp_path, story)


def test_a_text_the_database_refuses_takes_its_event_with_it(
    implementation: Implementation, tmp_path: Path
) -> None:
    """And leaves the others of its group alone."""

    async def story(ledger: Ledger) -> None:
        bad = Text(digest="short", salt=b"\0" * 16, words="x")
        good = [text_of(str(n)) for n in range(5)]
        outcomes = await asyncio.gather(
            *(ledger.append(stated(t, f"g{n}"), text=t) for n, t in enumerate(good)),
            ledger.append(stated(bad, "bad"), text=bad),
            return_exceptions=True,
        )
        assert isinstance(outcomes[-1], EventRefused)
        assert await ledger.stream_events(statement_stream("bad")) == []
        assert sorted(await kept(ledger)) == list("01234")
        with pytest.raises(EventRefused):
            await ledger.append(stated(good[0], "other"), text=good[0])

    implementation.run(tmp_path, story)


def test_a_statement_ends_with_the_next_one_and_with_leaving(
    implementation: Implementation, tmp_path: Path
) -> None:
    async def story(ledger: Ledger) -> None:
        for number in (1, 2):
            await ledger.append(enrolled(number))
        for words, record_id, number in (
            ("旧", "r1", 1),
            ("新", "r1", 1),
            ("另一条", "r2", 1),
            ("她的", "r3", 2),
        ):
            text = text_of(words)
            await ledger.append(stated(text, record_id, number), text=text)
        assert await kept(ledger) == ["新", "另一条", "她的"]
        await ledger.append(stated(None, "r2"))
        assert await kept(ledger) == ["新", "她的"]
        await ledger.append(withdrawn(1))
        assert await kept(ledger) == ["她的"]

    implementation.run(tmp_path, story)


def test_a_statement_stored_in_the_same_commit_as_her_leaving_does_not_outlive_it(
    implementation: Implementation, tmp_path: Path
) -> None:
    async def story(ledger: Ledger) -> None:
        await ledger.append(enrolled(1))
        texts = [text_of(f"第{n}句") for n in range(20)]
        outcomes = await asyncio.gather(
            *(
                ledger.append(stated(t, f"r{n}"), text=t, require="active")
                for n, t in enumerate(texts)
            ),
            ledger.append(withdrawn(1), require="active"),
            return_exceptions=True,
        )
        assert isinstance(outcomes[-1], Appended)
        assert await kept(ledger) == []

    implementation.run(tmp_path, story)


def test_erasing_is_told_in_the_log_and_leaves_every_event(
    implementation: Implementation, tmp_path: Path
) -> None:
    async def story(ledger: Ledger) -> None:
        texts = [text_of(f"第{n}句") for n in range(3)]
        for n, text in enumerate(texts):
            await ledger.append(stated(text, f"r{n}"), text=text)
        before = await ledger.events_after(0, limit=10)
        log = enrolled(9)  # any event; what the retention run writes is its own matter
        assert await ledger.erase_texts([texts[0].digest, texts[2].digest, "0" * 64], log) == 2
        assert await kept(ledger) == ["第1句"]
        events = await ledger.events_after(0, limit=10)
        assert events[:-1] == before
        assert events[-1].subject == log.subject

    implementation.run(tmp_path, story)


CHANGES = [
    "UPDATE text SET words = 'x'",
    "UPDATE text SET seq = 2",
    "INSERT INTO text SELECT '{zeros}', 99, salt, words FROM text",
    "INSERT INTO text SELECT digest, seq, salt, 'x' FROM text",
]


@pytest.mark.parametrize("statement", CHANGES)
def test_the_database_refuses_a_text_that_is_changed_or_belongs_to_no_event(
    ledger_place: str, statement: str
) -> None:
    async def story() -> None:
        ledger = await open_ledger_at(ledger_place)
        text = text_of("一")
        await ledger.append(stated(text), text=text)
        await ledger.close()

    asyncio.run(story())
    query = statement.replace("{zeros}", "0" * 64)
    if is_postgres(ledger_place):
        with psycopg.connect(ledger_place) as server, pytest.raises(psycopg.Error):
            server.execute(query)
        return
    for each in (query, query.replace("INSERT INTO", "INSERT OR REPLACE INTO")):
        connection = sqlite3.connect(file_at(ledger_place))
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute(each)
        connection.close()


def test_erased_words_are_in_no_byte_of_the_files(tmp_path: Path) -> None:
    """Of the embedded ledger: file and log, while the service goes on and after it has ended."""
    from tests.ledger.conftest import SQLITE
    from tests.support.waiting import eventually

    folder = tmp_path / "ledger"

    def holds(words: str) -> bool:
        return any(words.encode() in path.read_bytes() for path in folder.iterdir())

    async def story(ledger: Ledger) -> None:
        for n in range(50):
            text = text_of(f"第{n}句要删去")
            await ledger.append(stated(text, "r1"), text=text)
        await eventually(lambda: not any(holds(f"第{n}句要删去") for n in range(49)), 10)
        assert holds("第49句要删去")
        await ledger.append(enrolled(1))
        await ledger.append(withdrawn(1))

    SQLITE.run(tmp_path, story)
    assert not holds("句要删去")
