"""A record that a department had put down to the wrong person bears the words of two."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from api.ledger.places import open_ledger_at
from api.ledger.protocol import Ledger
from api.rights.citizen import CitizenRights
from api.rights.refusal import CaseRefused
from tests.ledger.drafts import AT_MS, enrolled, pseudonym, withdrawn
from tests.support.patience import patient

FIRST, SECOND = pseudonym(1), pseudonym(2)


def test_each_of_two_people_has_her_own_words_beside_one_record(ledger_place: str) -> None:
    async def story(ledger: Ledger) -> None:
        rights = CitizenRights(ledger, lambda: AT_MS)
        await rights.state(FIRST, "r1", "这不是我的")
        await rights.state(SECOND, "r1", "已经缴清")
        await rights.state(FIRST, "r1", "已经更正")
        assert await words(rights, FIRST) == ["已经更正"]
        assert await words(rights, SECOND) == ["已经缴清"]
        await rights.state(SECOND, "r1", "")
        assert await words(rights, FIRST) == ["已经更正"]
        assert await words(rights, SECOND) == []

    told(ledger_place, story)


def test_who_left_states_nothing_and_her_leaving_takes_no_words_of_another(
    ledger_place: str,
) -> None:
    async def story(ledger: Ledger) -> None:
        rights = CitizenRights(ledger, lambda: AT_MS)
        await rights.state(FIRST, "r1", "这不是我的")
        await rights.state(SECOND, "r1", "已经缴清")
        await ledger.append(withdrawn(1))
        with pytest.raises(CaseRefused, match="not_enrolled"):
            await rights.state(FIRST, "r1", "又来了")
        assert await words(rights, SECOND) == ["已经缴清"]

    told(ledger_place, story)


def test_two_statements_of_one_person_at_once_leave_one_of_them(ledger_place: str) -> None:
    async def story(ledger: Ledger) -> None:
        rights = CitizenRights(ledger, lambda: AT_MS)
        await asyncio.gather(*(rights.state(FIRST, "r1", f"第{n}句") for n in range(5)))
        (said,) = await words(rights, FIRST)
        assert said in {f"第{n}句" for n in range(5)}
        assert len(await ledger.standing_texts(0, limit=10)) == 1

    told(ledger_place, story)


async def words(rights: CitizenRights, subject: str) -> list[str | None]:
    return [one.text for one in await rights.statements(subject)]


def told(place: str, story: Callable[[Ledger], Awaitable[None]]) -> None:
    async def opened() -> None:
        ledger = await open_ledger_at(place)
        try:
            await ledger.append(enrolled(1))
            await ledger.append(enrolled(2))
            await story(ledger)
        finally:
            await ledger.close()

    with patient():
        asyncio.run(opened())
