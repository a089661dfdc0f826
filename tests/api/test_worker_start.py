"""A worker starts light and alone: no batch library, no store needed to come up."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from api.commands.serve import check_settings, server_command, server_environment
from api.signing_keys import make_signing_key, write_signing_key
from scoring.errors import ChengxinError
from tests.support.ports import free_port
from tests.support.waiting import LONG_SECONDS

HEAVY = {"polars", "pyarrow", "numpy", "pandas", "duckdb", "mkdocs", "jieba", "typer", "rich"}


def test_the_service_imports_nothing_of_the_batch() -> None:
    code = (
        "import sys, json, api.app; print(json.dumps(sorted(m.split('.')[0] for m in sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    loaded = set(json.loads(done.stdout))
    assert "litestar" in loaded
    assert not HEAVY & loaded


def settings(folder: Path) -> dict[str, str]:
    (folder / "keys").mkdir()
    (folder / "keys" / "snapshot.key").write_text("ab" * 32)
    write_signing_key(make_signing_key(), folder / "keys" / "api_signing.pem")
    return {
        **os.environ,
        "CHENGXIN_ISSUER": "https://identity.example",
        "CHENGXIN_JWKS_URI": "http://127.0.0.1:9/jwks",
    }


def status_of(url: str) -> tuple[int, dict[str, str]]:
    try:
        with urllib.request.urlopen(url, timeout=LONG_SECONDS) as reply:  # noqa: S310
            return reply.status, dict(reply.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers)


def test_the_server_comes_up_without_a_store_says_so_and_stops_when_told(tmp_path: Path) -> None:
    environment = server_environment(tmp_path, settings(tmp_path))
    port = free_port()
    server = subprocess.Popen(
        server_command(host="127.0.0.1", port=port, workers=1),
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        base = f"http://127.0.0.1:{port}"
        assert within(LONG_SECONDS, lambda: is_listening(port))
        health = status_of(base + "/healthz")
        assert health[0] == 200
        assert health[1]["server"] == "chengxin"
        assert status_of(base + "/v1/rules")[0] == 503
        assert status_of(base + "/readyz")[0] == 503
        assert status_of(base + "/v1/me/score")[0] == 503  # no keys yet: nobody can be judged
        assert status_of(base + "/%ff")[0] == 404
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=LONG_SECONDS) == 0


def test_nothing_goes_on_serving_after_a_killed_server(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "api.commands", "serve", "--data", str(tmp_path)]
    server = subprocess.Popen(
        [*command, "--port", str(port), "--workers", "2"],
        env=settings(tmp_path),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert within(LONG_SECONDS, lambda: is_listening(port))
    finally:
        server.kill()
        server.wait()
    assert within(LONG_SECONDS, lambda: not is_listening(port))


def is_listening(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_a_bad_setting_stops_the_command_before_anything_starts(tmp_path: Path) -> None:
    environment = server_environment(tmp_path, settings(tmp_path))
    with pytest.raises(ChengxinError, match="CHENGXIN_BODY_LIMIT_BYTES"):
        check_settings({**environment, "CHENGXIN_BODY_LIMIT_BYTES": "many"})
    check_settings(environment)


# As the server forks a worker: with a handler of its own, and the worker's application still to come.
A_SUPERVISOR = """
import multiprocessing, os, signal, sys, time
import api.app
from api.worker import application

def worker():
    print(os.getpid(), flush=True)
    {before}
    api.app.from_environment = {loading}
    application()
    print("serves", flush=True)

signal.signal(signal.SIGTERM, lambda *_: None)
process = multiprocessing.get_context("fork").Process(target=worker)
process.start()
process.join()
"""


@contextmanager
def a_supervisor(
    loading: str, before: str = "pass"
) -> Iterator[tuple[subprocess.Popen[str], int, IO[str]]]:
    """It, its worker's process id, and what the worker prints."""
    code = A_SUPERVISOR.format(before=before, loading=loading)
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as supervisor:
        assert supervisor.stdout is not None
        first_line = supervisor.stdout.readline()
        assert first_line, "the supervisor ended before its worker began: see its errors"
        try:
            yield supervisor, int(first_line), supervisor.stdout
        finally:
            supervisor.kill()
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(first_line), signal.SIGKILL)


FOR_LONG = f'lambda: (print("loads", flush=True), time.sleep({LONG_SECONDS}))'


def test_a_worker_whose_supervisor_died_before_it_was_loaded_never_serves() -> None:
    alone = "while os.getppid() == multiprocessing.parent_process().pid: time.sleep(0.01)"
    with a_supervisor("lambda: None", before=alone) as (supervisor, _, printed):
        supervisor.kill()
        assert printed.read() == ""  # to its end: the worker has it open as well


def test_a_worker_whose_supervisor_dies_while_it_is_loaded_never_serves() -> None:
    with a_supervisor(FOR_LONG) as (supervisor, _, printed):
        assert printed.readline() == "loads\n"
        supervisor.kill()
        assert printed.read() == ""


def test_a_worker_told_to_stop_while_it_is_loaded_stops() -> None:
    with a_supervisor(FOR_LONG) as (_, worker, printed):
        assert printed.readline() == "loads\n"
        os.kill(worker, signal.SIGTERM)
        assert printed.read() == ""


# As uvloop does with a signal that comes while its loop does not run.
FORGETS_THE_FIRST = f"""lambda: (
    signal.signal(signal.SIGTERM, lambda *_: signal.signal(signal.SIGTERM, signal.SIG_DFL)),
    print("loads", flush=True),
    time.sleep({LONG_SECONDS}),
)"""


def test_a_worker_that_missed_the_death_of_its_supervisor_is_asked_again() -> None:
    with a_supervisor(FORGETS_THE_FIRST) as (supervisor, _, printed):
        assert printed.readline() == "loads\n"
        supervisor.kill()
        assert printed.read() == ""
