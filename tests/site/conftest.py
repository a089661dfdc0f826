"""One site for all tests, built the way an operator builds it: by the script, from a snapshot."""

import asyncio
import datetime as dt
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from api.ledger.audit.keeping import make_head
from api.ledger.audit.log import SqliteLog
from api.ledger.sqlite import ledger_path, open_ledger
from scoring.benefits.document import benefits_document
from scoring.benefits.load import load_benefits
from scoring.build.part import write_part
from scoring.catalogue import publishing as catalogue_publishing
from scoring.catalogue.loading import load_catalogue
from scoring.contract.documents import BandFigure, FiguresDocument
from scoring.contract.snapshot import Manifest
from scoring.keys import key_files
from scoring.rulebook import document as rulebook_document
from scoring.rulebook.load import load_rulebook
from scoring.signing import make_keypair, read_signing_key
from tests.ledger.drafts import enrolled

ROOT = Path(__file__).resolve().parents[2]
AS_OF = dt.date(2026, 11, 22)
SNAPSHOT = "20261122-000000000007"

sys.path.insert(0, str(ROOT / "site"))  # the scripts' own folder: `builder` lies there


@dataclass(frozen=True)
class BuiltSite:
    """`process`: how the build ended; `folder`: the site; `data`: what it was built from."""

    process: subprocess.CompletedProcess[str]
    folder: Path
    data: Path

    def page(self, path: str) -> str:
        return (self.folder / path).read_text("utf-8")

    def document(self, name: str) -> bytes:
        return (self.data / "snapshots" / SNAPSHOT / "documents" / f"{name}.json").read_bytes()


def write_snapshot(data: Path, as_of: dt.date = AS_OF, snapshot: str = SNAPSHOT) -> None:
    """The documents of a snapshot as the batch leaves them; no records are needed for the site."""
    folder = data / "snapshots" / snapshot
    (folder / "documents").mkdir(parents=True)
    rules = rulebook_document.published_document(load_rulebook(), as_of)
    people = [None, 137, 5210, 3042, 84]
    documents = {
        "rules": rules,
        "benefits": benefits_document(load_benefits(), as_of),
        "catalogue": catalogue_publishing.published_document(load_catalogue()),
        "figures": FiguresDocument(
            as_of=as_of,
            snapshot=snapshot,
            rules_version=rules.version,
            enrolled=8481,
            records=73_912,
            bands=[
                BandFigure(code=band.code, name=band.name, citizens=count)
                for band, count in zip(rules.bands, people, strict=True)
            ],
        ),
    }
    parts = [
        write_part(folder, f"documents/{name}.json", "documents", msgspec.json.encode(each), rows=1)
        for name, each in documents.items()
    ]
    manifest = Manifest(
        snapshot=snapshot,
        as_of=as_of,
        rules_version=rules.version,
        ledger_position=int(snapshot.rpartition("-")[2]),
        bucket_count=1,
        citizens=8481,
        items=73_912,
        score_histogram={},
        score_sum_points=0,
        sources=[],
        parts=parts,
    )
    (folder / "manifest.json").write_bytes(msgspec.json.encode(manifest))


def sign_log(data: Path, heads: int = 30, hours_apart: int = 1) -> None:
    """A ledger of as many events, each signed with a head of its own, the last at noon of AS_OF."""
    files = key_files(data)
    make_keypair(files.log, files.log_public)
    key, noon = read_signing_key(files.log), dt.datetime(2026, 11, 22, 4, tzinfo=dt.UTC)

    async def run() -> None:
        ledger = await open_ledger(ledger_path(data))
        for number in range(heads):
            await ledger.append_many([enrolled(number)])
            with SqliteLog(ledger_path(data)) as log:
                before = dt.timedelta(hours=hours_apart * (heads - 1 - number))
                make_head(data, log, key, noon - before)
        await ledger.close()

    asyncio.run(run())


def run_script(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "site" / name), *arguments],
        cwd=ROOT,
        env={**os.environ, "CHENGXIN_SITE_URL": "https://chengxin.example/"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="session")
def built_site(tmp_path_factory: pytest.TempPathFactory) -> BuiltSite:
    data, out = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("built") / "site"
    write_snapshot(data)
    sign_log(data)
    process = run_script("build_pages.py", "--data", str(data), "--out", str(out))
    return BuiltSite(process, out, data)
