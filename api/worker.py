"""What the server starts in each worker process: the application, bound to its supervisor's life.

A worker whose supervisor was killed would go on answering on a port that nobody can give back.
"""

import contextlib
import ctypes
import os
import signal
from typing import Any

_PR_SET_PDEATHSIG = 1  # linux/prctl.h; elsewhere the supervisor's orderly stop has to do


def application() -> Any:
    end_with_supervisor(os.getppid())
    from api.app import from_environment

    return from_environment()


def end_with_supervisor(supervisor: int) -> None:
    """Be asked to stop when the process that started this one is gone."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != supervisor:  # it died before we asked
        os.kill(os.getpid(), signal.SIGTERM)
