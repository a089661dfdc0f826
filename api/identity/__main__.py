"""`python -m api.identity --config FILE`: the provider as a process of its own.

One worker, because open log-ins live in its memory; the address is the issuer's.
"""

import argparse
import asyncio
import signal
from pathlib import Path
from urllib.parse import urlsplit

from granian.constants import Interfaces
from granian.server.embed import Server

from api.identity.app import create_provider_app
from api.identity.config import LOOPBACK_HOSTS, ConfigRefused, load_config
from api.signing_keys import load_signing_key


def _address(issuer: str) -> tuple[str, int]:
    parts = urlsplit(issuer)
    if parts.hostname not in LOOPBACK_HOSTS or parts.port is None:
        raise ConfigRefused(f"the demo's provider listens on loopback alone, not at {issuer!r}")
    return parts.hostname, parts.port


async def serve(config_path: Path) -> None:
    """Until SIGTERM or SIGINT. Raises ConfigRefused, KeyUnusable, OSError."""
    config = load_config(config_path)
    host, port = _address(config.issuer)
    app = create_provider_app(config, load_signing_key(Path(config.key_file)))
    server = Server(
        app, address=host, port=port, interface=Interfaces.ASGI, log_enabled=False, websockets=False
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    await server.serve()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m api.identity", description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    asyncio.run(serve(parser.parse_args().config))


if __name__ == "__main__":
    main()
