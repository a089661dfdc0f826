"""A demo of a small town in processes of its own, stopped as a person would."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from api.commands.demo.handover import DemoDocument, read_handover
from tests.support.ports import free_port

START_SECONDS = 240
COMMAND = [sys.executable, "-m", "api.commands"]


@contextmanager
def demo(data: Path) -> Iterator[DemoDocument]:
    """A running demo of a small town; `demo.json` of this start."""
    (data / "demo.json").unlink(missing_ok=True)
    words = ["demo", "--people", "400", "--data", str(data), "--port", str(free_port())]
    with (data.parent / "demo.log").open("ab") as log:
        process = subprocess.Popen([*COMMAND, *words], stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not (data / "demo.json").exists() and time.monotonic() < deadline:
            assert process.poll() is None, (data.parent / "demo.log").read_text()
            time.sleep(0.1)
        yield read_handover(data / "demo.json")
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(120) == 0


def store_url(data: Path) -> str:
    socket = re.search(r'unixsocket "(.+)"', (data / "store" / "valkey.conf").read_text())
    assert socket is not None
    return f"unix://{socket[1]}"
