"""What every ledger promises, whatever database is below it."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from api.ledger.fold import ENROLMENT_KINDS, enrolment_stream
from api.ledger.protocol import (
    Appended,
    ConditionNotMet,
    EventDraft,
    EventRefused,
    IdempotencyConflict,
    Ledger,
    LedgerUnavailable,
    Replayed,
    Room,
    RoomTaken,
    StreamChanged,
)
from tests.ledger.conftest import Implementation
from tests.ledger.drafts import AT_MS, claim, enrolled, of_enrolment, pseudonym, withdrawn


def test_an_empty_ledger_is_at_position_0_and_knows_nobody(
    implementation: Implementation, tmp_path: Path
) -> None:
    async def story(ledger: Ledger) -> None:
        assert await ledger.position() == 0
        assert await ledger.events_after(0, kinds=ENROLMENT_KINDS, limit=10) == []
        assert (await ledger.enrolment_of(pseudonym(1))).status == "none"

    implementation.run(tmp_path, story)


def test_events_come_back_as_they_were_given_after_a_reopening(
    implementation: Implementation, tmp_path: Path
) -> None:
    drafts = [enrolled(1), withdrawn(1, AT_MS + 1), enrolled(2, "2027-01")]

    async def write(ledger: Ledger) -> list[Appended | Replayed]:
        return [await ledger.append(draft) for draft in drafts]

    async def read(ledger: Ledger) -> object:
        return await ledger.events_after(0, kinds=ENROLMENT_KINDS, limit=10)

    answers = implementation.run(tmp_path, write)
    events = implementation.run(tmp_path, read)
    assert events == [answer.event for answer in answers if isinstance(answer, Appended)]
    assert [(e.kind, e.stream, e.subject, e.at_ms, e.body) for e in events] == [
        (d.kind, d.stream, d.subject, d.at_ms, d.body) for d in drafts
    ]


def test_events_are_numbered_from_1_without_gaps_also_after_refusals(
    implementation: Implementation, tmp_path: Path
) -> None:
    async def story(ledger: Ledger) -> None:
        answers = await asyncio.gather(
            *(ledger.append(enrolled(n % 7), require="not_active") for n in range(50)),
            return_exceptions=True,
        )
        stored = [a.event.seq for a in answers if isinstance(a, Appended)]
        assert stored == list(range(1, 8))
        assert sum(isinstance(a, ConditionNotMet) for a in answers) == 43
        assert await ledger.position() == 7

    implementation.run(tmp_path, story)


def test_a_follower_reads_on_from_where_it_was_and_only_the_kinds_it_asked_for(
    implementation: Implementation, tmp_path: Path
) -> None:
    async def story(ledger: Ledger) -> None:
        for number in range(5):
            await ledger.append(enrolled(number))
            await ledger.append(withdrawn(number))
        some = await ledger.events_after(3, kinds=["withdrawn"], limit=2)
        assert [event.seq for event in some] == [4, 6]
        more = await ledger.events_after(6, kinds=["withdrawn"], limit=9)
        assert [event.seq for event in more] == [8, 10]

    implementation.run(tmp_path, story)


def test_the_enrolment_is_the_fold_of_the_subjects_own_events(
    implementation: Implementation, tmp_path: Path
) -> None:
    async def story(ledger: Ledger) -> None:
        await ledger.append(enrolled(1, "2026-01", AT_MS))
        await ledger.append(withdrawn(2))
        first = await ledger.enrolment_of(pseudonym(1))
        assert (first.status, first.notice_version, first.enrolled_at_ms, first.seq) == (
            "active",
            "2026-01",
            AT_MS,
            1,
        )
        await ledger.append(enrolled(1, "2026-07", AT_MS + 9))
        again = await ledger.enrolment_of(pseudonym(1))
        assert (again.notice_version, again.enrolled_at_ms) == ("2026-07", AT_MS + 9)
        await ledger.append(withdrawn(1))
        gone = await ledger.enrolment_of(pseudonym(1))
        assert (gone.status, gone.notice_version, gone.enrolled_at_ms, gone.seq) == (
            "withdrawn",
            None,
            None,
            4,
        )

    implementation.run(tmp_path, story)


def test_of_many_requests_at_once_for_one_person_exactly_one_enrols_her(
    implementation: Implementation, tmp_path: Path
) -> None:
    async def story(ledger: Ledger) -> None:
        answers = await asyncio.gather(
            *(ledger.append(enrolled(1), require="not_active") for _ in range(40)),
            return_exceptions=True,
        )
        assert sum(isinstance(answer, Appended) for answer in answers) == 1
        assert all(
            answer.enrolment.status == "active"
            for answer in answers
            if isinstance(answer, ConditionNotMet)
        )

    implementation.run(tmp_path, story)


def test_a_change_based_on_an_outdated_view_is_refused(
    implementation: Implementation, tmp_path: Path
) -> None:
    async def story(ledger: Ledger) -> None:
        await ledger.append(enrolled(1))
        seen = await ledger.enrolment_of(pseudonym(1))
        await ledger.append(enrolled(1, "2027-01"), unchanged_since=seen.seq)
        with pytest.raises(ConditionNotMet) as refused:
            await ledger.append(withdrawn(1), unchanged_since=seen.seq)
        assert refused.value.enrolment.notice_version == "2027-01"

    implementation.run(tmp_path, story)


def test_a_repeated_request_gets_the_same_answer_also_after_a_reopening(
    implementation: Implementation, tmp_path: Path
) -> None:
    async def once(ledger: Ledger) -> None:
        first = claim("k", body=b'{"receipt":1}')
        assert isinstance(await ledger.append(enrolled(1), claim=first), Appended)
        repeated = await ledger.append(enrolled(1), claim=claim("k", body=b'{"receipt":2}'))
        assert repeated == Replayed(status=201, body=b'{"receipt":1}')

    async def after_reopening(ledger: Ledger) -> None:
        repeated = await ledger.append(enrolled(1), require="not_active", claim=claim("k"))
        assert repeated == Replayed(status=201, body=b'{"receipt":1}')
        assert await ledger.replay(scope="enrolment a", key="k", fingerprint=b"asked") == Replayed(
            status=201, body=b'{"receipt":1}'
        )
        assert await ledger.position() == 1

    implementation.run(tmp_path, once)
    implementation.run(tmp_path, after_reopening)


def test_repetitions_that_arrive_together_are_one_event(
    implementation: Implementation, tmp_path: Path
) -> None:
    async def story(ledger: Ledger) -> None:
        answers = await asyncio.gather(
            *(ledger.append(enrolled(1), claim=claim("k")) for _ in range(30))
        )
        assert sum(isinstance(answer, Appended) for answer in answers) == 1
        assert await ledger.position() == 1

    implementation.run(tmp_path, story)


def test_a_key_that_comes_with_another_request_is_a_conflict_and_stores_nothing(
    implementation: Implementation, tmp_path: Path
) -> None:
    async def story(ledger: Ledger) -> None:
        await ledger.append(enrolled(1), claim=claim("k"))
        with pytest.raises(IdempotencyConflict):
            await ledger.append(enrolled(1), claim=claim("k", fingerprint=b"other"))
        with pytest.raises(IdempotencyConflict):
            await ledger.replay(scope="enrolment a", key="k", fingerprint=b"other")
        elsewhere = await ledger.append(enrolled(2), claim=claim("k", scope="enrolment b"))
        assert isinstance(elsewhere, Appended)
        assert await ledger.position() == 2

    implementation.run(tmp_path, story)


def test_a_refused_request_leaves_its_key_free(
    implementation: Implementation, tmp_path: Path
) -> None:
    async def story(ledger: Ledger) -> None:
        with pytest.raises(ConditionNotMet):
            await ledger.append(withdrawn(1), require="active", claim=claim("k"))
        assert await ledger.replay(scope="enrolment a", key="k", fingerprint=b"asked") is None
        await ledger.append(enrolled(1))
        assert isinstance(
            await ledger.append(withdrawn(1), require="active", claim=claim("k")), Appended
        )

    implementation.run(tmp_path, story)


def test_a_decision_on_a_stream_that_has_moved_is_refused_and_says_where_it_is(
    implementation: Implementation, tmp_path: Path
) -> None:
    async def story(ledger: Ledger) -> None:
        first = await ledger.append(enrolled(1), stream_unchanged_since=0)
        assert isinstance(first, Appended)
        await ledger.append(enrolled(2), stream_unchanged_since=0)
        await ledger.append(withdrawn(1), stream_unchanged_since=1)
        with pytest.raises(StreamChanged) as refused:
            await ledger.append(enrolled(1), stream_unchanged_since=1)
        assert refused.value.seq == 3
        with pytest.raises(StreamChanged):
            await ledger.append(withdrawn(2), stream_unchanged_since=0, claim=claim("k"))
        assert await ledger.replay(scope="enrolment a", key="k", fingerprint=b"asked") is None
        assert await ledger.position() == 3

    implementation.run(tmp_path, story)


def test_of_many_decisions_on_the_same_view_of_a_stream_exactly_one_is_stored(
    implementation: Implementation, tmp_path: Path
) -> None:
    async def story(ledger: Ledger) -> None:
        for seen in range(4):
            answers = await asyncio.gather(
                *(ledger.append(withdrawn(1), stream_unchanged_since=seen) for _ in range(30)),
                return_exceptions=True,
            )
            assert sum(isinstance(answer, Appended) for answer in answers) == 1
            changed = [answer.seq for answer in answers if isinstance(answer, StreamChanged)]
            assert changed == [seen + 1] * 29

    implementation.run(tmp_path, story)


ENROLLED_ROOM = Room(kinds=("enrolled",), since=0, places=3)


def test_of_many_at_once_in_two_processes_as_many_are_stored_as_there_are_places(
    implementation: Implementation, tmp_path: Path
) -> None:
    """All of them counted before any was stored; they do not have to count again."""

    async def story(ledger: Ledger) -> None:
        other = await implementation.open(tmp_path)
        try:
            answers = await asyncio.gather(
                *(
                    (ledger, other)[n % 2].append(enrolled(1 + n % 3), room=ENROLLED_ROOM)
                    for n in range(60)
                ),
                return_exceptions=True,
            )
        finally:
            await other.close()
        stored = [answer.event.subject for answer in answers if isinstance(answer, Appended)]
        assert sorted(stored) == sorted([pseudonym(n) for n in (1, 2, 3)] * 3)
        assert sum(isinstance(answer, RoomTaken) for answer in answers) == 60 - 9
        assert await ledger.position() == 9

    implementation.run(tmp_path, story)


def test_places_are_taken_by_what_came_after_the_count_of_these_kinds_and_this_citizen_alone(
    implementation: Implementation, tmp_path: Path
) -> None:
    async def story(ledger: Ledger) -> None:
        for draft in (enrolled(1), enrolled(2), withdrawn(1), enrolled(1)):  # 1, 2, 3, 4
            await ledger.append(draft)
        for since, places in ((0, 2), (3, 1), (9, 0)):
            room = Room(kinds=("enrolled",), since=since, places=places)
            with pytest.raises(RoomTaken):
                await ledger.append(enrolled(1), room=room, claim=claim("k"))
        both = Room(kinds=("enrolled", "withdrawn"), since=2, places=2)
        with pytest.raises(RoomTaken):
            await ledger.append(withdrawn(1), room=both)
        assert await ledger.replay(scope="enrolment a", key="k", fingerprint=b"asked") is None
        for since, places in ((0, 3), (5, 1)):
            room = Room(kinds=("enrolled",), since=since, places=places)
            assert isinstance(await ledger.append(enrolled(1), room=room), Appended)
        assert await ledger.position() == 6

    implementation.run(tmp_path, story)


def test_a_repeated_request_is_answered_though_the_places_are_taken_by_now(
    implementation: Implementation, tmp_path: Path
) -> None:
    async def story(ledger: Ledger) -> None:
        room = Room(kinds=("enrolled",), since=0, places=1)
        for _ in range(2):
            await ledger.append(enrolled(1), room=room, claim=claim("k", body=b"first"))
        assert await ledger.position() == 1
        with pytest.raises(RoomTaken):
            await ledger.append(enrolled(1), room=room, claim=claim("other"))

    implementation.run(tmp_path, story)


def test_a_stream_is_read_whole_and_in_order(
    implementation: Implementation, tmp_path: Path
) -> None:
    async def story(ledger: Ledger) -> None:
        await ledger.append_many([enrolled(1), enrolled(2), withdrawn(1), enrolled(1)])
        events = await ledger.stream_events(enrolment_stream(pseudonym(1)))
        assert [(e.seq, e.kind) for e in events] == [
            (1, "enrolled"),
            (3, "withdrawn"),
            (4, "enrolled"),
        ]
        assert await ledger.stream_events(enrolment_stream(pseudonym(3))) == []

    implementation.run(tmp_path, story)


def test_a_citizens_events_come_newest_first_in_pages_and_only_the_kinds_asked_for(
    implementation: Implementation, tmp_path: Path
) -> None:
    async def story(ledger: Ledger) -> None:
        for _ in range(4):
            await ledger.append_many([enrolled(1), withdrawn(2), withdrawn(1)])

        async def seqs(kinds: Sequence[str], limit: int, before: int | None = None) -> list[int]:
            events = await ledger.subject_events(
                pseudonym(1), kinds=kinds, limit=limit, before_seq=before
            )
            assert {event.subject for event in events} <= {pseudonym(1)}
            return [event.seq for event in events]

        assert await seqs(ENROLMENT_KINDS, 3) == [12, 10, 9]
        assert await seqs(ENROLMENT_KINDS, 9, before=9) == [7, 6, 4, 3, 1]
        assert await seqs(["withdrawn"], 2) == [12, 9]
        assert await seqs(["withdrawn"], 2, before=3) == []
        assert await seqs([], 9) == []

    implementation.run(tmp_path, story)


def test_a_follower_of_every_kind_misses_none(
    implementation: Implementation, tmp_path: Path
) -> None:
    async def story(ledger: Ledger) -> None:
        await ledger.append_many([enrolled(1), withdrawn(2), withdrawn(1)])
        events = await ledger.events_after(1, limit=9)
        assert [event.seq for event in events] == [2, 3]

    implementation.run(tmp_path, story)


@pytest.mark.parametrize(
    "bad",
    [
        of_enrolment("withdrawn", pseudonym(1), AT_MS, b"no json"),
        of_enrolment("withdrawn", pseudonym(1), AT_MS, b'"\xff"'),
        of_enrolment("enrolled", pseudonym(1), AT_MS, b"{}"),
        of_enrolment("withdrawn", "", AT_MS, b"{}"),
        of_enrolment("withdrawn", "not a pseudonym", AT_MS, b"{}"),
        of_enrolment("withdrawn", pseudonym(1), 0, b"{}"),
        of_enrolment("withdrawn", pseudonym(1), 1 << 70, b"{}"),
        msgspec.structs.replace(withdrawn(1), kind="invented"),
        msgspec.structs.replace(withdrawn(1), stream=f"consent:{pseudonym(1)}"),
        msgspec.structs.replace(withdrawn(1), stream=enrolment_stream(pseudonym(2))),
    ],
    ids=[
        *("not JSON", "not UTF-8", "wrong members", "nobody", "foreign id", "no time"),
        *("far future", "unknown kind", "stream of another kind", "another person's stream"),
    ],
)
def test_an_impossible_event_is_refused_and_its_neighbours_are_stored(
    implementation: Implementation, tmp_path: Path, bad: EventDraft
) -> None:
    async def story(ledger: Ledger) -> None:
        before, refused, after = await asyncio.gather(
            ledger.append(enrolled(2)),
            ledger.append(bad),
            ledger.append(enrolled(3)),
            return_exceptions=True,
        )
        assert isinstance(before, Appended)
        assert isinstance(refused, EventRefused)
        assert isinstance(after, Appended)
        assert await ledger.position() == 2

    implementation.run(tmp_path, story)


def test_many_are_stored_together_or_not_at_all(
    implementation: Implementation, tmp_path: Path
) -> None:
    async def story(ledger: Ledger) -> None:
        assert await ledger.append_many([enrolled(n) for n in range(500)]) == 500
        broken = of_enrolment("enrolled", "x", AT_MS, b"{}")
        with pytest.raises(EventRefused):
            await ledger.append_many([enrolled(501), broken])
        assert await ledger.position() == 500
        assert await ledger.append_many([]) == 500

    implementation.run(tmp_path, story)


def test_closing_stores_what_is_queued_and_refuses_what_comes_later(
    implementation: Implementation, tmp_path: Path
) -> None:
    async def story(ledger: Ledger) -> None:
        waiting = [asyncio.create_task(ledger.append(enrolled(n))) for n in range(200)]
        await asyncio.sleep(0)  # let every task hand its event over
        await ledger.close()
        assert len(await asyncio.gather(*waiting)) == 200
        with pytest.raises(LedgerUnavailable):
            await ledger.append(enrolled(1))
        with pytest.raises(LedgerUnavailable):
            await ledger.position()

    async def after(ledger: Ledger) -> int:
        return await ledger.position()

    implementation.run(tmp_path, story)
    assert implementation.run(tmp_path, after) == 200


def test_a_caller_who_goes_away_disturbs_nobody(
    implementation: Implementation, tmp_path: Path
) -> None:
    async def story(ledger: Ledger) -> None:
        tasks = [asyncio.create_task(ledger.append(enrolled(n))) for n in range(100)]
        await asyncio.sleep(0)
        for task in tasks[::3]:
            task.cancel()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        kept = [answer for n, answer in enumerate(answers) if n % 3]
        assert all(isinstance(answer, Appended) for answer in kept)
        subjects = {
            event.subject
            for event in await ledger.events_after(0, kinds=ENROLMENT_KINDS, limit=200)
        }
        assert {answer.event.subject for answer in kept} <= subjects

    implementation.run(tmp_path, story)
