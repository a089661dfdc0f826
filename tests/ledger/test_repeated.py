"""A request with a key is done once, whatever its twin does at the same moment."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from api.ledger.protocol import (
    Appended,
    ConditionNotMet,
    IdempotencyConflict,
    Ledger,
    LedgerUnavailable,
)
from api.ledger.repeated import Idempotency, Repeatable, body_of
from tests.ledger.conftest import Implementation
from tests.ledger.drafts import enrolled

SCOPE = "enrolment a"
KEY = Idempotency("k", b"asked")


class Refused(Exception):
    pass


async def refuses() -> bytes:
    raise Refused


def joining(ledger: Ledger, request: Repeatable, answer: bytes) -> Callable[[], Awaitable[bytes]]:
    """Enrols a citizen; refuses one who is enrolled, as a service would."""

    async def joined() -> bytes:
        try:
            stored = await ledger.append(
                enrolled(1), require="not_active", claim=request.claim(201, answer)
            )
        except ConditionNotMet:
            raise Refused from None
        return answer if isinstance(stored, Appended) else stored.body

    return joined


def test_a_request_refused_for_what_its_twin_did_gets_the_twins_answer(
    implementation: Implementation, tmp_path: Path
) -> None:
    async def story(ledger: Ledger) -> None:
        twin, late = Repeatable(ledger, SCOPE, KEY), Repeatable(ledger, SCOPE, KEY)

        async def refused_after_the_twin() -> bytes:
            assert await twin.answer(joining(ledger, twin, b"first"), body_of) == b"first"
            return await refuses()

        assert await late.answer(refused_after_the_twin, body_of) == b"first"
        assert await ledger.position() == 1

    implementation.run(tmp_path, story)


def test_a_repetition_is_answered_from_the_ledger_and_stores_nothing(
    implementation: Implementation, tmp_path: Path
) -> None:
    async def story(ledger: Ledger) -> None:
        for _ in range(3):
            request = Repeatable(ledger, SCOPE, KEY)
            assert await request.answer(joining(ledger, request, b"first"), body_of) == b"first"
        assert await ledger.position() == 1

    implementation.run(tmp_path, story)


@pytest.mark.parametrize(
    "stranger",
    [
        pytest.param((SCOPE, None), id="no key"),
        pytest.param((SCOPE, Idempotency("other", b"asked")), id="another key"),
        pytest.param(("enrolment b", KEY), id="somebody else"),
    ],
)
def test_a_refusal_stands_where_this_request_was_not_answered_before(
    implementation: Implementation, tmp_path: Path, stranger: tuple[str, Idempotency | None]
) -> None:
    async def story(ledger: Ledger) -> None:
        first = Repeatable(ledger, SCOPE, KEY)
        await first.answer(joining(ledger, first, b"first"), body_of)
        with pytest.raises(Refused):
            await Repeatable(ledger, *stranger).answer(refuses, body_of)

    implementation.run(tmp_path, story)


def test_a_key_used_for_another_request_is_told_so_before_any_refusal(
    implementation: Implementation, tmp_path: Path
) -> None:
    async def story(ledger: Ledger) -> None:
        first = Repeatable(ledger, SCOPE, KEY)
        await first.answer(joining(ledger, first, b"first"), body_of)
        other = Repeatable(ledger, SCOPE, Idempotency("k", b"asked something else"))
        with pytest.raises(IdempotencyConflict):
            await other.answer(refuses, body_of)

    implementation.run(tmp_path, story)


def test_a_ledger_that_does_not_answer_is_not_asked_a_second_time(
    implementation: Implementation, tmp_path: Path
) -> None:
    async def down() -> bytes:
        raise LedgerUnavailable("overloaded")

    async def story(ledger: Ledger) -> None:
        first = Repeatable(ledger, SCOPE, KEY)
        await first.answer(joining(ledger, first, b"first"), body_of)
        with pytest.raises(LedgerUnavailable):
            await Repeatable(ledger, SCOPE, KEY).answer(down, body_of)

    implementation.run(tmp_path, story)
