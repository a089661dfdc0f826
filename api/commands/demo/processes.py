"""Child processes of the demo: started with a log each, never outliving the demo, stopped by pid."""

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from scoring.errors import StoreUnavailable

_TETHER = Path(__file__).with_name("tethered.py")
_STOP_SECONDS = 10.0


class Child:
    """One process; `name` appears in messages, `log` holds what it prints."""

    def __init__(self, name: str, command: Sequence[str], env: Mapping[str, str], log: Path):
        self.name = name
        self.log = log
        self._command = [sys.executable, str(_TETHER), *command]
        self._environment = dict(env)
        log.parent.mkdir(parents=True, exist_ok=True)
        self.process = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as sink:
            return subprocess.Popen(
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
            )

    def revive(self) -> None:
        """Start it again where it has ended."""
        if self.process.poll() is not None:
            self.process = self._started()

    def wait_until_answering(self, url: str, seconds: float) -> None:
        """Return once `url` answers 200. Raises StoreUnavailable with the log's place otherwise."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - loopback
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        ended = self.process.poll()
        raise StoreUnavailable(
            "child_not_ready",
            f"{self.name} ended with exit code {ended}"
            if ended is not None
            else f"{self.name} did not answer within {seconds:.0f} s",
            where=str(self.log),
            do="read the last lines of that log",
        )

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def free_port(preferred: int) -> int:
    """`preferred` where it is free on loopback, else one the system picks."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise StoreUnavailable("no_free_port", "no port is free on loopback")
