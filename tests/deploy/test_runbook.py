"""运维: the blocks of commands on the page are run as they stand there, in the order of a city's life."""

import asyncio
import datetime as dt
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from api.commands.doctor.ledger_facts import facts_of, last_event
from api.ledger.enrolment import enrolled_draft, withdrawn_draft
from api.ledger.notice import load_notices
from api.ledger.protocol import EventDraft
from api.ledger.sqlite import ledger_path, open_ledger
from scoring.city.generation import generate
from scoring.city.personas import personas
from scoring.contract.pseudonyms import subject_of
from scoring.contract.snapshot import Manifest
from scoring.keys import key_files, read_symmetric_key
from scoring.publish.pointers import manifest_in, served_id
from scoring.store.connection import StoreConnection
from scoring.store.embedded import EmbeddedStore, find_executable

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "site" / "pages" / "operations.md").read_text("utf-8")
# The day everything happens: of the newest page, so that none is of the future or due for a review.
AS_OF = max(
    dt.date.fromisoformat(day)
    for page in (ROOT / "site" / "pages").rglob("*.md")
    for day in re.findall(r"^date: (\S+)$", page.read_text("utf-8"), re.MULTILINE)
)
PEOPLE, SEED = 120, 7
AT_MS = int(dt.datetime(2026, 6, 1, 4, tzinfo=dt.UTC).timestamp()) * 1_000

pytestmark = pytest.mark.skipif(shutil.which("sqlite3") is None, reason="no sqlite3 on the PATH")


def block(anchor: str) -> str:
    section = PAGE.partition(f"{{#{anchor}}}")[2].partition("\n## ")[0]
    (found,) = re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    return str(found)


@dataclass
class Office:
    """A machine with nothing but the program, a store and what departments sent."""

    folder: Path
    store: EmbeddedStore

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def run(self, commands: str, **variables: str) -> str:
        client = self.folder / "bin"
        environment = {
            "PATH": f"{client}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "PYTHONUTF8": "1",
            "CHENGXIN_STORE_URL": self.store.url,
            "SOCKET": str(self.store.socket_path),
            "DATA": str(self.data),
            "CHENGXIN_DATA_DIR": str(self.data),
            "CHENGXIN_PUBLIC_DIR": str(self.folder / "public"),
            "INCOMING": str(self.folder / "incoming"),
            "DAY": AS_OF.isoformat(),
            **variables,
        }
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def append(self, *drafts: EventDraft) -> None:
        async def store() -> None:
            ledger = await open_ledger(ledger_path(self.data))
            try:
                await ledger.append_many(list(drafts))
            finally:
                await ledger.close()

        asyncio.run(store())

    def subject(self, code: str) -> str:
        who = personas(people=PEOPLE, seed=SEED, as_of=AS_OF)[code]
        return subject_of(read_symmetric_key(key_files(self.data).lake), who.id_number)

    def events(self) -> int:
        with facts_of(str(ledger_path(self.data))) as facts:
            return last_event(facts)[0]

    def served(self) -> Manifest:
        with StoreConnection.open(self.store.url) as connection:
            snapshot = served_id(connection)
            assert snapshot is not None
            manifest = manifest_in(connection, snapshot)
            assert manifest is not None
            return manifest


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("office")
    generate(people=PEOPLE, seed=SEED, out=folder / "incoming", as_of=AS_OF)
    client = Path(find_executable()).with_name("valkey-cli")
    found = str(client) if client.exists() else shutil.which("redis-cli")
    if found is None:
        pytest.skip("neither valkey-cli nor redis-cli on the PATH")
    (folder / "bin").mkdir()
    (folder / "bin" / "valkey-cli").symlink_to(found)
    with EmbeddedStore(folder / "store") as store:
        yield Office(folder, store)


def test_from_the_first_day_over_a_backup_to_a_lost_disk(office: Office, tmp_path: Path) -> None:
    # The first day: nobody has joined, so nothing is published, and nothing is broken by that.
    office.run(block("deploy"))
    nightly = f"{ROOT}/deploy/bin/nightly $DAY"
    assert "empty" in office.run(f"{nightly} 2>&1 || test $? -eq 6")
    notice = load_notices().current(AS_OF)
    office.append(
        *[enrolled_draft(office.subject(code), notice, "test", AT_MS) for code in ("rich", "over")]
    )
    for each in office.run(f"{nightly} 2>&1", CHENGXIN_LOG="json").splitlines():
        assert {"at", "level", "from", "message"} <= json.loads(each).keys(), each
    assert (office.served().citizens, office.served().ledger_position) == (2, 2)
    assert (office.folder / "public" / "site" / "index.html.gz").is_file()
    assert "script-src" in (office.folder / "public" / "nginx" / "site-policy.conf").read_text()
    office.run('chengxin audit head --data "$DATA"')

    # Each hour.
    backup = tmp_path / "backup"
    backup.mkdir(mode=0o700)
    said = office.run(block("backup"), BACKUP=str(backup))
    assert "2 events, 1 heads: all as signed" in said
    assert {oct(p.stat().st_mode & 0o077) for p in backup.glob("ledger*")} == {"0o0"}

    # Somebody leaves after the backup, a version is built upon that, and the disk is lost.
    office.append(withdrawn_draft(office.subject("over"), AT_MS + 1))
    office.run(
        """chengxin ledger export --data "$DATA"
        chengxin build --data "$DATA" --as-of "$DAY"
        chengxin publish --data "$DATA"
        chengxin audit head --data "$DATA" """
    )
    assert (office.served().citizens, office.served().ledger_position) == (1, 3)
    ledger_path(office.data).write_bytes(b"")
    (office.data / "ledger" / "ledger.sqlite-wal").write_bytes(b"left over")

    said = office.run(block("restore"), BACKUP=str(backup))
    assert "2 events, 1 heads: all as signed" in said
    assert (office.served().citizens, office.served().ledger_position) == (2, 2)
    assert office.events() == 2
    assert sorted(p.name for p in (office.data / "ledger").iterdir() if p.stat().st_size) == [
        "ledger.sqlite"
    ]
    (aside,) = office.data.glob("aside-*")
    assert {p.name for p in aside.iterdir()} >= {"ledger", "exports", "heads", "tree"}

    # Keys are replaced: what was signed with the old ones goes on.
    said = office.run(block("rotate-signing"))
    snapshots = list((office.data / "snapshots").glob("*/manifest.json"))
    assert len(snapshots) >= 3
    assert said.count("signed anew") == len(snapshots)
    said = office.run(block("rotate-log"))
    assert said.count("2 events, 2 heads: all as signed") == 1
    assert said.count("2 events, 1 heads: all as signed") == 1

    # From here on as ever: who leaves is gone with the next build.
    office.append(withdrawn_draft(office.subject("rich"), AT_MS + 2))
    office.run(
        """chengxin ledger export --data "$DATA"
        chengxin publish --data "$DATA" "$(chengxin build --data "$DATA" --as-of "$DAY")"
        chengxin audit head --data "$DATA" """
    )
    assert (office.served().citizens, office.served().ledger_position) == (1, 3)
    assert "3 events, 2 heads: all as signed" in office.run('chengxin audit verify --data "$DATA"')
