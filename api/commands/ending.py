"""Old versions in `chengxin retention run`: which are over, whom partners were answered about from
them, and their end."""

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from scoring.errors import StoreUnavailable

if TYPE_CHECKING:
    from api.ledger.protocol import Ledger
    from scoring.ended import Ended, OldVersion

VERSIONS, ANSWERS = "versions", "answers"


class Over(msgspec.Struct, frozen=True, kw_only=True):
    """`versions`, `answers`: what is over, of each class of the table; `is_unfinished`: a killed run
    left something; `silent`: why the store could not be asked, then no version is over."""

    versions: "list[OldVersion]"
    answers: list[str]
    is_unfinished: bool
    silent: StoreUnavailable | None = None

    def counts(self) -> dict[str, int]:
        return {VERSIONS: len(self.versions), ANSWERS: len(self.answers)}


def over_on(data: Path, day: dt.date, store: str) -> Over:
    """`store`: its URL; asked only where there is a folder old enough."""
    from scoring.ended import answers_over, is_unfinished, needed_by_store, old_versions
    from scoring.policy.retention import load_retention
    from scoring.store.connection import StoreConnection

    table = load_retention()
    versions = old_versions(data / "snapshots", day, table.of(VERSIONS).days)
    answers = answers_over(data, day, table.of(ANSWERS).days)
    unfinished = is_unfinished(data)
    if not versions:
        return Over(versions=[], answers=answers, is_unfinished=unfinished)
    try:
        with StoreConnection.open(store) as connection:
            needed = needed_by_store(connection)
    except StoreUnavailable as error:
        return Over(versions=[], answers=answers, is_unfinished=unfinished, silent=error)
    over = [each for each in versions if needed is not None and each.snapshot not in needed]
    return Over(versions=over, answers=answers, is_unfinished=unfinished)


async def end(ledger: "Ledger", data: Path, over: Over, store: str) -> "Ended | None":
    """None where nothing was to do. Raises PublishLost, ChengxinError, StoreUnavailable."""
    from api.accesses.answered import answered_from
    from api.ledger.enrolment import city_day
    from scoring.ended import Answers, end_answers, end_versions
    from scoring.keys import key_files, read_symmetric_key
    from scoring.store.connection import StoreConnection

    end_answers(data, over.answers)
    if over.silent is not None:
        raise over.silent
    if not (over.versions or over.is_unfinished):
        return None
    answers: dict[str, Answers] = {}
    if over.versions:
        first = min(each.ledger_position for each in over.versions)
        found = await answered_from(ledger, {each.snapshot for each in over.versions}, first)
        answers = {
            name: Answers(subjects=frozenset(each.subjects), last_on=city_day(each.last_at_ms))
            for name, each in found.items()
        }
    key = read_symmetric_key(key_files(data).snapshot)
    with StoreConnection.open(store) as connection:
        return end_versions(data, over.versions, answers, connection, key)
