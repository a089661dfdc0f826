"""Texts whose time is over, by the retention table: which are due on a day, and their erasure.

A case's texts stand until its decision is `case_texts` days old; until there is one they stand. A
statement ends with her leaving (the database does that, this only makes sure) or with its record.
"""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence

import msgspec

from api.ledger.enrolment import city_day
from api.ledger.fold import body_bytes
from api.ledger.kinds import stream_name
from api.ledger.protocol import EventDraft, Ledger, StandingText
from api.rights.case import Case, folded_cases
from api.rights.statements import STATEMENT_SET
from scoring.policy.retention import RetentionTable, load_retention

RETENTION_RUN = "retention_run"
NOBODY = "-"  # the event is about no citizen
TEXTS_A_PAGE = 1_000
CASE_TEXTS, STATEMENTS = "case_texts", "statements"


class RetentionRunBody(msgspec.Struct, frozen=True, kw_only=True):
    """Body of `retention_run`. `erased`: how many of each class of the table; never what, or whose."""

    as_of: dt.date
    table_version: str
    erased: Mapping[str, int]


class DueTexts(msgspec.Struct, frozen=True):
    """Digests by class of the table."""

    by_class: Mapping[str, Sequence[str]]

    @property
    def digests(self) -> list[str]:
        return [digest for each in self.by_class.values() for digest in each]

    def counts(self) -> dict[str, int]:
        return {name: len(digests) for name, digests in self.by_class.items()}


def is_over(case: Case, as_of: dt.date, days: int) -> bool:
    """On the day itself it is over; an undecided case never is."""
    if case.decision is None:
        return False
    return as_of >= city_day(case.decision.at_ms) + dt.timedelta(days=days)


def run_stream(as_of: dt.date) -> str:
    return stream_name("retention", as_of.isoformat())


async def stated_records(ledger: Ledger) -> set[str]:
    """Records beside which a statement stands."""
    return {_key(text) for text in await _standing(ledger) if text.event.kind == STATEMENT_SET}


async def due_texts(
    ledger: Ledger,
    as_of: dt.date,
    ended_records: Collection[str],
    table: RetentionTable | None = None,
) -> DueTexts:
    """`ended_records`: whose last version leaves the lake. Raises LedgerUnavailable."""
    days = (table or load_retention()).of(CASE_TEXTS).days
    cases: dict[str, Case | None] = {}
    due: dict[str, list[str]] = {CASE_TEXTS: [], STATEMENTS: []}
    for text in await _standing(ledger):
        event = text.event
        if event.kind == STATEMENT_SET:
            enrolment = await ledger.enrolment_of(event.subject)
            if enrolment.status == "withdrawn" or _key(text) in ended_records:
                due[STATEMENTS].append(text.digest)
            continue
        if event.stream not in cases:
            folded = folded_cases(await ledger.stream_events(event.stream))
            cases[event.stream] = folded.get(event.stream)
        case = cases[event.stream]
        if case is not None and is_over(case, as_of, days):
            due[CASE_TEXTS].append(text.digest)
    return DueTexts(due)


async def erase_due(
    ledger: Ledger, due: DueTexts, as_of: dt.date, *, others: Mapping[str, int], now_ms: int
) -> int:
    """Texts erased, and the run told in the ledger with them. `others`: what is erased elsewhere.
    A day on which nothing is left to do has one event, however often it is run."""
    counts = {**due.counts(), **others}
    stream = run_stream(as_of)
    if not any(counts.values()) and await ledger.stream_events(stream):
        return 0
    body = RetentionRunBody(as_of=as_of, table_version=load_retention().version, erased=counts)
    log = EventDraft(
        kind=RETENTION_RUN, stream=stream, subject=NOBODY, at_ms=now_ms, body=body_bytes(body)
    )
    return await ledger.erase_texts(due.digests, log)


async def _standing(ledger: Ledger) -> list[StandingText]:
    found: list[StandingText] = []
    after = 0
    while page := await ledger.standing_texts(after, limit=TEXTS_A_PAGE):
        found += page
        after = page[-1].event.seq
    return found


def _key(text: StandingText) -> str:
    return text.event.stream.partition(":")[2]
