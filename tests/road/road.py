"""The whole way in one folder: what the road's tests walk, with the real parts and no shortcut."""

import asyncio
import datetime as dt
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from api.commands.demo.city import build_snapshot
from api.commands.demo.processes import Child
from api.commands.demo.running import publish_snapshot
from api.commands.demo.tokens import AUDIENCE
from api.commands.keys import make_missing_keys
from api.identity.tokens import issue_token
from api.ledger.enrolment import enrolled_draft
from api.ledger.notice import load_notices
from api.ledger.sqlite import ledger_path, open_ledger
from api.signing_keys import load_signing_key
from loadtest.key_set import key_set
from scoring.benefits import BenefitsRegister
from scoring.catalogue.loading import load_catalogue
from scoring.ingest.report import TreeReport
from scoring.ingest.tree import ingest_tree
from scoring.keys import key_files, read_symmetric_key
from tests.support.ports import free_port

READY_SECONDS = 120.0


class Road:
    """A data directory on its way from departments' files to a served score."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.keys = key_files(data)
        make_missing_keys(self.keys)
        self.lake_key = read_symmetric_key(self.keys.lake)

    def ingest(self, path: Path) -> TreeReport:
        return ingest_tree(
            path, lake=self.data / "lake", catalogue=load_catalogue(), lake_key=self.lake_key
        )

    def enrol(self, subjects: Sequence[str], on: dt.date) -> None:
        asyncio.run(self._enrol(subjects, on))

    async def _enrol(self, subjects: Sequence[str], on: dt.date) -> None:
        at_ms = int(dt.datetime.combine(on, dt.time(), dt.UTC).timestamp()) * 1000
        notice = load_notices().current(on)
        ledger = await open_ledger(ledger_path(self.data))
        try:
            await ledger.append_many(
                [enrolled_draft(subject, notice, "road", at_ms) for subject in subjects]
            )
        finally:
            await ledger.close()

    def build(self, as_of: dt.date, benefits: BenefitsRegister | None = None) -> Path:
        return build_snapshot(self.data, as_of, lambda step, done, total: None, benefits)

    def publish(self, snapshot: Path, store_url: str) -> None:
        publish_snapshot(self.data, snapshot.name, store_url)

    @contextmanager
    def served(self, store_url: str, *, workers: int = 1) -> Iterator["Service"]:
        """The API as it is run, beside a loopback key set of the road's own identity key."""
        key = load_signing_key(self.keys.identity)
        with key_set(key) as issuer:
            port = free_port()
            environment = {
                **os.environ,
                "CHENGXIN_DATA_DIR": str(self.data),
                "CHENGXIN_STORE_URL": store_url,
                "CHENGXIN_ISSUER": issuer,
                "CHENGXIN_AUDIENCE": AUDIENCE,
                "CHENGXIN_JWKS_URI": f"{issuer}/jwks.json",
            }
            command = [sys.executable, "-m", "api.commands", "serve", "--data", str(self.data)]
            command += ["--port", str(port), "--workers", str(workers)]
            child = Child("the API", command, environment, self.data / "logs" / "api.log")
            try:
                child.wait_until_answering(f"http://127.0.0.1:{port}/readyz", READY_SECONDS)
                yield Service(f"http://127.0.0.1:{port}", issuer, self)
            finally:
                child.stop()


class Service:
    def __init__(self, url: str, issuer: str, road: Road) -> None:
        self.url = url
        self.issuer = issuer
        self._key = load_signing_key(road.keys.identity)

    def bearer(self, sub: str, birthdate: dt.date = dt.date(1980, 1, 1)) -> dict[str, str]:
        """An Authorization header as this citizen's log-in would give it."""
        token = issue_token(
            self._key,
            issuer=self.issuer,
            audience=AUDIENCE,
            sub=sub,
            scope="citizen",
            birthdate=birthdate,
            now=int(time.time()),
            lifetime_seconds=600,
        )
        return {"Authorization": f"Bearer {token}"}
