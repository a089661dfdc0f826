"""A small city of its own, built and served by `chengxin demo` for one run."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from api.commands.demo.handover import DemoDocument, read_handover
from api.commands.demo.processes import free_port

PEOPLE = 1_000
READY_SECONDS = 180.0
STOP_SECONDS = 30.0


@contextmanager
def served_town(data: Path, log: Path) -> Iterator[DemoDocument]:
    """`data` must not hold a city yet: every run begins with the same one. Raises TimeoutError."""
    command = [sys.executable, "-m", "api.commands", "demo", "--people", str(PEOPLE)]
    command += ["--data", str(data), "--port", str(free_port(0))]
    # Nobody is to be refused for asking much: that is measured elsewhere.
    environment = {**os.environ, "CHENGXIN_CITIZEN_REQUESTS_PER_MINUTE": "10000000"}
    with log.open("wb") as sink:
        process = subprocess.Popen(command, stdout=sink, stderr=sink, env=environment)
        try:
            yield _handover(process, data / "demo.json", log)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(STOP_SECONDS)


def _handover(process: "subprocess.Popen[bytes]", path: Path, log: Path) -> DemoDocument:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if path.exists():
            return read_handover(path)
        time.sleep(0.2)
    raise TimeoutError(f"the demo did not start; see {log}")
