"""Any history of requests, groups and reopenings against a model of a dozen lines."""

import asyncio
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from api.ledger.fold import ENROLMENT_KINDS, NEVER_ENROLLED
from api.ledger.protocol import (
    Appended,
    ConditionNotMet,
    Enrolment,
    EventDraft,
    IdempotencyClaim,
    IdempotencyConflict,
    Ledger,
    Replayed,
    Require,
)
from tests.ledger.conftest import Implementation
from tests.ledger.drafts import claim, enrolled, pseudonym, withdrawn

PEOPLE = range(4)

drafts = st.builds(
    lambda make, number: make(number),
    st.sampled_from([enrolled, withdrawn]),
    st.sampled_from(PEOPLE),
)
claims = st.none() | st.builds(
    lambda key, asked: claim(key, asked, body=b'"%s"' % asked),
    st.sampled_from(["k1", "k2", "k3"]),
    st.sampled_from([b"a", b"b"]),
)
requirements: st.SearchStrategy[Require] = st.sampled_from(["any", "active", "not_active"])
requests = st.tuples(drafts, requirements, claims)
Request = tuple[EventDraft, Require, IdempotencyClaim | None]


class Model:
    """The law, one request after the other, in memory."""

    def __init__(self) -> None:
        self.events: list[EventDraft] = []
        self.answers: dict[str, IdempotencyClaim] = {}

    def status(self, subject: str) -> str:
        kinds = [draft.kind for draft in self.events if draft.subject == subject]
        return {"enrolled": "active", "withdrawn": "withdrawn"}[kinds[-1]] if kinds else "none"

    def append(self, request: Request) -> object:
        draft, require, asked = request
        if asked is not None and (given := self.answers.get(asked.key)):
            if given.fingerprint != asked.fingerprint:
                return IdempotencyConflict
            return Replayed(status=given.status, body=given.body)
        is_active = self.status(draft.subject) == "active"
        if require != "any" and is_active != (require == "active"):
            return ConditionNotMet
        self.events.append(draft)
        if asked is not None:
            self.answers[asked.key] = asked
        return len(self.events)


def told(answer: object) -> object:
    """An answer of the ledger in the model's terms."""
    if isinstance(answer, Appended):
        return answer.event.seq
    return type(answer) if isinstance(answer, Exception) else answer


class LedgerHistory(RuleBasedStateMachine):
    implementation: Implementation

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.loop = asyncio.Runner()
        self.model = Model()
        self.ledger = self.loop.run(self._opened())

    async def _opened(self) -> Ledger:
        return await self.implementation.open(Path(self.folder.name))

    @rule(group=st.lists(requests, min_size=1, max_size=6))
    def requests_arrive_together(self, group: list[Request]) -> None:
        async def together() -> list[object]:
            return await asyncio.gather(
                *(self.ledger.append(d, require=r, claim=c) for d, r, c in group),
                return_exceptions=True,
            )

        answers = self.loop.run(together())
        assert [told(answer) for answer in answers] == [self.model.append(r) for r in group]

    @rule(many=st.lists(drafts, max_size=4))
    def many_are_loaded(self, many: list[EventDraft]) -> None:
        self.model.events += many
        assert self.loop.run(self.ledger.append_many(many)) == len(self.model.events)

    @rule()
    def it_is_reopened(self) -> None:
        self.loop.run(self.ledger.close())
        self.ledger = self.loop.run(self._opened())

    @invariant()
    def state_is_the_fold_of_events(self) -> None:
        async def look() -> tuple[list[Enrolment], list[tuple[int, str, str]]]:
            events = await self.ledger.events_after(0, kinds=ENROLMENT_KINDS, limit=10_000)
            enrolments = [await self.ledger.enrolment_of(pseudonym(n)) for n in PEOPLE]
            return enrolments, [(e.seq, e.kind, e.subject) for e in events]

        if not hasattr(self, "ledger"):
            return
        enrolments, events = self.loop.run(look())
        expected = [(n, d.kind, d.subject) for n, d in enumerate(self.model.events, 1)]
        assert events == expected
        for number, enrolment in zip(PEOPLE, enrolments, strict=True):
            own = [seq for seq, _, subject in expected if subject == pseudonym(number)]
            assert enrolment.status == self.model.status(pseudonym(number))
            assert enrolment.seq == (own[-1] if own else NEVER_ENROLLED.seq)

    def teardown(self) -> None:
        if hasattr(self, "ledger"):
            self.loop.run(self.ledger.close())
            self.loop.close()
            self.folder.cleanup()


def test_any_history_leaves_what_the_model_holds(implementation: Implementation) -> None:
    class History(LedgerHistory):
        pass

    History.implementation = implementation
    run_state_machine_as_test(
        History,
        settings=settings(
            max_examples=8,
            stateful_step_count=10,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
