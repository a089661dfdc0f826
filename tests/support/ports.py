"""Ports nobody listens on."""

import secrets
import socket
from pathlib import Path

# A connection to elsewhere takes its own port from here, also between our look and the server's.
_GIVEN_TO_CONNECTIONS = Path("/proc/sys/net/ipv4/ip_local_port_range")
LOWEST = 11_000  # above those a browser refuses to open


def free_port() -> int:
    """On loopback; free when asked, and of those that are taken only by whoever names them."""
    while True:
        port = LOWEST + secrets.randbelow(_first_given() - LOWEST)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def _first_given() -> int:
    first = int(_GIVEN_TO_CONNECTIONS.read_text().split()[0])
    return first if first > LOWEST + 1_000 else 32_768  # Linux's own, where there is hardly room
