"""granian as measured best for this service: one loop, one runtime thread a worker, its log in lines
of our own. `python -m api.server --port P --workers N APPLICATION`; see `chengxin serve`.

A worker that dies is replaced, one that does not stop within 10 s is killed. The access log is off:
addresses of citizens' phones are personal data.
"""

import argparse
import sys

from granian.constants import HTTPModes, Interfaces, Loops, RuntimeModes
from granian.errors import FatalError
from granian.http import HTTP1Settings
from granian.server import Server

from api.log_lines import SERVER_LOG

# Counts connections, idle ones included: above what a proxy keeps open, and far above what one
# worker can answer at a time.
CONNECTIONS = 8_192
STOP_SECONDS = 10


def main() -> None:
    options = _options()
    server = Server(
        options.application,
        address=options.host,
        port=options.port,
        workers=options.workers,
        interface=Interfaces.ASGI,
        factory=True,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(),
        websockets=False,
        loop=Loops.uvloop,
        runtime_mode=RuntimeModes.auto,
        runtime_threads=1,
        backlog=4_096,
        backpressure=CONNECTIONS,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_SECONDS,
        log_access=False,
        log_dictconfig=SERVER_LOG,
    )
    try:
        server.serve()
    except FatalError:
        sys.exit(1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("application")
    return parser.parse_args()


if __name__ == "__main__":
    main()
