"""The few that changed are the same from either database."""

import asyncio
from pathlib import Path

import pytest

from api.ledger.places import open_ledger_at
from api.ledger.sqlite import ledger_path
from api.ledger_export.tables import LedgerExport
from tests.ledger.drafts import enrolled, withdrawn
from tests.ledger.postgres_server import PostgresServer


@pytest.mark.parametrize("position", [0, 40, 55, 60])
def test_changes_are_told_alike_by_either_database(
    postgres: PostgresServer, tmp_path: Path, position: int
) -> None:
    places = (postgres.url_for(tmp_path), f"sqlite:///{ledger_path(tmp_path)}")
    told = []
    for place in places:
        asyncio.run(_fill(place))
        with LedgerExport(place) as export:
            changed = export.changed_since(position)
            subjects = [subject for subject, _ in changed]
            found = (export.enrolments_of(subjects), export.record_states_of(subjects))
            told.append((export.position, changed, *found))
    assert told[0] == told[1]
    assert len(told[0][1]) == len({subject for subject, _ in told[0][1]})
    assert bool(told[0][1]) == (position < 60)


async def _fill(place: str) -> None:
    ledger = await open_ledger_at(place)
    drafts = [*(enrolled(n) for n in range(45)), *(withdrawn(n) for n in range(0, 45, 3))]
    await ledger.append_many(drafts)
    await ledger.close()
