"""A PostgreSQL of the tests' own: made in a folder, on a Unix socket alone, gone afterwards."""

import hashlib
import os
import pwd
import shutil
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

PROGRAMS = Path("/usr/lib/postgresql")
USER = "postgres"
START_SECONDS = 120


def programs() -> Path | None:
    """Folder of the newest server installed."""
    found = [path.parent for path in PROGRAMS.glob("*/bin/initdb")]
    return max(found, key=lambda path: int(path.parent.name), default=None)


class PostgresServer:
    """`folder`: of data, socket and log."""

    def __init__(self, bin_folder: Path, folder: Path) -> None:
        self._bin = bin_folder
        self._folder = folder
        self._data = folder / "data"
        # PostgreSQL refuses to run as root.
        self._as_user = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
        if os.getuid():
            self._as_user = []
        else:
            owner = pwd.getpwnam(USER)
            os.chown(folder, owner.pw_uid, owner.pw_gid)

    def make(self) -> None:
        options = [
            "--auth=trust",
            f"--username={USER}",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        ]
        self._run("initdb", "--pgdata", str(self._data), *options)

    def start(self) -> None:
        """Durable as in service: fsync is on. Nothing listens on the network."""
        settings = f"-c listen_addresses='' -c unix_socket_directories={self._folder}"
        settings += " -c max_connections=60 -c shared_buffers=32MB"
        log = str(self._folder / "log")
        start = ["-D", str(self._data), "-w", "-l", log, "-o", settings, "start"]
        ends = time.monotonic() + START_SECONDS
        # After a crash the last of the old processes may still hold its memory for a moment.
        while (code := self._code("pg_ctl", *start)) and time.monotonic() < ends:
            time.sleep(0.3)
        assert code == 0, (self._folder / "log").read_text()

    def stop(self, mode: str = "fast") -> None:
        """Mode `immediate` ends it as a crash would: its log is replayed at the next start."""
        self._run("pg_ctl", "-D", str(self._data), "-w", "-m", mode, "stop")

    def url(self, name: str, user: str = USER) -> str:
        """Of a schema of this name, as if it were a database of its own."""
        options = quote(f"-csearch_path={name}")
        host = quote(str(self._folder), safe="")
        return f"postgresql://{user}@{host}/postgres?options={options}"

    def empty(self, name: str) -> str:
        with psycopg.connect(self.url(name)) as connection:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {name}")
        return self.url(name)

    def url_for(self, place: Path) -> str:
        """The same for the same place, created where it is empty."""
        return self.empty("place_" + hashlib.sha256(str(place).encode()).hexdigest()[:16])

    def _run(self, program: str, *arguments: str) -> None:
        assert self._code(program, *arguments) == 0, f"{program} failed"

    def _code(self, program: str, *arguments: str) -> int:
        return subprocess.run(
            [*self._as_user, str(self._bin / program), *arguments],
            stdout=subprocess.DEVNULL,
            stderr=sys.stderr,
            cwd=self._folder,
            check=False,
            timeout=300,
        ).returncode


def started(folder: Path) -> PostgresServer:
    """Skips where Debian's package postgresql is not installed."""
    bin_folder = programs()
    if bin_folder is None:
        pytest.skip("no PostgreSQL server under /usr/lib/postgresql (Debian package postgresql)")
    if not os.getuid() and shutil.which("setpriv") is None:
        pytest.skip("PostgreSQL does not run as root, and setpriv is not installed")
    server = PostgresServer(bin_folder, folder)
    server.make()
    server.start()
    return server
