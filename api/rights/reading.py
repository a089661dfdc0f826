"""Her records from the served snapshot, her cases and statements from the ledger."""

from collections.abc import Sequence

from api.consents.reading import all_events
from api.ledger.protocol import Ledger
from api.me.records import refuse_corrupt, value_of
from api.problems import Problem
from api.rights.case import CASE_KINDS, Case, folded_cases
from api.rights.opening import RecordFacts
from api.rights.refusal import CaseRefused
from api.rights.statements import STATEMENT_KINDS, Statement, folded_statements
from api.store.protocol import SnapshotReader, Version
from api.versions import PerVersion, tables_of
from scoring.contract.documents import TablesDocument
from scoring.contract.snapshot import (
    ITEM_STATUSES,
    ExplanationItem,
    RecordCorrupt,
    day_of,
    decode_explanation,
    tag_of,
)


class CitizenRecords:
    def __init__(self, reader: SnapshotReader) -> None:
        self._reader = reader
        self._tables = PerVersion(tables_of)

    async def record(self, snapshot_subject: str, record_id: str) -> RecordFacts:
        """One of her own records. Somebody else's is no different from one that does not exist.
        Raises CaseRefused record_not_found, Problem not_enrolled or not_scored_yet, StoreDown."""
        version = self._reader.version()
        for item in await self._items(version, snapshot_subject):
            if item.record_id == record_id:
                return _facts(item, self._tables.of(version))
        raise CaseRefused("record_not_found")

    async def require_scored(self, snapshot_subject: str) -> str:
        """The snapshot her score stands in. Raises Problem not_enrolled or not_scored_yet."""
        version = self._reader.version()
        value_of(await self._reader.hot(version, snapshot_subject))
        return version.manifest.snapshot

    async def record_or_none(self, snapshot_subject: str, record_id: str) -> RecordFacts | None:
        """For staff: None also where she has left. Raises StoreDown."""
        try:
            return await self.record(snapshot_subject, record_id)
        except (CaseRefused, Problem):
            return None

    async def _items(self, version: Version, snapshot_subject: str) -> list[ExplanationItem]:
        life = await self._reader.life(version, snapshot_subject, "explanation")
        value_of(life.hot)
        try:
            return decode_explanation(life.beside or b"", tag_of(snapshot_subject))
        except RecordCorrupt as error:
            refuse_corrupt(error)


def _facts(item: ExplanationItem, tables: TablesDocument) -> RecordFacts:
    try:
        fact = tables.facts[item.fact_index]
        status = ITEM_STATUSES[item.status_index]
    except IndexError:
        refuse_corrupt(RecordCorrupt("an item points outside the tables"))
    return RecordFacts(
        record_id=item.record_id,
        kind=fact.kind,
        outcome=fact.outcome,
        status=status,
        happened_on=day_of(item.happened_day),
    )


async def cases_of(ledger: Ledger, subject: str) -> list[Case]:
    """Oldest first."""
    return list(folded_cases(await all_events(ledger, subject, CASE_KINDS)).values())


async def words_of(ledger: Ledger, digests: Sequence[str | None]) -> dict[str, str]:
    """By digest; what was erased is missing, and where nothing is named nothing is asked."""
    return await ledger.texts(sorted({digest for digest in digests if digest}))


async def statements_of(ledger: Ledger, subject: str) -> dict[str, Statement]:
    """By record id, removed ones included."""
    return folded_statements(await all_events(ledger, subject, STATEMENT_KINDS))
