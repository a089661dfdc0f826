"""What the server starts in each worker process: the application, bound to its supervisor's life.

A worker whose supervisor was killed would go on answering on a port that nobody can give back.
"""

import contextlib
import ctypes
import multiprocessing
import os
import signal
import threading
import time
from typing import Any

_PR_SET_PDEATHSIG = 1  # linux/prctl.h; elsewhere looking for the supervisor has to do
LOOK_SECONDS = 1.0


def application() -> Any:
    end_with_supervisor(_supervisor())
    from api.app import from_environment

    return from_environment()


def _supervisor() -> int:
    """As it was when this process began: it may be dead, and somebody else be our parent, by now."""
    began_by = multiprocessing.parent_process()
    return os.getppid() if began_by is None or began_by.pid is None else began_by.pid


def end_with_supervisor(supervisor: int) -> None:
    """Be asked to stop when the process that started this one is gone."""
    # Until the server sets a handler of its own, this process has a copy of its supervisor's, which
    # would only make a note of it there; and nobody is being answered yet.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != supervisor:  # it died before we asked
        os.kill(os.getpid(), signal.SIGTERM)
    threading.Thread(target=_ask_again, args=(supervisor,), daemon=True).start()


def _ask_again(supervisor: int) -> None:
    """The kernel asks once, and uvloop forgets a signal that comes while its loop stands still, as
    it does between the application's start and the server's."""
    while True:
        time.sleep(LOOK_SECONDS)
        if os.getppid() != supervisor:
            os.kill(os.getpid(), signal.SIGTERM)
