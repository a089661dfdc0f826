"""Runs wrk and a granian server on a core each, and reads the server's own CPU time."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psutil

from api.commands.serve import take_turns

_SCRIPT = """
local tokens = {}
for line in io.lines("%s") do tokens[#tokens + 1] = "Bearer " .. line end
local n = math.random(#tokens)
request = function()
  n = n %% #tokens + 1
  return wrk.format("%s", "%s", {["Authorization"] = tokens[n], ["Content-Type"] = "application/json"}%s)
end
"""

_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """`cpu_us`: the server processes' CPU time per request, microseconds, all its threads."""

    requests: int
    per_second: float
    p99_ms: float
    cpu_us: float
    errors: int


class Server(msgspec.Struct, frozen=True, kw_only=True):
    port: int
    pid: int


def missing_tools() -> list[str]:
    return [tool for tool in ("wrk", "taskset") if shutil.which(tool) is None]


@contextmanager
def running(target: str, *, env: Mapping[str, str], factory: bool, log: Path) -> Iterator[Server]:
    """A granian worker on core 0, scheduled as `chengxin serve` has it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = ["taskset", "-c", "0", sys.executable, "-m", "granian", target]
    command += [
        "--interface",
        "asgi",
        "--http",
        "1",
        "--no-ws",
        "--loop",
        "uvloop",
        "--workers",
        "1",
    ]
    command += ["--runtime-threads", "1", "--backlog", "4096", "--backpressure", "1024"]
    command += ["--workers-kill-timeout", "5s", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--no-access-log"] + (["--factory"] if factory else [])
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command,
            env={**os.environ, **env},
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
        take_turns(process.pid)  # before it has threads
    try:
        _wait_for(port, process, log)
        yield Server(port=port, pid=process.pid)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(200):
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                time.sleep(0.7)  # keys and the first snapshot version arrive in the background
                return
        time.sleep(0.1)
    sys.exit(f"server did not start: {log.read_text(errors='replace')[-2000:]}")


def load(
    server: Server,
    *,
    path: str,
    tokens: Path | None = None,
    script: str = "",
    seconds: int,
    folder: Path,
    method: str = "GET",
    body_lua: str = "",
    connections: int = 64,
) -> Run:
    """wrk on core 1; errors are answers that are not 2xx or 3xx and broken sockets. `script`: Lua in
    the place of one request for each line of `tokens`."""
    lua = folder / "requests.lua"
    lua.write_text(script or _SCRIPT % (tokens, method, path, body_lua), encoding="utf-8")
    command = ["taskset", "-c", "1", "wrk", "-t", "1", "-c", str(connections), "--latency"]
    command += ["-s", str(lua), f"http://127.0.0.1:{server.port}{path}"]
    subprocess.run([*command[:-1], "-d", "2s", command[-1]], check=True, capture_output=True)
    before = _cpu_seconds(server.pid)
    out = subprocess.run(
        [*command[:-1], "-d", f"{seconds}s", command[-1]],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return _parse(out, _cpu_seconds(server.pid) - before)


def _cpu_seconds(pid: int) -> float:
    """User and system time of the server and its workers."""
    parent = psutil.Process(pid)
    times = [process.cpu_times() for process in (parent, *parent.children(recursive=True))]
    return sum(time_.user + time_.system for time_ in times)


def _parse(out: str, cpu_seconds: float) -> Run:
    found = re.search(r"(\d+) requests in", out)
    requests = int(found.group(1)) if found else 0
    rate = re.search(r"Requests/sec:\s+([\d.]+)", out)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", out)
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", out)
    return Run(
        requests=requests,
        per_second=float(rate.group(1)) if rate else 0.0,
        p99_ms=float(p99.group(1)) * _MS[p99.group(2)] if p99 else 0.0,
        cpu_us=cpu_seconds / requests * 1e6 if requests else 0.0,
        errors=(int(wrong.group(1)) if wrong else 0)
        + (sum(int(n) for n in broken.groups()) if broken else 0),
    )
