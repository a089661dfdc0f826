"""A citizen's own event, found and proved on every implementation of the ledger alike."""

import asyncio
from pathlib import Path

import pytest

from api.ledger.audit.keeping import make_head
from api.ledger.audit.proving import NotYetSigned, verify_event_proof
from api.ledger.audit.published import PublishedLog
from api.ledger.places import open_log
from api.ledger.protocol import Ledger
from api.me.proof import own_event
from api.problems import Problem
from loadtest.tampering import NOON
from scoring.keys import key_files
from scoring.signing import make_keypair, read_signing_key
from tests.ledger.conftest import Implementation
from tests.ledger.drafts import enrolled, pseudonym, withdrawn
from tests.ledger.postgres_server import PostgresServer

NOW_MS = 1_790_000_000_000


def place_of(implementation: Implementation, folder: Path, request: pytest.FixtureRequest) -> str:
    if implementation.name == "sqlite":
        return str(folder / "ledger" / "ledger.sqlite")
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.url_for(folder)


def test_her_event_is_proved_and_anothers_is_not_found(
    implementation: Implementation, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    files = key_files(tmp_path)
    make_keypair(files.log, files.log_public)
    log = PublishedLog(tmp_path)

    async def story(ledger: Ledger) -> None:
        await ledger.append_many([enrolled(n) for n in range(1, 30)])
        her = pseudonym(7)
        event = await own_event(ledger, her, 7, NOW_MS)
        with pytest.raises(NotYetSigned):
            log.event(event)
        key = read_signing_key(files.log)
        with open_log(place_of(implementation, tmp_path, request)) as events:
            await asyncio.to_thread(make_head, tmp_path, events, key, NOON)
        found, head = verify_event_proof(log.event(event), log.key())
        assert (found, head.size) == (event, 29)
        for seq in (6, 8, 30, 0, -1, 1 << 60):
            with pytest.raises(Problem) as refused:
                await own_event(ledger, her, seq, NOW_MS)
            assert refused.value.code == "event_not_found"
        await ledger.append(withdrawn(7))
        assert (await own_event(ledger, her, 30, NOW_MS)).kind == "withdrawn"

    implementation.run(tmp_path, story)
