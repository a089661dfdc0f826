"""Ports nobody listens on."""

import socket


def free_port() -> int:
    """On loopback; free when asked."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
