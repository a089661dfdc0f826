"""The store's configuration of `deploy/`: Valkey takes it, and it is what the service needs."""

import asyncio
import subprocess
from pathlib import Path

import pytest

from api.commands.doctor.store import _settings
from scoring.errors import StoreUnavailable
from scoring.store.connection import StoreConnection
from scoring.store.embedded import SOCKET_PATH_BYTES, find_executable
from tests.support.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
CONFIG = (ROOT / "deploy" / "valkey" / "chengxin.conf").read_text("utf-8")
DEPLOYED = "unixsocket /run/valkey/valkey-server.sock\n"


def answers(url: str) -> bool:
    try:
        StoreConnection.open(url).close()
    except StoreUnavailable:
        return False
    return True


def test_a_store_started_with_it_gives_the_doctor_no_cause(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("vk")
    socket = folder / "v.sock"
    if len(str(socket)) > SOCKET_PATH_BYTES:
        pytest.skip("the folder for temporary files is too deep for a socket")
    assert DEPLOYED in CONFIG
    config = folder / "valkey.conf"
    config.write_text(CONFIG.replace(DEPLOYED, f"unixsocket {socket}\n"), "utf-8")
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([find_executable(), str(config)], stdout=log, stderr=log)
    try:
        asyncio.run(eventually(lambda: answers(f"unix://{socket}")))
        with StoreConnection.open(f"unix://{socket}") as store:
            assert list(_settings(store)) == []
            assert store.call("CONFIG", "GET", "save")[1] == b""
            assert store.call("CONFIG", "GET", "port")[1] == b"0"
        assert socket.stat().st_mode & 0o777 == 0o770
    finally:
        server.terminate()
        server.wait(10)
    example = (ROOT / "deploy" / "chengxin.env.example").read_text("utf-8")
    assert f"unix://{DEPLOYED.split()[1]}\n" in example
