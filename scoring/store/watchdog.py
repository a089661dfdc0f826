"""Runs a command and ends it when standard input closes, that is, when the parent is gone.

A process of its own, because the parent may be killed, and because `prctl` follows the thread that
forked, not the process: a server started from a worker thread would die with the thread. Started
with `python -I -S`, so it imports the standard library alone.
"""

import ctypes
import select
import signal
import subprocess
import sys

STOP_SECONDS = 5.0
POLL_SECONDS = 0.2  # how late a server's own death is noticed
PR_SET_PDEATHSIG = 1


def _die_with_watchdog() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main(command: list[str]) -> int:
    server = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        preexec_fn=_die_with_watchdog if sys.platform == "linux" else None,  # noqa: PLW1509 one thread
    )
    print(server.pid, file=sys.stderr, flush=True)  # noqa: T201 the parent reads it
    while server.poll() is None:
        readable, _, _ = select.select([sys.stdin], [], [], POLL_SECONDS)
        if readable and not sys.stdin.buffer.read(1):
            return _stop(server)
    return server.returncode


def _stop(server: subprocess.Popen[bytes]) -> int:
    server.terminate()
    try:
        return server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        return server.wait()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer, in its order
    sys.exit(main(sys.argv[1:]))
