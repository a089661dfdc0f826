"""Run as a script: `tethered.py COMMAND…` becomes COMMAND, asked to end when its parent dies.

A script of its own, because running Python between fork and exec is unsafe in a process whose
threads (polars') may hold locks. Linux only; elsewhere COMMAND just runs.
"""

import contextlib
import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1

if __name__ == "__main__":
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - the caller's fixed argument list
